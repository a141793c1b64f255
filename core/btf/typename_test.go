package btf

import (
	"strings"
	"testing"
)

func TestTypeName(t *testing.T) {
	var b Builder
	i := b.Add(&Int{Name: "int", Size: 4})
	p := b.Add(&Pointer{Type: i})
	cp := b.Add(&Const{Type: p})
	pcp := b.Add(&Pointer{Type: cp})
	ap := b.Add(&Array{Type: p, Index: i, Count: 3})
	pa := b.Add(&Pointer{Type: b.Add(&Array{Type: i, Index: i, Count: 3})})
	aa := b.Add(&Array{Type: ap, Index: i, Count: 2})
	f := b.Add(&FuncProto{Return: p, Params: []Param{{Name: "n", Type: i}, {Type: pa}, {}}})
	pf := b.Add(&Pointer{Type: f})
	fpf := b.Add(&FuncProto{Return: pf})
	apf := b.Add(&Array{Type: pf, Index: i, Count: 4})
	cv := b.Add(&Const{Type: b.Add(&Volatile{Type: i})})
	types := build(t, &b)
	for id, want := range map[ID]string{
		0: "void x", i: "int x", p: "int *x", cp: "int *const x", pcp: "int *const *x", ap: "int *x[3]",
		pa: "int (*x)[3]", aa: "int *x[2][3]", f: "int *x(int n, int (*)[3], ...)",
		pf: "int *(*x)(int n, int (*)[3], ...)", fpf: "int *(*x(void))(int n, int (*)[3], ...)",
		apf: "int *(*x[4])(int n, int (*)[3], ...)", cv: "const volatile int x",
	} {
		if got := types.Declare(id, "x"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got, want := types.TypeName(id), strings.TrimSuffix(strings.Replace(want, "x", "", 1), " "); got != want &&
			strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("name %q, want %q", got, want)
		}
	}
}

func TestTypeNameBounded(t *testing.T) {
	var b Builder
	self := b.Add(&Pointer{Type: 1})
	proto := &FuncProto{Return: 3, Params: make([]Param, 100)}
	b.Add(proto)
	fn := b.Add(&Pointer{Type: 2})
	for i := range 100 {
		proto.Params[i].Type = fn
	}
	types := build(t, &b)
	if s := types.TypeName(self); s != "... "+strings.Repeat("*", nameLinks) {
		t.Errorf("pointer to itself is %q", s)
	}
	if s := types.TypeName(fn); len(s) > 1<<20 {
		t.Errorf("function that takes and returns itself is %d bytes long", len(s))
	}
	if s := types.TypeName(1000); s != "?1000" {
		t.Errorf("id out of range is %q", s)
	}
}
