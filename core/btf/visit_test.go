package btf

import (
	"math"
	"slices"
	"testing"
)

func TestVisit(t *testing.T) {
	types := fixture(t)
	task := find(t, types, "task___local", KindStruct)
	var all, near []ID
	types.Visit(func(id ID) bool { all = append(all, id); return true }, task, task, 0, 1<<30)
	types.Visit(func(id ID) bool { near = append(near, id); return id == task }, task)
	if len(all) != 28 || all[0] != task {
		t.Errorf("%d types reached: %v", len(all), all)
	}
	if want := []ID{9, 2, 6, 10, 19, 20, 24, 26, 28, 30, 31, 32}; !slices.Equal(near, want) {
		t.Errorf("members: %v, want %v", near, want)
	}
	sorted := slices.Clone(all)
	if slices.Sort(sorted); len(slices.Compact(sorted)) != len(all) {
		t.Error("a type was visited twice")
	}
}

func TestRefs(t *testing.T) {
	types := fixture(t)
	for id, want := range map[ID][]ID{
		0: nil, 1: {3}, 2: nil, 3: {2, 4}, 10: {11}, 17: {16}, 25: nil, 29: {2, 8, 2, 0}, 30: nil, 36: {35}, 34: {33}, 59: {2}, 67: {51, 65},
	} {
		if got := slices.Collect(types.Refs(id)); !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", id, got, want)
		}
		for n, to := range want {
			if got, ok := types.Ref(id, n); got != to || !ok {
				t.Errorf("%d: reference %d is %d, want %d", id, n, got, to)
			}
		}
		for _, n := range []int{-1, len(want), math.MaxInt} {
			if got, ok := types.Ref(id, n); ok {
				t.Errorf("%d: reference %d is %d", id, n, got)
			}
		}
	}
	for range types.Refs(29) {
		break
	}
}

func TestDeclTags(t *testing.T) {
	types := fixture(t)
	var want []ID
	for id, k := range types.Kinds() {
		if k == KindDeclTag {
			want = append(want, id)
		}
	}
	var got []ID
	for id, tag := range types.DeclTags() {
		if typ, err := types.Type(id); typ != tag || err != nil {
			t.Errorf("type %d: %v, %v", id, typ, err)
		}
		got = append(got, id)
	}
	if len(want) < 2 || !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for range types.DeclTags() {
		break
	}
	bad, err := Parse(afterInt(99, info(KindDeclTag, 0), 1, 0, 1, info(KindDeclTag, 0), 1, 0xffffffff), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for id, tag := range bad.DeclTags() {
		if id != 3 || tag.Tag != "int" {
			t.Errorf("type %d is %v", id, tag)
		}
	}
}

func TestKinds(t *testing.T) {
	types := fixture(t)
	n := types.First()
	for id, k := range types.Kinds() {
		if id != n || k != types.Kind(id) {
			t.Errorf("type %d is of kind %v", id, k)
		}
		n++
	}
	if int(n) != types.Len() {
		t.Errorf("%d types", n)
	}
	for id := range types.Kinds() {
		if id != 1 {
			t.Error("it goes on")
		}
		break
	}
}
