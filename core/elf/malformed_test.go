package elf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// base is an object with something of everything; cases break it.
const base = `
license GPL
map flows hash 4 8 16
var .rodata limit 07000000
var .data seen 01 00 00 00 00 00 00 00
zero .bss count 4
static helper
section .text
.func helper
	r0 = 1
	exit
section xdp
.func drop
	r1 = map[flows] ll
	r2 = var[limit] ll
	r3 = value[.bss] + 0 ll
	if r1 == 0 goto L1
	call helper
L1:
	r0 = 1
	exit
`

// Numbers of the headers of base: section 0 is the null one.
const (
	baseLicense = 1
	baseText    = 2
	baseXDP     = 3
	baseRodata  = 4
	baseBss     = 6
	baseMaps    = 7
	baseBTF     = 8
	baseRel     = 9
	baseSymtab  = 10
	baseStrtab  = 11
)

// broken assembles base and lets change break it.
func broken(t testing.TB, text string, do func(f *elftest.File)) []byte {
	t.Helper()
	f, err := elftest.Assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	if do != nil {
		do(f)
	}
	return f.Bytes()
}

// edit changes one section header.
func edit(n int, do func(h *elftest.Header)) func(f *elftest.File) {
	return func(f *elftest.File) {
		f.Edit = func(h []elftest.Header) { do(&h[n]) }
	}
}

// at finds a section of a file under construction.
// poke overwrites bytes of the finished file.
func poke(b []byte, off int, with ...byte) []byte {
	copy(b[off:], with)
	return b
}

type malformed struct {
	id, name string
	data     func(t testing.TB) []byte
	want     string // part of the error
}

func change(do func(f *elftest.File)) func(t testing.TB) []byte {
	return func(t testing.TB) []byte { return broken(t, base, do) }
}

func raw(s string) func(t testing.TB) []byte {
	return func(testing.TB) []byte { return []byte(s) }
}

func file16(off int, v uint16) func(t testing.TB) []byte {
	return func(t testing.TB) []byte {
		b := broken(t, base, nil)
		binary.LittleEndian.PutUint16(b[off:], v)
		return b
	}
}

var malformedCases = []malformed{
	{"E02", "section headers past the end", func(t testing.TB) []byte {
		b := broken(t, base, nil)
		binary.LittleEndian.PutUint64(b[40:], uint64(len(b)))
		return b
	}, "ELF header+0x28: section headers at"},
	{"E02", "section headers wrap", func(t testing.TB) []byte {
		b := broken(t, base, nil)
		binary.LittleEndian.PutUint64(b[40:], 1<<64-32)
		return b
	}, "are outside the file"},
	{"E02", "more sections than the file has room for", file16(60, 0xfff0), "section headers+0x40: count does not fit the data"},
	{"E02", "no sections", file16(60, 0), "ELF header+0x3c: file has no sections"},
	{"E02", "extended count too large", func(t testing.TB) []byte {
		b := broken(t, base, edit(0, func(h *elftest.Header) { h.Size = 1 << 40 }))
		binary.LittleEndian.PutUint16(b[60:], 0)
		return b
	}, "count does not fit the data"},
	{"E02", "extended name section too large", func(t testing.TB) []byte {
		b := broken(t, base, edit(0, func(h *elftest.Header) { h.Link = 1 << 30 }))
		binary.LittleEndian.PutUint16(b[62:], 0xffff)
		return b
	}, "does not hold the section names"},
	{"E02", "section 0 as symbol table", change(edit(0, func(h *elftest.Header) { h.Type, h.Offset, h.Size = 2, 1<<60, 1<<60 })), "section headers+0x0: section 0 has type 2, not NULL"},
	{"E02", "section 0 as string table", change(edit(0, func(h *elftest.Header) { h.Type, h.Offset, h.Size = 3, 1<<60, 1<<60 })), "section 0 has type 3, not NULL"},
	{"E02", "header size", file16(58, 32), "section headers have 32 bytes, not 64"},
	{"E03", "section name", change(edit(baseXDP, func(h *elftest.Header) { h.Name = 1 << 20 })), "section headers+0xc0: name of section 3: offset 0x100000 is outside"},
	{"E04", "negative size", change(edit(baseXDP, func(h *elftest.Header) { h.Size = 1<<64 - 8 })), "section headers+0xc0: section 3 has"},
	{"E05", "offset and size wrap", change(edit(baseXDP, func(h *elftest.Header) { h.Offset = 1<<64 - 16; h.Size = 32 })), "section 3 has 32 bytes at offset"},
	{"E06", "huge .bss", change(edit(baseBss, func(h *elftest.Header) { h.Size = 2 << 30 })), ".bss+0x0: 2147483648 bytes of data are more than the limit"},
	{"E06", "huge .bss above 32 bits", change(edit(baseBss, func(h *elftest.Header) { h.Size = 4<<30 + 4 })), "are more than the limit"},
	{"E07", "compressed program", change(edit(baseXDP, func(h *elftest.Header) { h.Flags |= elftest.Compressed })), "xdp+0x0: compressed section is not supported"},
	{"E07", "compressed maps", change(edit(baseMaps, func(h *elftest.Header) { h.Flags |= elftest.Compressed })), ".maps+0x0: compressed section is not supported"},
	{"E07", "compressed data", change(edit(baseRodata, func(h *elftest.Header) { h.Flags |= elftest.Compressed })), ".rodata+0x0: compressed section is not supported"},
	{"E08", "symbol behind its section", change(func(f *elftest.File) { f.Symbol("limit").Size = 100 }), `symbol "limit" has 100 bytes at offset 0x0 of section .rodata`},
	{"E08", "symbol wraps", change(func(f *elftest.File) { f.Symbol("drop").Value = 8; f.Symbol("drop").Size = 1<<64 - 8 }), `symbol "drop"`},
	{"E09", "symbol in a section that is not there", change(func(f *elftest.File) {
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "lost", Index: 500, Bind: 1, Type: elftest.Func})
		r := &f.Section("xdp").Relocs
		(*r)[3].Symbol = "lost"
	}), `symbol "lost" is in section 500 of 12`},
	{"E10", "symbols linked to no strings", change(edit(baseSymtab, func(h *elftest.Header) { h.Link = baseXDP })), ".symtab+0x0: linked section 3 is not a string table"},
	{"E10", "symbols linked to nothing", change(edit(baseSymtab, func(h *elftest.Header) { h.Link = 77 })), "linked section 77 is not a string table"},
	{"E11", "no symbol table", change(edit(baseSymtab, func(h *elftest.Header) { h.Type = 77 })), "file has no symbol table"},
	{"E11", "symbol size", change(edit(baseSymtab, func(h *elftest.Header) { h.EntrySize = 16 })), "symbols have 16 bytes, not 24"},
	{"E11", "odd symbol table", change(edit(baseSymtab, func(h *elftest.Header) { h.Size-- })), "is not a multiple of 24"},
	{"E12", "relocations for no section", change(edit(baseRel, func(h *elftest.Header) { h.Info = 99 })), ".relxdp+0x0: relocations are for section 99 of 12"},
	{"E12", "relocation size", change(edit(baseRel, func(h *elftest.Header) { h.EntrySize = 24 })), "relocations have 24 bytes, not 16"},
	{"E12", "odd relocations", change(edit(baseRel, func(h *elftest.Header) { h.Size-- })), "is not a multiple of 16"},
	{"E12", "symbol number", change(func(f *elftest.File) { f.Section("xdp").Relocs[0].Number = 1 << 24 }), ".relxdp+0x0: relocation refers to symbol 16777216 of"},
	{"E12", "place outside", change(func(f *elftest.File) { f.Section("xdp").Relocs[0].Offset = 1 << 40 }), "patches offset 0x10000000000 of section xdp"},
	{"E12", "place unaligned", change(func(f *elftest.File) { f.Section("xdp").Relocs[0].Offset = 4 }), "xdp+0x4: relocation patches no start of an instruction"},
	{"E12", "second half of a load", change(func(f *elftest.File) { f.Section("xdp").Relocs[0].Offset = 8 }), "xdp+0x8: relocation patches no start of an instruction"},
	{"E12", "two relocations of one place", change(func(f *elftest.File) { f.Section("xdp").Relocs[1].Offset = 0 }), "patches no start"},
	{"E12", "target is not a load", change(func(f *elftest.File) { f.Section("xdp").Relocs[0].Offset = 48 }), "relocation patches an instruction that is neither"},
	{"E12", "call relocation of a load", change(func(f *elftest.File) { f.Section("xdp").Relocs[0].Type = elftest.Call }), "relocation of type 10 is not one of 64-bit loads"},
	{"E12", "load relocation of a call", change(func(f *elftest.File) { f.Section("xdp").Relocs[3].Type = elftest.Load64 }), "relocation of type 1 is not one of calls"},
	{"E12", "call into the middle", change(func(f *elftest.File) { clear(f.Section("xdp").Data[60:64]) }), `xdp+0x38: function "drop": no function starts at .text+0x8`},
	{"E14", "BTF without bytes", change(edit(baseBTF, func(h *elftest.Header) { h.Type = elftest.Nobits })), ".BTF+0x0: section of type NOBITS holds no data"},
	{"E14", "maps without bytes", change(edit(baseMaps, func(h *elftest.Header) { h.Type = elftest.Nobits })), ".maps+0x0: section of type NOBITS holds no data"},
	{"E15", "half a load", change(func(f *elftest.File) {
		s := f.Section("xdp")
		s.Data, s.Relocs = append(s.Data[:72:72], 0x18, 0, 0, 0, 0, 0, 0, 0), s.Relocs[:3]
		f.Symbol("drop").Size = 80
	}), `xdp+0x48: function "drop": second half of the 64-bit load is missing`},
	{"E16", "odd second half", change(func(f *elftest.File) { f.Section("xdp").Data[9] = 1 }), "second half of the 64-bit load is 0x"},
	{"E17", "struct_ops", change(func(f *elftest.File) {
		f.Sections = append(f.Sections, elftest.Section{Name: ".struct_ops.link", Data: make([]byte, 8)})
	}), ".struct_ops.link+0x0: BTF has no section of that name"},
	{"E17", "struct_ops without BTF", change(func(f *elftest.File) {
		f.Section(".maps").Name, f.Section(".BTF").Name = ".struct_ops", ".other"
	}), ".struct_ops+0x0: struct_ops need BTF"},
	{"E17", "arena variables without arena", change(func(f *elftest.File) {
		f.Sections = append(f.Sections, elftest.Section{Name: ".addr_space.1", Data: make([]byte, 8)})
	}), ".addr_space.1+0x0: variables need a map of type arena"},
	{"E17", "two sections of jump tables", change(func(f *elftest.File) {
		f.Sections = append(f.Sections, elftest.Section{Name: ".jumptables", Data: make([]byte, 8)}, elftest.Section{Name: ".jumptables", Data: make([]byte, 8)})
	}), ".jumptables+0x0: section 10 has the name of section 9"},
	{"E18", "maps without BTF", change(func(f *elftest.File) { f.Section(".BTF").Name = ".other" }), ".maps+0x0: maps in this section need BTF"},
	{"E19", "initial values in a section of alignment 0", change(func(f *elftest.File) {
		s := f.Section(".maps")
		s.Align, s.Relocs = 0, []elftest.Reloc{{Symbol: "drop", Type: elftest.Abs64}}
	}), ".maps+0x0: initial values of maps in a section of alignment 0"},
	{"E22", "one name twice", change(func(f *elftest.File) {
		s := f.Section("xdp")
		s.Data = append(s.Data, s.Data[len(s.Data)-16:]...)
		d := f.Symbol("drop")
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "drop", Section: "xdp", Value: d.Size, Size: 16, Bind: 1, Type: elftest.Func})
	}), `xdp+0x50: second function named "drop", the first is at xdp+0x0`},
	{"E22", "one variable twice", change(func(f *elftest.File) {
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "limit", Section: ".data", Size: 8, Bind: 1, Type: elftest.Object})
	}), `second variable named "limit"`},
	{"E23", "map outside its section", change(func(f *elftest.File) { f.Symbol("flows").Value = 8 }), `symbol "flows" has 40 bytes at offset 0x8 of section .maps`},
	{"E23", "map without symbol", change(func(f *elftest.File) { f.Symbol("flows").Name = "other" }), `map "flows" has no symbol`},
	{"E23", "static map", change(func(f *elftest.File) { f.Symbol("flows").Bind = elftest.Local }), `map "flows" is static: remove the keyword`},
	{"E24", "initialised map", change(func(f *elftest.File) { f.Section(".maps").Data[17] = 1 }), `.maps+0x0: map "flows": malformed map definition: member "value_size" is initialised`},
	{"E25", "undefined map", change(func(f *elftest.File) {
		f.Section("xdp").Relocs[0].Symbol = "gone"
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "gone", Bind: 1})
	}), `undefined map or variable "gone"`},
	{"E25", "common variable", change(func(f *elftest.File) {
		f.Section("xdp").Relocs[0].Symbol = "tentative"
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "tentative", Bind: 1, Size: 4, Value: 4, Index: 0xfff2})
	}), `variable "tentative" has no section: give it a value, or compile with -fno-common`},
	{"E25", "absolute symbol", change(func(f *elftest.File) {
		f.Section("xdp").Relocs[0].Symbol = "fixed"
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "fixed", Bind: 1, Index: 0xfff1})
	}), `symbol "fixed" has no section`},
	{"E25", "undefined function", change(func(f *elftest.File) {
		f.Section("xdp").Relocs[3].Symbol = "gone"
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "gone", Bind: 1})
	}), `function "gone" is called but not defined`},
	{"E26", "empty", raw(""), "this is an empty file"},
	{"E26", "zeroes", raw(strings.Repeat("\x00", 4096)), "this is nothing but zeroes"},
	{"E26", "gzip", raw("\x1f\x8b\x08\x00aaaaaaaa"), "this is a gzip file: not an eBPF object file; unpack it first"},
	{"E26", "PNG", raw("\x89PNG\r\n\x1a\n"), "this is a PNG image"},
	{"E26", "wasm", raw("\x00asm\x01\x00\x00\x00"), "this is a WebAssembly module"},
	{"E26", "archive", raw("!<arch>\nx.o/"), "this is an ar archive: not an eBPF object file; extract its members first"},
	{"E26", "source", raw("#include <linux/bpf.h>\n"), "this is source text"},
	{"E26", "BTF", raw("\x9f\xeb\x01\x00"), "this is BTF without an ELF file"},
	{"E26", "text", raw("int main(void) { return 0; } // é\n"), "this is a text: not an eBPF object file; if it is source, compile it first, with clang"},
	{"E26", "tar", raw("a.o" + strings.Repeat("\x00", 254) + "ustar\x0000"), "this is a tar archive"},
	{"E26", "anything", raw("hello\x01"), "this is not an ELF file"},
	{"E26", "sBPF", file16(18, 263), "this is an ELF file for Solana's sBPF"},
	{"E26", "host", file16(18, 62), "this is an ELF file for x86-64: not an eBPF object file; compile with clang"},
	{"E26", "unknown machine", file16(18, 999), "this is an ELF file for machine 999"},
	{"E26", "executable", file16(16, 2), "this is an ELF file of type 2"},
	{"E26", "host without sections", func(t testing.TB) []byte { return poke(poke(broken(t, base, nil), 18, 62), 40, make([]byte, 8)...) }, "this is an ELF file for x86-64"},
	{"E26", "32-bit", func(t testing.TB) []byte { return poke(broken(t, base, nil), 4, 1) }, "class 1 is not 64-bit"},
	{"E26", "byte order", func(t testing.TB) []byte { return poke(broken(t, base, nil), 5, 7) }, "byte order 7 is neither"},
	{"F01", "function behind its section", change(func(f *elftest.File) { f.Symbol("drop").Size += 8 }), `symbol "drop"`},
	{"F02", "half an instruction", change(func(f *elftest.File) { f.Symbol("drop").Size -= 4 }), "is not made of whole instructions"},
	{"F03", "functions overlap", change(func(f *elftest.File) {
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "in", Section: "xdp", Value: 16, Size: 16, Bind: 1, Type: elftest.Func})
	}), `function "drop" of 80 bytes overlaps "in" at 0x10`},
	{"F04", "empty function", change(func(f *elftest.File) {
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "end", Section: "xdp", Value: 80, Bind: 1, Type: elftest.Func})
	}), `function "end" is empty`},
	{"F05", "section size", change(edit(baseXDP, func(h *elftest.Header) { h.Size -= 4 })), "xdp+0x4c: size 76 is not a multiple of 8"},
	{"F06", "address outside the data", change(func(f *elftest.File) { f.Section("xdp").Data[36] = 200 }), "address +200 is outside the 4 bytes of section .bss"},
	{"F07", "address in a section without meaning", change(func(f *elftest.File) { f.Section("xdp").Relocs[0].Symbol = "license" }), "which is neither code nor data nor a map"},
	{"F08", "two symbol tables", change(func(f *elftest.File) {
		f.Sections = append(f.Sections, elftest.Section{Name: "x", Type: elftest.Symtab})
	}), "second symbol table"},
	{"F09", "two licenses", change(func(f *elftest.File) {
		f.Sections = append(f.Sections, elftest.Section{Name: "license", Data: []byte("x")})
	}), "has the name of section 1"},
	{"F10", "jump out of the function", change(func(f *elftest.File) { f.Section("xdp").Data[48+2] = 100 }), `function "drop": target +100 is outside`},
}

func TestMalformed(t *testing.T) {
	if _, err := elf.LoadBytes(broken(t, base, nil), elf.Options{}); err != nil {
		t.Fatalf("the unbroken file: %v", err)
	}
	for _, tt := range malformedCases {
		t.Run(tt.id+" "+tt.name, func(t *testing.T) {
			c, err := elf.LoadBytes(tt.data(t), elf.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got error %v, want one with %q", err, tt.want)
			}
			if c != nil {
				t.Error("there is a collection beside the error")
			}
			var place *wire.Error
			if errors.Is(err, object.ErrNotObject) == errors.As(err, &place) {
				t.Errorf("error %v is neither a wrong kind of file nor a place", err)
			}
			if _, other := elf.Load(bytes.NewReader(tt.data(t)), elf.Options{}); other == nil || other.Error() != err.Error() {
				t.Errorf("a reader gives %v, its bytes %v", other, err)
			}
		})
	}
}

// TestAccepted has the cases that look wrong and are fine.
func TestAccepted(t *testing.T) {
	load := func(t *testing.T, b []byte) *spec.Collection {
		t.Helper()
		c, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	t.Run("E02 extended numbers", func(t *testing.T) {
		load(t, wide(t))
	})
	t.Run("E13 license without end", func(t *testing.T) {
		b := broken(t, base, func(f *elftest.File) { f.Section("license").Data = []byte("GPL") })
		if c := load(t, b); c.License != "GPL" {
			t.Errorf("got %q", c.License)
		}
	})
	t.Run("E20 legacy maps without BTF", func(t *testing.T) {
		c := load(t, broken(t, "nobtf\n"+base, nil))
		if m := c.Map("flows"); m == nil || m.ValueSize != 8 || m.Section != "maps" {
			t.Errorf("got %+v", m)
		}
		if err := c.Check(); err != nil {
			t.Error(err)
		}
	})
	t.Run("E21 symbols without size or type, machine 0", func(t *testing.T) {
		want := load(t, broken(t, base, nil))
		c := load(t, broken(t, base, func(f *elftest.File) {
			f.Machine = 0
			for i := range f.Symbols {
				if s := &f.Symbols[i]; s.Type == elftest.Func {
					s.Type, s.Size = elftest.NoType, 0
				}
			}
			f.Symbols = append(f.Symbols, elftest.Symbol{Name: "LBB0_1", Section: "xdp", Value: 64})
		}))
		if len(c.Notes) != 3 || c.Notes[0].Code != elf.NoteMachine || c.Notes[1].Code != elf.NoteSizes {
			t.Errorf("notes are %+v", c.Notes)
		}
		c.Notes = nil
		if c.String() != want.String() {
			t.Errorf("got\n%s", c)
		}
	})
	t.Run("E25 map that is only declared", func(t *testing.T) {
		c := load(t, broken(t, "nobtf\n"+base, func(f *elftest.File) {
			s := f.Section("maps")
			s.Name = "lirc_mode2/maps"
			f.Symbol("flows").Section = "lirc_mode2/maps"
			f.Symbols = append(f.Symbols, elftest.Symbol{Name: "flows", Bind: 1})
		}))
		if r := c.Programs[0].Insns.At(0); r.Ref != asm.RefMap || r.Symbol != "flows" {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("E27 big endian", func(t *testing.T) {
		c := load(t, broken(t, "order big\n"+base, nil))
		if c.Order != asm.BigEndian || c.Programs[0].Insns.Len() != 9 {
			t.Errorf("got %v\n%s", c.Order, c)
		}
	})
	t.Run("E29 strange names", func(t *testing.T) {
		name := "\x1b[31m\xff" + strings.Repeat("x", 1<<20)
		c := load(t, broken(t, base, func(f *elftest.File) { f.Symbol("drop").Name = name }))
		if c.Programs[0].Name != name {
			t.Error("the name is changed")
		}
		if strings.Contains(c.String(), "\x1b") {
			t.Error("the text has an escape character")
		}
	})
	t.Run("E30 aliased sections", func(t *testing.T) {
		load(t, broken(t, base, func(f *elftest.File) {
			f.Edit = func(h []elftest.Header) { h[baseBss].Type, h[baseBss].Offset = elftest.Progbits, h[baseRodata].Offset }
		}))
	})
}

// TestMany reads files with very many things of a kind: time and memory stay in proportion.
func TestMany(t *testing.T) {
	many := func(n int, do func(f *elftest.File, i int)) []byte {
		f, err := elftest.Assemble(base)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			do(f, i)
		}
		return f.Bytes()
	}
	tests := []struct {
		name string
		data []byte
	}{
		{"E28 sections", many(60_000, func(f *elftest.File, i int) {
			f.Sections = append(f.Sections, elftest.Section{Name: "s"})
		})},
		{"E28 symbols", many(200_000, func(f *elftest.File, i int) {
			f.Symbols = append(f.Symbols, elftest.Symbol{Name: fmt.Sprint("s", i), Index: baseBss, Size: 1, Type: elftest.Object, Bind: elftest.Global})
		})},
		{"E28 symbols of one name", many(100_000, func(f *elftest.File, i int) {
			f.Symbols = append(f.Symbols, elftest.Symbol{Name: "same", Index: baseBss, Size: 1, Type: elftest.Object})
		})},
		{"E28 functions of one name", many(1, func(f *elftest.File, _ int) {
			const n = 100_000
			f.Sections = append(f.Sections, elftest.Section{Name: "many", Flags: elftest.Exec, Data: bytes.Repeat([]byte{0x95, 0, 0, 0, 0, 0, 0, 0}, n)})
			for i := range n {
				f.Symbols = append(f.Symbols, elftest.Symbol{Name: "same", Index: uint16(len(f.Sections)), Value: uint64(i) * 8, Size: 8, Type: elftest.Func})
			}
		})},
		{"E30 aliased data", many(10_000, func(f *elftest.File, i int) {
			if i == 0 {
				f.Edit = func(h []elftest.Header) {
					for k := baseStrtab + 1; k < len(h)-3; k++ {
						h[k].Offset, h[k].Size = 0, 1<<19
					}
				}
			}
			f.Sections = append(f.Sections, elftest.Section{Name: fmt.Sprint(".data.", i), Data: []byte{1}})
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			used := allocated(func() {
				if _, err := elf.LoadBytes(tt.data, elf.Options{}); err != nil {
					t.Log(err)
				}
			})
			if limit := bound(len(tt.data)); used > limit && !testenv.Race {
				t.Errorf("%d bytes allocated for a file of %d, at most %d", used, len(tt.data), limit)
			}
			t.Logf("%d bytes in %v", len(tt.data), time.Since(start))
		})
	}
}

// TestSharedNames returns many symbols one long name, or ends of it.
func TestSharedNames(t *testing.T) {
	f, err := elftest.Assemble(base)
	if err != nil {
		t.Fatal(err)
	}
	const n = 200_000
	for range n {
		f.Symbols = append(f.Symbols, elftest.Symbol{Index: baseBss, Size: 1, Type: elftest.Object})
	}
	long := strings.Repeat("x", 1<<20)
	f.Symbols = append(f.Symbols, elftest.Symbol{Name: long, Index: baseBss, Size: 1, Type: elftest.Object})
	var at uint32
	var table elftest.Header
	f.Edit = func(h []elftest.Header) { table = h[baseSymtab] }
	b := f.Bytes()
	at = uint32(bytes.Index(b, []byte(long)) - bytes.Index(b, []byte("license\x00")) + 1)
	for i := range n {
		binary.LittleEndian.PutUint32(b[table.Offset+24*uint64(20+i):], at+uint32(i))
	}
	if _, err := elf.LoadBytes(b, elf.Options{}); err == nil || !strings.Contains(err.Error(), "names overlap too much") {
		t.Errorf("got %v", err)
	}
}
