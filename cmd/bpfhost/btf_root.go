package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// splitKind takes "struct NAME" apart; kind is empty where there is only a name.
func splitKind(s string) (kind, name string) {
	if kind, name, ok := strings.Cut(s, " "); ok && slices.Contains(kindNames(), kind) {
		return kind, name
	}
	return "", s
}

// findRoots returns the types that are named "NAME", "struct NAME" or by the number that raw dumps
// and find show.
func findRoots(t *btf.Types, names []string) ([]btf.ID, error) {
	if len(names) == 0 {
		return nil, nil
	}
	ids := []btf.ID{}
	for _, n := range names {
		if id, err := strconv.ParseUint(n, 10, 32); err == nil {
			if id == 0 || id >= uint64(t.Len()) {
				return nil, &inputError{fmt.Errorf("find type %d: %w: ids are 1 to %d", id, btf.ErrNotFound, t.Len()-1)}
			}
			ids = append(ids, btf.ID(id))
			continue
		}
		kind, name := splitKind(n)
		before := len(ids)
		for _, id := range t.FindAll(name) {
			if kind == "" || t.Kind(id).String() == kind {
				ids = append(ids, id)
			}
		}
		if len(ids) == before {
			return nil, &inputError{fmt.Errorf("find type %q: %w%s", n, btf.ErrNotFound, similar(kind, name, t))}
		}
	}
	return ids, nil
}

// similar says which type may have been meant by a name that none of the tables has: one of the
// same name but another kind, or one with few other letters.
func similar(kind, name string, tables ...*btf.Types) string {
	best, limit := "", min(2, len(name)/3) // letters that may differ
	for _, t := range tables {
		for _, id := range t.FindAll(name) {
			return fmt.Sprintf(", did you mean %q?", t.Kind(id).String()+" "+name)
		}
		for id := range btf.ID(t.Len()) {
			n, k := t.Name(id), t.Kind(id).String()
			if abs(len(n)-len(name)) > limit || kind != k && (kind != "" || !slices.Contains(kindNames(), k)) {
				continue
			}
			if d := nearest.Distance(name, n); d <= limit {
				best, limit = n, d-1
			}
		}
	}
	if best == "" {
		return ""
	}
	if kind != "" {
		best = kind + " " + best
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

func abs(n int) int { return max(n, -n) }

// kindNames are the kinds of type that have names.
func kindNames() []string {
	var names []string
	for _, k := range []btf.Kind{btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64, btf.KindTypedef, btf.KindFunc,
		btf.KindVar, btf.KindInt, btf.KindFloat, btf.KindFwd, btf.KindDatasec, btf.KindDeclTag, btf.KindTypeTag} {
		names = append(names, k.String())
	}
	return names
}
