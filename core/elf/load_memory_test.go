package elf_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// bound is how much memory reading a file of that size may allocate.
func bound(size int) uint64 { return 256<<10 + 10*uint64(size) }

// boundBad is the same for a file that is refused.
func boundBad(size int) uint64 { return 256<<10 + 4*uint64(size) }

// allocated returns the bytes that a function allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// codeFile is a file that is little else than code, and the offset of the last instruction in it.
type codeFile struct {
	data []byte
	last int
}

// newCodeFile makes a file whose code section is code repeated, with the symbols and relocations
// that add makes.
func newCodeFile(t *testing.T, code []byte, times int, add func(f *elftest.File, s *elftest.Section)) codeFile {
	t.Helper()
	f, err := elftest.Assemble("license GPL\nnobtf\nmap m hash 4 4 4\nsection tc\n.func first\nr0 = 0\nexit")
	if err != nil {
		t.Fatal(err)
	}
	end := words(0x00000077_00000_0b7, 0x95)
	s := elftest.Section{Name: "xdp", Flags: elftest.Alloc | elftest.Exec, Align: 8, Data: append(bytes.Repeat(code, times), end...)}
	add(f, &s)
	f.Sections = append(f.Sections, s)
	b := f.Bytes()
	return codeFile{b, bytes.LastIndex(b, end) + 8}
}

// words are instructions as numbers.
func words(list ...uint64) []byte {
	var b []byte
	for _, w := range list {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

// codeShapes are files that are little else than code.
func codeShapes(t *testing.T) map[string]codeFile {
	const move, load, jump, call = 0x00000001_00000_0b7, 0x00000001_00000_118, 0x00000000_ffff_0005, 0xffffffff_00001085
	one := func(f *elftest.File, s *elftest.Section) {
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "all", Section: "xdp", Size: uint64(len(s.Data)), Type: elftest.Func, Bind: elftest.Global})
	}
	each := func(size int, bind uint8) func(f *elftest.File, s *elftest.Section) {
		return func(f *elftest.File, s *elftest.Section) {
			for at := 0; at < len(s.Data); at += size {
				n := min(size, len(s.Data)-at)
				if n < 2*size && len(s.Data)-at-n < size {
					n = len(s.Data) - at // the last one has what is left
				}
				f.Symbols = append(f.Symbols, elftest.Symbol{Name: fmt.Sprint("f", at/size), Section: "xdp", Value: uint64(at), Size: uint64(n), Type: elftest.Func, Bind: bind})
				if at+n == len(s.Data) {
					return
				}
			}
		}
	}
	return map[string]codeFile{
		"moves": newCodeFile(t, words(move), 200_000, one),
		"loads": newCodeFile(t, words(load, 0), 100_000, one),
		"jumps": newCodeFile(t, words(jump), 200_000, one),
		"maps": newCodeFile(t, words(load&^0x0000_0001_0000_0000, 0), 50_000, func(f *elftest.File, s *elftest.Section) {
			one(f, s)
			for i := range 50_000 {
				s.Relocs = append(s.Relocs, elftest.Reloc{Offset: uint64(i) * 16, Symbol: "m", Type: elftest.Load64})
			}
		}),
		"functions": newCodeFile(t, bytes.Repeat(words(move), 19), 5000, func(f *elftest.File, s *elftest.Section) {
			each(19*8, elftest.Local)(f, s)
			f.Symbols = append(f.Symbols, elftest.Symbol{Name: "entry", Section: "tc", Type: elftest.Func, Bind: elftest.Global})
			var calls []byte
			for range 5000 {
				calls = append(calls, words(call)...)
			}
			e := elftest.Section{Name: "classifier", Flags: elftest.Alloc | elftest.Exec, Align: 8, Data: append(calls, words(0x95)...)}
			for i := range 5000 {
				e.Relocs = append(e.Relocs, elftest.Reloc{Offset: uint64(i) * 8, Symbol: fmt.Sprint("f", i), Type: elftest.Call})
			}
			f.Sections = append(f.Sections, e)
			f.Symbols = append(f.Symbols, elftest.Symbol{Name: "main", Section: "classifier", Size: uint64(len(e.Data)), Type: elftest.Func, Bind: elftest.Global})
		}),
		"short":    newCodeFile(t, words(move, 0x95), 20_000, each(16, elftest.Global)),
		"programs": newCodeFile(t, append(bytes.Repeat(words(move), 7), words(0x95)...), 10_000, each(64, elftest.Global)),
	}
}

// typeShapes are files that are little else than types, or than what is said of instructions.
func typeShapes(t *testing.T) map[string][]byte {
	t.Helper()
	const many = 20_000
	out := make(map[string][]byte)
	add := func(name string, fill func(b *btf.Builder, e *btf.Ext, fn btf.ID)) {
		var b btf.Builder
		var e btf.Ext
		fill(&b, &e, b.Add(&btf.Func{Name: "first", Type: b.Add(&btf.FuncProto{})}))
		types, ext, err := b.BytesExt(&e)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elftest.Assemble("license GPL\nnobtf\nsection tc\n.func first\nr0 = 0\nexit")
		if err != nil {
			t.Fatal(err)
		}
		f.Sections = append(f.Sections, elftest.Section{Name: ".BTF", Data: types}, elftest.Section{Name: ".BTF.ext", Data: ext})
		out[name] = f.Bytes()
	}
	add("tags of one function", func(b *btf.Builder, _ *btf.Ext, fn btf.ID) {
		for range many {
			b.Add(&btf.DeclTag{Tag: "x", Type: fn, Component: -1})
		}
	})
	add("variables", func(b *btf.Builder, _ *btf.Ext, _ btf.ID) {
		size := b.Add(&btf.Int{Name: "int", Size: 4})
		for range many {
			b.Add(&btf.Var{Name: "v", Type: size})
		}
	})
	add("lines", func(_ *btf.Builder, e *btf.Ext, _ btf.ID) {
		e.Sections = []btf.ExtSection{{Name: "tc", Lines: make([]btf.LineInfoAt, many)}}
	})
	add("lines of a section in many parts", func(_ *btf.Builder, e *btf.Ext, _ btf.ID) {
		for i := range many {
			e.Sections = append(e.Sections, btf.ExtSection{Name: []string{"tc", "other"}[i%2], Lines: make([]btf.LineInfoAt, 1)})
		}
	})
	add("lines of many sections", func(_ *btf.Builder, e *btf.Ext, _ btf.ID) {
		for i := range many {
			e.Sections = append(e.Sections, btf.ExtSection{Name: fmt.Sprintf("%x", i), Lines: make([]btf.LineInfoAt, 1)})
		}
	})
	return out
}

// TestMemory (R7) holds what reading allocates against the size of the file: the seeds, files that
// are little else than types, or than code, and the latter with a last instruction that is wrong.
func TestMemory(t *testing.T) {
	testenv.NeedAllocations(t)
	files := make(map[string][]byte)
	for _, s := range seeds(t) {
		files[s.name] = s.data
	}
	maps.Copy(files, typeShapes(t))
	for name, f := range codeShapes(t) {
		files[name] = f.data
		bad := bytes.Clone(f.data)
		bad[f.last] = 0x18 // a load without its second half
		files[name+", bad"] = bad
	}
	for name, b := range files {
		t.Run(name, func(t *testing.T) {
			bad := strings.HasSuffix(name, ", bad")
			limit := bound(len(b))
			if bad {
				limit = boundBad(len(b))
			}
			used := allocated(func() {
				if _, err := elf.Load(bytes.NewReader(b), elf.Options{Lenient: true}); (err != nil) != bad {
					t.Error(err)
				}
			})
			if used > limit {
				t.Errorf("%d bytes allocated for a file of %d, at most %d", used, len(b), limit)
			}
			t.Logf("%.2f times the file", float64(used)/float64(len(b)))
		})
	}
}
