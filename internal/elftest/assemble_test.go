package elftest

import (
	"bytes"
	"debug/elf"
	"strings"
	"testing"
)

const sample = `
# a comment
license Dual MIT/GPL
map flows hash 4 8 128
var .rodata limit 07000000
zero .bss count 8
static helper
weak drop
kfunc bpf_x
ksym init_task
section .text
.func helper
	r0 = 1
	exit
section xdp
.func drop
	r1 = map[flows] ll
	r2 = var[limit] ll
	r3 = func[helper] ll
	r4 = ksym[init_task] ll
	call helper
	call kfunc[bpf_x]
	exit
`

// TestAssemble reads the result with the standard library's ELF reader.
func TestAssemble(t *testing.T) {
	for _, head := range []string{"", "order big\n", "nobtf\n"} {
		f, err := elf.NewFile(bytes.NewReader(MustBytes(head + sample)))
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine != elf.EM_BPF || f.Type != elf.ET_REL || (f.Data == elf.ELFDATA2MSB) != strings.Contains(head, "big") {
			t.Errorf("header is %+v", f.FileHeader)
		}
		if (f.Section(".BTF") == nil) != strings.Contains(head, "nobtf") {
			t.Error("BTF is there or not")
		}
		x := f.Section("xdp")
		if x == nil || x.Size != 8*(4*2+3) || x.Flags&elf.SHF_EXECINSTR == 0 {
			t.Errorf("section xdp is %+v", x)
		}
		symbols, err := f.Symbols()
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]elf.Symbol{}
		for _, s := range symbols {
			found[s.Name] = s
		}
		for name, want := range map[string]struct {
			bind elf.SymBind
			typ  elf.SymType
			size uint64
		}{
			"helper": {elf.STB_LOCAL, elf.STT_FUNC, 16}, "drop": {elf.STB_WEAK, elf.STT_FUNC, 88},
			"limit": {elf.STB_GLOBAL, elf.STT_OBJECT, 4}, "count": {elf.STB_GLOBAL, elf.STT_OBJECT, 8},
			"bpf_x": {elf.STB_GLOBAL, elf.STT_NOTYPE, 0},
		} {
			s := found[name]
			if elf.ST_BIND(s.Info) != want.bind || elf.ST_TYPE(s.Info) != want.typ || s.Size != want.size {
				t.Errorf("symbol %s is %+v", name, s)
			}
		}
		if r := f.Section(".relxdp"); r == nil || r.Size != 6*16 {
			t.Errorf("relocations are %+v", r)
		}
	}
}

func TestAssembleErrors(t *testing.T) {
	for text, want := range map[string]string{
		"r0 = 1":                   "line 1: \"r0 = 1\" before the first section",
		"\nmap x":                  "line 2: map needs 5 words",
		"map x nosuch 1 2 3":       `unknown map type "nosuch"`,
		"map x hash a 2 3":         "invalid syntax",
		"var .data x zz":           "invalid byte",
		"zero .bss x -1":           "invalid syntax",
		"section xdp\n.func x\nr0": "section xdp: ",
	} {
		if _, err := Assemble(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
