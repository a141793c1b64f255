package tx

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/plan"
)

// withVars is a transaction on an object with the variables limit, a number, and blob, bytes without
// a type.
func withVars(t *testing.T) (*Transaction, *Object) {
	t.Helper()
	var b btf.Builder
	u32 := b.Add(&btf.Int{Name: "unsigned int", Size: 4})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	c := &spec.Collection{
		BTF:  types,
		Maps: []*spec.Map{{Name: ".data", Section: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 64, MaxEntries: 1, Data: make([]byte, 64)}},
		Vars: []*spec.Var{
			{Name: "limit", Section: ".data", Map: ".data", Size: 4, Type: u32},
			{Name: "blob", Section: ".data", Map: ".data", Offset: 8, Size: 56},
		},
	}
	x := New("plugin", []Input{{Name: "o", Collection: c}}, nil)
	return x, x.Objects[0]
}

func TestVariables(t *testing.T) {
	x, o := withVars(t)
	blob := VarRef{o, o.Work.Vars[1]}
	if err := x.WriteVar(blob, 1, []byte{0xaa, 0xbb}); err != nil {
		t.Fatal(err)
	}
	if err := x.WriteVar(blob, 0, make([]byte, 40)); err != nil {
		t.Fatal(err)
	}
	n, err := o.Number("limit", 42)
	if err == nil {
		err = x.SetNumber(n)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Work.Maps[0].Data[0]; got != 42 || o.Before.Maps[0].Data[0] != 0 {
		t.Errorf("limit is %d, and %d in the operator's object", got, o.Before.Maps[0].Data[0])
	}
	want := []plan.Edit{
		{Owner: "plugin", Object: "o", Kind: "var", Name: "blob", What: "bytes", Old: "0000", New: "aabb"},
		{Owner: "plugin", Object: "o", Kind: "var", Name: "blob", What: "bytes",
			Old: "00aabb0000000000000000000000000000000000000000000000000000000000… (33 bytes)",
			New: "0000000000000000000000000000000000000000000000000000000000000000… (40 bytes)"},
		{Owner: "plugin", Object: "o", Kind: "var", Name: "limit", What: ".", Old: "00000000", New: "2a000000"},
	}
	if d := cmp.Diff(want, x.Edits); d != "" {
		t.Errorf("log:\n%s", d)
	}
}

func TestVariablesRefuse(t *testing.T) {
	x, o := withVars(t)
	if err := x.WriteVar(VarRef{o, o.Work.Vars[0]}, 2, make([]byte, 3)); !errors.Is(err, abi.ErrRange) {
		t.Errorf("past the end: %v", err)
	}
	for path, want := range map[string]error{"nope": abi.ErrNoent, "limit.x": abi.ErrBTF, "blob": abi.ErrBTF, "limit": abi.ErrRange} {
		if _, err := o.Number(path, 1<<33); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if len(x.Edits) != 0 {
		t.Errorf("log %v", x.Edits)
	}
}
