package render

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Needs gives types and what C needs to define them, in the order of ids: members as a whole, what pointers point to
// by name. Errors are those of Header.
func Needs(t *btf.Types, roots []btf.ID) ([]btf.ID, error) {
	w := newWalker(t)
	w.enter = func(btf.ID, stage) error { return nil }
	for _, id := range roots {
		if err := w.walk(id, whole); err != nil {
			return nil, fmt.Errorf("find what %s needs: %w", t.TypeName(id), err)
		}
	}
	var ids []btf.ID
	for id, v := range w.visits.all {
		if v.places[declared] == done || v.places[whole] == done {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// wholes is Needs without the types that pointers point to.
func wholes(t *btf.Types, roots []btf.ID) ([]btf.ID, error) {
	w := newWalker(t)
	w.enter = func(btf.ID, stage) error { return nil }
	for _, id := range roots {
		if err := w.walk(id, whole); err != nil {
			return nil, err
		}
	}
	var ids []btf.ID
	for id, v := range w.visits.all {
		s := declared
		if v.class == named || v.class == unnamed || v.class == typedef {
			s = whole
		}
		if v.places[s] == done {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
