package btf

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestForKernelLayout lays sections out: as the options say where compilers wrote no offsets, by the
// table where a linker did. Sections that the kernel would refuse lose their variables.
func TestForKernelLayout(t *testing.T) {
	var b Builder
	char := b.Add(&Int{Name: "char", Size: 1})
	long := b.Add(&Int{Name: "long", Size: 8})
	none := b.Add(&Struct{Name: "none"})
	v := func(name string, typ ID) ID { return b.Add(&Var{Name: name, Type: typ, Linkage: LinkGlobal}) }
	section := func(name string, size uint32, vars ...SecVar) { b.Add(&Datasec{Name: name, Size: size, Vars: vars}) }
	section(".d", 0, SecVar{v("a", char), 0, 1}, SecVar{v("n", none), 0, 0}, SecVar{v("b", long), 0, 8})
	section(".e", 0)
	section(".same", 24, SecVar{v("cnt", long), 8, 8}, SecVar{v("cnt", long), 0, 8}, SecVar{v("other", char), 16, 1})
	section(".kconfig", 16, SecVar{v("CONFIG_A", long), 0, 8}, SecVar{v("CONFIG_B", long), 8, 8})
	static := func(name string) ID { return b.Add(&Var{Name: name, Type: long, Linkage: LinkStatic}) }
	section(".static", 0, SecVar{v("a2", long), 0, 8}, SecVar{static("s"), 16, 8}, SecVar{static("s"), 8, 8})
	section(".alias", 8, SecVar{v("one", long), 0, 8}, SecVar{v("two", long), 0, 8})
	section(".short", 8, SecVar{v("short", long), 0, 4})
	types := build(t, &b)
	layout := func(section string, size uint32, vars ...VarLayout) KernelOptions {
		return KernelOptions{Sections: map[ID]SectionLayout{datasecID(t, types, section): {size, vars}}}
	}
	two := func(size, first, second uint32) KernelOptions {
		return layout(".d", size, VarLayout{"a", char, first, 1}, VarLayout{"b", long, second, 8})
	}
	for name, c := range map[string]struct {
		o       KernelOptions
		section string
		want    string
		lost    string
	}{
		"by itself":        {KernelOptions{}, ".d", "16: a 0+1, b 8+8", ""},
		"other order":      {two(9, 8, 0), ".d", "9: b 0+8, a 8+1", ""},
		"empty has a size": {KernelOptions{}, ".e", "none", ""},
		"overlap":          {two(16, 7, 0), ".d", "none", `variable "a" at 7 overlaps "b"`},
		"past the end":     {two(8, 8, 0), ".d", "none", "variables take 9 bytes of 8"},
		"far past the end": {two(1<<32-1, 0, 1<<32-8), ".d", "none", "variables take 4294967296 bytes"},
		"renamed":          {layout(".d", 16, VarLayout{"a", char, 3, 1}, VarLayout{"new", long, 8, 8}), ".d", "16: a 3+1, b 8+8", ""},
		"removed":          {layout(".d", 16, VarLayout{"b", long, 8, 8}), ".d", "16: b 8+8", ""},
		"swapped names":    {layout(".d", 16, VarLayout{"x", long, 8, 8}, VarLayout{"y", char, 4, 1}), ".d", "16: a 4+1, b 8+8", ""},
		"either of two": {layout(".d", 32, VarLayout{"a", char, 0, 1}, VarLayout{"x", long, 8, 8}, VarLayout{"y", long, 16, 8}), ".d", "none",
			`it cannot be told where variable "b" is`},
		"two of one name": {layout(".d", 32, VarLayout{"a", char, 0, 1}, VarLayout{"b", long, 8, 8}, VarLayout{"b", long, 16, 8}), ".d", "none",
			`it cannot be told where variable "b" is`},
		"linked":             {layout(".same", 32, VarLayout{"cnt", long, 0, 8}, VarLayout{"other", char, 16, 1}), ".same", "32: cnt 0+8, cnt 8+8, other 16+1", ""},
		"linked, and shrunk": {layout(".same", 16), ".same", "none", "variables take 17 bytes of 16"},
		"not in the spec":    {KernelOptions{}, ".same", "24: cnt 0+8, cnt 8+8, other 16+1", ""},
		"configuration":      {layout(".kconfig", 24, VarLayout{"CONFIG_B", long, 0, 8}, VarLayout{"CONFIG_A", long, 16, 8}), ".kconfig", "24: CONFIG_B 0+8, CONFIG_A 16+8", ""},
		"static":             {layout(".static", 24, VarLayout{"a2", long, 0, 8}, VarLayout{"renamed", long, 8, 8}), ".static", "24: a2 0+8, s 8+8, s 16+8", ""},
		"aliases":            {KernelOptions{}, ".alias", "none", `variable "two" at 0 overlaps "one"`},
		"less than its type": {KernelOptions{}, ".short", "none", `variable "short" has 4 bytes, its type 8`},
	} {
		blob, lost, err := types.ForKernel(c.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		fixed, err := Parse(blob, Options{})
		if err == nil {
			err = fixed.Validate()
		}
		if err != nil || fixed.Len() != types.Len() {
			t.Fatalf("%d types of %d, %v", fixed.Len(), types.Len(), err)
		}
		if got := sectionText(t, fixed, c.section); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		why := ""
		for _, l := range lost {
			if !errors.Is(l.Err, ErrForKernel) {
				t.Errorf("%s: %v", name, l.Err)
			}
			if l.Name == c.section {
				why = l.Err.Error()
			}
		}
		if (why == "") != (c.lost == "") || !strings.Contains(why, c.lost) {
			t.Errorf("%s: lost for %q, want %q", name, why, c.lost)
		}
	}
	split := Builder{Base: types}
	if _, _, err := build(t, &split).ForKernel(KernelOptions{}); !errors.Is(err, ErrForKernel) {
		t.Errorf("split: %v", err)
	}
}

// datasecID returns the id of a data section.
func datasecID(t *testing.T, types *Types, name string) ID {
	t.Helper()
	id, _, err := FindAs[*Datasec](types, name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// sectionText writes the size of a section and its variables with offset and size.
func sectionText(t *testing.T, types *Types, name string) string {
	t.Helper()
	_, d, err := FindAs[*Datasec](types, name)
	if err != nil {
		return "none"
	}
	var vars []string
	for _, v := range d.Vars {
		vars = append(vars, fmt.Sprintf(" %s %d+%d", types.Name(v.Type), v.Offset, v.Size))
	}
	return fmt.Sprintf("%d:%s", d.Size, strings.Join(vars, ","))
}
