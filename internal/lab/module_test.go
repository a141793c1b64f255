package lab

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadOrder(t *testing.T) {
	dir := t.TempDir()
	for name, deps := range map[string]string{"a": "b,c-d", "b": "c-d", "c-d": "", "other": ""} {
		text := "\x7fELF\x00license=GPL\x00depends=" + deps + "\x00intree=Y\x00"
		if err := os.WriteFile(filepath.Join(dir, name+".ko"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	img := &Image{Kernel: Kernel{Name: "k"}, Modules: dir}
	m := Machine{Image: img, Modules: []string{"c-d"}, Jobs: []Job{{Modules: []string{"a", "absent"}}}}
	mods, err := m.modules()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, mod := range mods {
		got = append(got, mod.name)
	}
	if d := cmp.Diff([]string{"c_d", "b", "a"}, got); d != "" {
		t.Error(d)
	}
	m.Modules = []string{"absent"}
	if _, err := m.modules(); err == nil || err.Error() != "find module absent of kernel k: it is built in, or not there" {
		t.Errorf("asked for and absent: %v", err)
	}
}

// TestNamedModules has a test that names modules, and objects of which one does, and one is none.
func TestNamedModules(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a_test.go"), "func TestA(t *testing.T) {\n\ttestenv.NeedModule(t, \"x-tables\")\n\tneedModule(t, \"veth\")\n}\n")
	write(t, filepath.Join(dir, "a.go"), "// testenv.NeedModule(t, \"other\")\n")
	write(t, filepath.Join(dir, "testdata/sub/a.o"), object("fentry/nf_conntrack:f", "?fexit.s/veth:g", "uprobe/libc:malloc", "fentry/plain", "x/fentry/y:z"))
	write(t, filepath.Join(dir, "testdata/broken.o"), "fentry/broken:f")
	write(t, filepath.Join(dir, "testdata/other.txt"), object("fentry/other:f"))
	got, err := namedModules(dir)
	if d := cmp.Diff([]string{"nf_conntrack", "veth", "x_tables"}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if got, err := namedModules(t.TempDir()); got != nil || err != nil {
		t.Errorf("nothing there: %q, %v", got, err)
	}
}

// object is an ELF file with empty sections of those names.
func object(sections ...string) string {
	names := "\x00.shstrtab\x00" + strings.Join(sections, "\x00") + "\x00"
	head := elf.Header64{Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: 1, Ehsize: 64, Shentsize: 64,
		Shoff: uint64(64 + len(names)), Shnum: uint16(2 + len(sections)), Shstrndx: 1}
	copy(head.Ident[:], "\x7fELF\x02\x01\x01")
	heads := []any{head, []byte(names), elf.Section64{}, elf.Section64{Name: 1, Type: uint32(elf.SHT_STRTAB), Off: 64, Size: uint64(len(names))}}
	for _, s := range sections {
		heads = append(heads, elf.Section64{Name: uint32(strings.Index(names, "\x00"+s+"\x00") + 1), Type: uint32(elf.SHT_PROGBITS), Off: 64})
	}
	var b []byte
	for _, h := range heads {
		var err error
		if b, err = binary.Append(b, binary.LittleEndian, h); err != nil {
			panic(err)
		}
	}
	return string(b)
}
