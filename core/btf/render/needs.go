package render

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Needs gives types and what C needs to define them, in the order of ids: members as a whole, what pointers point to
// by name. Errors are those of Header.
func Needs(t *btf.Types, roots []btf.ID) ([]btf.ID, error) {
	w := newWalker(t)
	w.enter = func(btf.ID, btf.Type, stage) error { return nil }
	for _, id := range roots {
		if err := w.walk(id, whole); err != nil {
			return nil, fmt.Errorf("find what %s needs: %w", t.TypeName(id), err)
		}
	}
	var ids []btf.ID
	for id := range btf.ID(t.Len()) {
		if w.state[2*int(id)+int(declared)] == done || w.state[2*int(id)+int(whole)] == done {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// wholes is Needs without the types that pointers point to.
func wholes(t *btf.Types, roots []btf.ID) ([]btf.ID, error) {
	w := newWalker(t)
	w.enter = func(btf.ID, btf.Type, stage) error { return nil }
	for _, id := range roots {
		if err := w.walk(id, whole); err != nil {
			return nil, err
		}
	}
	var ids []btf.ID
	for id := range btf.ID(t.Len()) {
		k := t.Kind(id)
		at := 2*int(id) + int(declared)
		if k.Composite() || k == btf.KindTypedef {
			at = 2*int(id) + int(whole)
		}
		if w.state[at] == done {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
