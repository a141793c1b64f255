package btf

import (
	"errors"
	"fmt"
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

// TestConcurrentUse does everything that a table remembers something of, from many goroutines at once: offsets, names, members,
// values. Each table is new, so that all of them meet while it is made.
func TestConcurrentUse(t *testing.T) {
	local := manyStructs(t, 20, 12, 0)
	raw := manyStructs(t, 200, 12, 3).Bytes()
	for range 10 {
		types, err := Parse(raw, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				r := NewResolver(local, Target{"kernel", types})
				for i := range 20 {
					name := fmt.Sprintf("s%d", (i+g*3)%20)
					relo := CoreRelo{find(t, local, name, KindStruct), fmt.Sprintf("0:%d", i%12), CoreByteOffset}
					if f, err := r.Resolve(relo); err != nil || f.Value != uint64(8*(i%12+3)) {
						t.Errorf("%s: %d, %v", f.Text(), f.Value, err)
					}
					switch id := find(t, types, name, KindStruct); (i + g) % 5 {
					case 0:
						if _, err := types.Path(id, "m7"); err != nil {
							t.Error(err)
						}
					case 1:
						if n := len(types.FindMany([]string{name, "s7"})); n == 0 {
							t.Error("nothing is found")
						}
					case 2:
						var b Builder
						if b.AddTypes(types, id); b.count < 5 {
							t.Errorf("%d types are added", b.count)
						}
					case 3:
						for id := range types.All() {
							_ = types.TypeName(id)
						}
					default:
						if size, err := types.Size(id); err != nil || size != 120 {
							t.Errorf("%s has %d bytes, %v", name, size, err)
						}
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestTypeRace asks for the types of many new tables from two goroutines that start together: both get the same values.
func TestTypeRace(t *testing.T) {
	raw := manyStructs(t, 200, 12, 3).Bytes()
	for range 100 {
		types, err := Parse(raw, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got [2][]Type
		var wg sync.WaitGroup
		start := make(chan bool)
		for g := range got {
			wg.Go(func() {
				<-start
				for id := ID(1); int(id) < types.Len(); id++ {
					typ, err := types.Type(id)
					if err != nil {
						t.Error(err)
					}
					got[g] = append(got[g], typ)
				}
			})
		}
		close(start)
		wg.Wait()
		if !slices.Equal(got[0], got[1]) {
			t.Fatal("two goroutines got other values for an id")
		}
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
	past, err := Parse(afterInt(0, 1<<31|info(KindStruct, 1), 4, 0, 1, 31<<24|2), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := past.Type(2); !errors.Is(err, ErrType) {
		t.Errorf("struct with a bit-field past its end: %v", err)
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

// TestOffsetIndex counts the scans for types: a few leave the table small, many make it index every
// offset.
func TestOffsetIndex(t *testing.T) {
	types, err := Parse(manyStructs(t, 200, 12, 3).Bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := types.Kind(ID(types.Len() - 1))
	for range 4 {
		types.Kind(ID(types.Len() - 1))
	}
	if types.offsets.Load().shift == 0 {
		t.Error("all offsets are indexed after a few types")
	}
	for id := range ID(types.Len()) {
		types.Kind(id)
	}
	if types.offsets.Load().shift != 0 {
		t.Error("types are still scanned for after all of them")
	}
	if got := types.Kind(ID(types.Len() - 1)); got != want {
		t.Errorf("kind %v was %v", got, want)
	}
}

// TestOffsetIndexLocked holds that types are found while the table grows: then no offsets are indexed.
func TestOffsetIndexLocked(t *testing.T) {
	types, err := Parse(manyStructs(t, 200, 12, 3).Bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	types.grow.Lock()
	defer types.grow.Unlock()
	for id := ID(1); int(id) < types.Len(); id++ {
		if types.Kind(id) == KindVoid {
			t.Fatalf("type %d is not found", id)
		}
	}
	if types.offsets.Load().shift == 0 {
		t.Error("offsets were indexed without the lock")
	}
}
