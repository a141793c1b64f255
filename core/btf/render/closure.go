package render

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Closure returns types and those that C takes to define them, in the order of ids: what members
// need to be complete, and what pointers need to name their targets. Errors are those of Header.
func Closure(t *btf.Types, roots []btf.ID) ([]btf.ID, error) {
	ids, err := closure(t, roots)
	if err != nil {
		return nil, fmt.Errorf("find the closure of types: %w", err)
	}
	return ids, nil
}

// closure is Closure with errors as they are.
func closure(t *btf.Types, roots []btf.ID) ([]btf.ID, error) {
	return visited(t, roots, func(v *visitState) bool { return v.states[declared] == done || v.states[defined] == done })
}

// contained is Closure without the types that pointers point to.
func contained(t *btf.Types, roots []btf.ID) ([]btf.ID, error) {
	return visited(t, roots, func(v *visitState) bool {
		s := declared
		if v.class == named || v.class == unnamed || v.class == typedef {
			s = defined
		}
		return v.states[s] == done
	})
}

// visited returns the types that a walk from the roots leaves in a state.
func visited(t *btf.Types, roots []btf.ID, is func(*visitState) bool) ([]btf.ID, error) {
	w := newWalker(t)
	w.visit = func(btf.ID, stage) error { return nil }
	for _, id := range roots {
		if err := w.walk(id, defined); err != nil {
			return nil, err
		}
	}
	var ids []btf.ID
	for id, v := range w.visits.all {
		if is(v) {
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
	ids, err := closure(t, roots)
	return slices.ContainsFunc(ids, func(id btf.ID) bool { return t.Kind(id).Composite() || t.Kind(id) == btf.KindFwd }), err
}
