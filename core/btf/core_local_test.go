package btf

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestLocalSpecsBounded resolves more than is kept: results are right all the same, with and without a resolver.
func TestLocalSpecsBounded(t *testing.T) {
	local, target := oneField(t, nil, "s", 0), oneField(t, nil, "s", 8)
	r := NewResolver(local, Target{"kernel", target})
	for range 2 {
		for n := range maxLocalSpecs + 100 {
			relo := CoreRelo{2, fmt.Sprintf("%d:0", n), CoreByteOffset}
			a, err1 := r.Resolve(relo)
			b, err2 := Resolve(local, relo, Target{"kernel", target})
			if want := uint64(64*n + 8); err1 != nil || err2 != nil || a.Value != want || b.Value != want || len(a.Found) != 1 {
				t.Fatalf("%s: %d and %d, want %d, %v, %v", a.Text(), a.Value, b.Value, want, err1, err2)
			}
		}
	}
	if n := local.localSpecs.table.Load().count; n != maxLocalSpecs {
		t.Errorf("%d local specs are kept", n)
	}
	if n := len(r.cached.list); n != maxLocalSpecs {
		t.Errorf("%d results are cached", n)
	}
}

// TestLocalSpecsConcurrent resolves the same against shared types in many resolvers at once.
func TestLocalSpecsConcurrent(t *testing.T) {
	local, target := manyStructs(t, 10, 12, 0), manyStructs(t, 10, 12, 3)
	ids := make([]ID, 10)
	for i := range ids {
		ids[i] = find(t, local, fmt.Sprintf("s%d", i), KindStruct)
	}
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			r := NewResolver(local, Target{"kernel", target})
			for n := range 240 {
				relo := CoreRelo{ids[(n+worker)%10], fmt.Sprintf("0:%d", n%12), CoreByteOffset}
				if f, err := r.Resolve(relo); err != nil || f.Value != uint64(8*(n%12+3)) {
					t.Errorf("%s: %d, %v", f.Text(), f.Value, err)
				}
			}
		})
	}
	all.Wait()
	if n := local.localSpecs.table.Load().count; n != 120 {
		t.Errorf("%d local specs are kept, want 120", n)
	}
}

// TestLocalSpecsDeep resolves elements of an array of many dimensions, and through more structs than are kept.
func TestLocalSpecsDeep(t *testing.T) {
	const depth = 20
	deep := func(at uint32) *Types {
		s := newScalars(nil)
		array, outer := s.u32, s.u64
		for i := range depth {
			array = s.Add(&Array{Type: array, Index: s.int, Count: 2})
			outer = s.Add(&Struct{Name: "in", Size: uint32(9 + i), Members: []Member{{Name: "x", Type: outer, Offset: at}}})
		}
		s.Add(&Struct{Name: "s", Size: 4<<depth + 128, Members: []Member{{Name: "struct", Type: outer}, {Name: "array", Type: array, Offset: 512 + at}}})
		return build(t, &s.Builder)
	}
	local, target := deep(0), deep(8)
	id := find(t, local, "s", KindStruct)
	for _, c := range []struct {
		access string
		want   uint64
	}{
		{"0:0" + strings.Repeat(":0", depth), depth},
		{"0:1" + strings.Repeat(":1", depth), 65 + 4<<depth - 4},
		{"0:1:0:0:0:1", 65 + 4<<depth/16},
		{"0:1", 65},
	} {
		f, err := Resolve(local, CoreRelo{id, c.access, CoreByteOffset}, Target{"kernel", target})
		if err != nil || f.Value != c.want || f.TargetSize == 0 || f.LocalSize != f.TargetSize || f.LocalSize > 8 {
			t.Errorf("%s: %s, want %d, %v", c.access, fixupText(f), c.want, err)
		}
	}
	if n := local.localSpecs.table.Load().count; n != 2 {
		t.Errorf("%d local specs are kept, want the short ones", n)
	}
}
