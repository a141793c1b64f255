package btf

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func findWorld(t testing.TB) *Types {
	var b Builder
	i := b.Add(&Int{Name: "int", Size: 4}) // 1
	b.Add(&Struct{Name: "list", Size: 4})  // 2
	b.Add(&Typedef{Name: "list", Type: i}) // 3
	b.Add(&Fwd{Name: "list"})              // 4
	b.Add(&Struct{Name: "x", Size: 4})     // 5
	b.Add(&Struct{Name: "x___a", Size: 4}) // 6
	b.Add(&Struct{Size: 4})                // 7
	s := Builder{Base: build(t, &b)}
	s.Add(&Struct{Name: "list", Size: 8}) // 8
	s.Add(&Struct{Name: "own", Size: 8})  // 9
	return build(t, &s)
}

// TestFindAllocates searches a table of which names are indexed.
func TestFindAllocates(t *testing.T) {
	types := fixture(t)
	name := types.Name(find(t, types, "inner", KindStruct))
	if n := testing.AllocsPerRun(100, func() { find(t, types, name, KindStruct) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFind(t *testing.T) {
	for _, asked := range []uint32{0, fewFinds} {
		types := findWorld(t)
		for _, c := range types.chain() {
			c.finds.Store(asked)
		}
		for _, c := range []struct {
			name string
			kind Kind
			want ID
		}{
			{"int", 0, 1}, {"list", 0, 2}, {"list", KindStruct, 2}, {"list", KindTypedef, 3}, {"list", KindFwd, 4},
			{"own", KindStruct, 9}, {"x", 0, 5}, {"x___a", 0, 6},
			{"own", KindUnion, 0}, {"lis", 0, 0}, {"list2", 0, 0}, {"", 0, 0}, {"ist", 0, 0}, {"n", 0, 0},
		} {
			id, err := types.Find(c.name, c.kind)
			if id != c.want || (c.want == 0) != errors.Is(err, ErrNotFound) {
				t.Errorf("%q of kind %v is %d, want %d, %v", c.name, c.kind, id, c.want, err)
			}
		}
		for name, want := range map[string]ID{"list": 8, "own": 9, "int": 0, "": 0} {
			if id, err := types.FindOwn(name, KindVoid); id != want || (want == 0) != errors.Is(err, ErrNotFound) {
				t.Errorf("own %q is %d, want %d, %v", name, id, want, err)
			}
		}
		if ids := types.FindAll("list"); !slices.Equal(ids, []ID{2, 3, 4, 8}) {
			t.Errorf("all: %v", ids)
		}
		want := map[string][]ID{"list": {2, 3, 4, 8}, "x": {5}, "own": {9}}
		if d := cmp.Diff(want, types.FindMany([]string{"own", "list", "none", "", "x"})); d != "" {
			t.Error(d)
		}
	}
	types := findWorld(t)
	if id, typ, err := FindAs[*Fwd](types, "list"); err != nil || id != 4 || typ.Name != "list" {
		t.Errorf("declaration: %d, %v, %v", id, typ, err)
	}
	if id, typ, err := FindAs[Type](types, "own"); err != nil || id != 9 || typ.Kind() != KindStruct {
		t.Errorf("any kind: %d, %v, %v", id, typ, err)
	}
	if id, typ, err := FindAs[*Enum](types, "list"); id != 0 || typ != nil || !errors.Is(err, ErrNotFound) || err.Error() != `find *btf.Enum "list": not found` {
		t.Errorf("not there: %d, %v, %v", id, typ, err)
	}
	_, err := types.Find("none", KindStruct)
	if err == nil || err.Error() != `find struct "none": not found` {
		t.Errorf("text of the error: %v", err)
	}
}

// TestFindKernel holds the ways to find a name against each other on a kernel's types.
func TestFindKernel(t *testing.T) {
	types := vmlinux(t)
	all := map[string][]ID{}
	for id := range ID(types.Len()) {
		if name := types.Name(id); name != "" {
			all[name] = append(all[name], id)
		}
	}
	var names []string
	for name := range all {
		if len(names) < 200 {
			names = append(names, name)
		}
	}
	many := types.FindMany(names)
	for _, name := range names {
		if !slices.Equal(many[name], all[name]) {
			t.Errorf("%q in one pass: %v, want %v", name, many[name], all[name])
		}
		if ids := types.FindAll(name); !slices.Equal(ids, all[name]) {
			t.Errorf("%q: %v, want %v", name, ids, all[name])
		}
	}
	if types.names.Load() == nil {
		t.Error("no index was built")
	}
	if len(all) < 1000 {
		t.Errorf("only %d names", len(all))
	}
}
