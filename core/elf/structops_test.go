package elf

import (
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

func TestStructOps(t *testing.T) {
	c, err := LoadBytes(elftest.ReadFile(t, "testdata/ops-el.o"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		link     bool
		optional bool
		values   []spec.MapValue
	}{
		{"linked", true, false, []spec.MapValue{{Key: 0, Name: "on_init"}, {Key: 8, Name: "on_deep"}}},
		{"plain", false, false, []spec.MapValue{{Key: 24, Name: "on_exit"}}},
		{"maybe", true, true, nil},
	} {
		m := c.Map(test.name)
		if m == nil || m.Type != spec.MapStructOps || m.Flags&spec.FlagLink != 0 != test.link || m.Optional != test.optional || !slices.Equal(m.Values, test.values) {
			t.Errorf("%s: %+v", test.name, m)
		}
	}
	for name, to := range map[string]string{"on_init": "demo_ops.init", "on_deep": "demo_ops.in.deep", "on_exit": "demo_ops.exit"} {
		if got := c.Program(name).AttachTo; got != to {
			t.Errorf("%s is %q, want %q", name, got, to)
		}
	}
	if p := c.Program("thrower"); p.Exception != "on_throw" || p.FindFunc("on_throw") < 0 {
		t.Errorf("exception %q", p.Exception)
	}
	if !slices.Equal(c.Hidden, []string{"helper_hidden"}) {
		t.Errorf("hidden %q", c.Hidden)
	}
}

func TestArenaVariables(t *testing.T) {
	c, err := LoadBytes(elftest.ReadFile(t, "testdata/ops-el.o"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.VarPath("table[3]")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetUint(c, 7); err != nil {
		t.Fatal(err)
	}
	if d := c.Map("arena").Data; len(d) != 24 || d[0] != 5 || d[20] != 7 {
		t.Errorf("% x", d)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestMemberAt(t *testing.T) {
	var b btf.Builder
	ptr := b.Add(&btf.Pointer{})
	in := b.Add(&btf.Struct{Size: 16, Members: []btf.Member{{Name: "a", Type: ptr}, {Name: "b", Type: ptr, Offset: 64}}})
	out := b.Add(&btf.Struct{Size: 24, Members: []btf.Member{{Name: "x", Type: ptr}, {Type: in, Offset: 64}}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[uint32]string{0: "x", 8: "a", 16: "b", 4: "x+4"} {
		if got, err := memberAt(types, out, at); got != want || err != nil {
			t.Errorf("%d: %q, %v, want %q", at, got, err, want)
		}
	}
}

// TestMemberAtDeep has a member deeper in a struct than any that means something.
func TestMemberAtDeep(t *testing.T) {
	var b btf.Builder
	id := b.Add(&btf.Pointer{})
	for range maxMember + 1 {
		id = b.Add(&btf.Struct{Size: 8, Members: []btf.Member{{Name: "m", Type: id}}})
	}
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := memberAt(types, id-1, 0); err != nil || strings.Count(got, "m") != maxMember {
		t.Errorf("%d levels: %q, %v", maxMember, got, err)
	}
	if got, err := memberAt(types, id, 0); err == nil || !strings.Contains(err.Error(), "nested more than 16 deep") {
		t.Errorf("%d levels: %q, %v", maxMember+1, got, err)
	}
}
