package object

import "testing"

func TestByName(t *testing.T) {
	var b ByName[int]
	if _, ok := b.Find("a", 0); ok {
		t.Error("an empty one has something")
	}
	b.Add("a", 8, 1)
	if v, ok := b.Find("a", 0); v != 1 || !ok {
		t.Errorf("the offset of a single one counts: %d, %v", v, ok)
	}
	b.Add("a", 16, 2)
	b.Add("a", 24, 3)
	for offset, want := range map[uint64]int{0: 0, 8: 1, 16: 2, 24: 3} {
		if v, ok := b.Find("a", offset); v != want || ok != (want != 0) {
			t.Errorf("at %d: %d, %v", offset, v, ok)
		}
	}
	if b.Clear(); len(b.names)+len(b.shared) > 0 {
		t.Error("something is left")
	}
}
