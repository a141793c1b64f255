package btf

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// TestTypeIdentity asks for types again, and from many goroutines at once.
func TestTypeIdentity(t *testing.T) {
	types := fixture(t)
	got := make([][]Type, 8)
	var wg sync.WaitGroup
	for g := range got {
		wg.Go(func() {
			for id := ID(1); int(id) < types.Len(); id++ {
				typ, err := types.Type(id)
				if err != nil {
					t.Error(err)
				}
				got[g] = append(got[g], typ)
				_, _ = types.Find("task___local", KindStruct)
				_ = types.TypeName(id)
			}
			if err := types.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for g := range got {
		if !slices.Equal(got[g], got[0]) {
			t.Fatal("two goroutines got other values for an id")
		}
	}
	if void, err := types.Type(0); err != nil || void.Kind() != KindVoid {
		t.Errorf("type 0 is %v, %v", void, err)
	}
	if _, err := types.Type(ID(types.Len())); !errors.Is(err, ErrID) {
		t.Errorf("an id too many: %v", err)
	}
}

// TestTypeChecked hands out no type that is malformed, even when nobody called Validate.
func TestTypeChecked(t *testing.T) {
	types, err := Parse(afterInt(0, info(KindStruct, 1), 4, 99, 1, 0, 0, info(KindPointer, 0), 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var where *FormatError
	if _, err := types.Type(2); !errors.Is(err, ErrString) || !errors.As(err, &where) || where.Offset != 40 {
		t.Errorf("malformed type: %v", err)
	}
	if _, err := types.Type(3); err != nil {
		t.Errorf("the one behind it: %v", err)
	}
	n := 0
	for range types.All() {
		n++
	}
	if n != 2 {
		t.Errorf("All gives %d types", n)
	}
	for range types.All() {
		break
	}
}

// TestOpenMemory holds opening a kernel's types to its promise: an index of 8 bytes per 100 types at most.
func TestOpenMemory(t *testing.T) {
	raw := vmlinuxBytes(t)
	allocated := measure(func() {
		if _, err := Parse(raw, Options{}); err != nil {
			t.Fatal(err)
		}
	})
	if allocated > 64<<10 {
		t.Errorf("Parse allocates %d bytes", allocated)
	}
}

// measure says how many bytes f allocates.
func measure(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
