package render

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
)

func TestByID(t *testing.T) {
	types := large(t)
	b := newByID[int](types)
	last := btf.ID(types.Len() - 1)
	for _, id := range []btf.ID{last, 1, 255, 256} {
		*b.at(id) = int(id)
	}
	var got []int
	pages := 0
	for id, v := range b.all {
		if *v != 0 {
			got = append(got, *v)
		}
		if *v != 0 && *v != int(id) {
			t.Errorf("%d at %d", *v, id)
		}
	}
	for _, p := range b.pages {
		if p != nil {
			pages++
		}
	}
	if len(got) != 4 || got[0] != 1 || got[3] != int(last) || pages != 3 {
		t.Errorf("%v in %d pieces", got, pages)
	}
	for range b.all {
		break
	}
}
