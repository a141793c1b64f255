package elf

import "testing"

func TestSlab(t *testing.T) {
	var s slab[int]
	seen := make(map[*int]bool)
	for i := range 2000 {
		list := s.many(i % 7)
		for k := range list {
			if seen[&list[k]] || list[k] != 0 {
				t.Fatal("a value was given out twice")
			}
			seen[&list[k]], list[k] = true, 1
		}
		if p := s.next(); seen[p] || *p != 0 {
			t.Fatal("a value was given out twice")
		} else {
			seen[p], *p = true, 1
		}
		if len(list) != cap(list) {
			t.Fatal("appending to a part would write to the next")
		}
	}
	if n := testing.AllocsPerRun(10, func() {
		var s slab[int]
		for range 1000 {
			s.next()
		}
	}); n > 12 {
		t.Errorf("%v allocations for 1000 values", n)
	}
}
