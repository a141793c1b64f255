package render

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Needs returns types and what C needs to define them, in the order of ids: members as a whole,
// what pointers point to by name. Errors are those of Header.
func Needs(t *btf.Types, roots []btf.ID) ([]btf.ID, error) {
	ids, err := reach(t, roots)
	if err != nil {
		return nil, fmt.Errorf("find what types need: %w", err)
	}
	return ids, nil
}

// reach is Needs with errors as they are.
func reach(t *btf.Types, roots []btf.ID) ([]btf.ID, error) {
	w := newWalker(t)
	w.enter = func(btf.ID, stage) error { return nil }
	for _, id := range roots {
		if err := w.walk(id, whole); err != nil {
			return nil, err
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

// hasRecords says whether a header has structs or unions, or declarations of them. No roots are all
// types.
func hasRecords(t *btf.Types, roots []btf.ID) (bool, error) {
	if roots == nil {
		for _, k := range t.Kinds() {
			if k.Composite() || k == btf.KindFwd {
				return true, nil
			}
		}
		return false, nil
	}
	ids, err := reach(t, roots)
	return slices.ContainsFunc(ids, func(id btf.ID) bool { return t.Kind(id).Composite() || t.Kind(id) == btf.KindFwd }), err
}
