package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Action is what happened to a type or a part of one.
type Action string

// The actions.
const (
	Added   Action = "added"
	Removed Action = "removed"
	Changed Action = "changed"
)

// Change is one difference between two tables.
type Change struct {
	Action Action `json:"action"`
	Type   string `json:"type"`          // "struct task_struct"
	Part   string `json:"part"`          // "type", "size", "member", "value", "target", "signature", "encoding"
	Name   string `json:"name"`          // of the member ("stats.rx") or value
	Old    string `json:"old,omitempty"` // "int at 1256"; empty if it was added
	New    string `json:"new,omitempty"`
}

// DiffOptions say what to compare. The zero value is everything that has a name.
type DiffOptions struct {
	// Roots limits the comparison to types of these names, with or without the kind before it
	// ("struct foo"), and to those that they contain. They need not be in both tables.
	Roots []string
}

// Diff compares types of the same kind and name: sizes, members with their types and offsets,
// values, signatures. What is inside members without a name belongs to the struct around them. A
// type whose members only use another type that changed is not changed. Where several types have
// one name, those that are equal are left out and the others compared in the order of ids. The
// changes are sorted by kind and name of the type. The error wraps btf.ErrNotFound for a root that
// is in neither table, and what Header's errors wrap.
func Diff(a, b *btf.Types, o DiffOptions) ([]Change, error) {
	x, y := index(a), index(b)
	keys := map[typeKey]bool{}
	if o.Roots == nil {
		for _, m := range []map[typeKey][]btf.ID{x, y} {
			for k := range m {
				keys[k] = true
			}
		}
	}
	for _, root := range o.Roots {
		inA, err := rootKeys(a, x, root, keys)
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", root, err)
		}
		inB, err := rootKeys(b, y, root, keys)
		if err == nil && !inA && !inB {
			err = btf.ErrNotFound
		}
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", root, err)
		}
	}
	var list []Change
	d := differ{left: maxCompared}
	for _, k := range slices.SortedFunc(maps.Keys(keys), compareKeys) {
		list = diffTypes(list, k, d.details(a, x[k]), d.details(b, y[k]))
		if d.err != nil {
			return nil, d.err
		}
	}
	return list, nil
}

// typeKey is what types of two tables have in common.
type typeKey struct{ kind, name string }

func (k typeKey) String() string { return k.kind + " " + k.name }

func compareKeys(a, b typeKey) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
}

// keyOf returns the key of a type; none for types without a name and those that are not compared.
func keyOf(t *btf.Types, id btf.ID) (typeKey, bool) {
	k := t.Kind(id)
	switch k {
	case btf.KindVoid, btf.KindFwd, btf.KindDatasec, btf.KindDeclTag, btf.KindTypeTag:
		return typeKey{}, false
	case btf.KindEnum64:
		k = btf.KindEnum
	}
	name := t.Name(id)
	return typeKey{k.String(), name}, name != ""
}

// index finds all types by key.
func index(t *btf.Types) map[typeKey][]btf.ID {
	m := map[typeKey][]btf.ID{}
	for id := t.First(); int(id) < t.Len(); id++ {
		if k, ok := keyOf(t, id); ok {
			m[k] = append(m[k], id)
		}
	}
	return m
}

// rootKeys adds the keys of a root and of what it contains. It returns false if the type does not
// exist.
func rootKeys(t *btf.Types, all map[typeKey][]btf.ID, root string, keys map[typeKey]bool) (bool, error) {
	var ids []btf.ID
	for k, list := range all {
		if k.name == root || k.String() == root {
			ids = append(ids, list...)
		}
	}
	slices.Sort(ids)
	inside, err := contained(t, ids)
	if err != nil {
		return false, err
	}
	for _, id := range append(ids, inside...) {
		if k, ok := keyOf(t, id); ok {
			keys[k] = true
		}
	}
	return len(ids) > 0, nil
}

// diffTypes compares the types of one key.
func diffTypes(list []Change, k typeKey, old, new []detail) []Change {
	old, new = unequal(old, new)
	n := min(len(old), len(new))
	for i := range n {
		list = diffParts(list, k.String(), old[i].parts, new[i].parts)
	}
	for _, d := range old[n:] {
		list = append(list, Change{Action: Removed, Type: k.String(), Part: "type", Old: d.brief()})
	}
	for _, d := range new[n:] {
		list = append(list, Change{Action: Added, Type: k.String(), Part: "type", New: d.brief()})
	}
	return list
}

// unequal leaves out the types that both sides have.
func unequal(old, new []detail) (o, n []detail) {
	if len(old) == 1 && len(new) == 1 { // nearly always
		if slices.Equal(old[0].parts, new[0].parts) {
			return nil, nil
		}
		return old, new
	}
	count := map[string]int{}
	for _, d := range new {
		count[d.String()]++
	}
	both := map[string]int{}
	for _, d := range old {
		if s := d.String(); both[s] < count[s] {
			both[s]++
		} else {
			o = append(o, d)
		}
	}
	for _, d := range new {
		if s := d.String(); both[s] > 0 {
			both[s]--
		} else {
			n = append(n, d)
		}
	}
	return o, n
}

// diffParts compares two types part by part: what is new or different in the order of the new type,
// then what is gone.
func diffParts(list []Change, typ string, old, new []part) []Change {
	type key struct{ part, name string }
	was := make(map[key]string, len(old))
	for _, p := range old {
		was[key{p.part, p.name}] = p.text
	}
	is := make(map[key]bool, len(new))
	for _, p := range new {
		k := key{p.part, p.name}
		is[k] = true
		text, ok := was[k]
		switch {
		case !ok:
			list = append(list, Change{Action: Added, Type: typ, Part: p.part, Name: p.name, New: p.text})
		case text != p.text:
			list = append(list, Change{Action: Changed, Type: typ, Part: p.part, Name: p.name, Old: text, New: p.text})
		}
	}
	for _, p := range old {
		if !is[key{p.part, p.name}] {
			list = append(list, Change{Action: Removed, Type: typ, Part: p.part, Name: p.name, Old: p.text})
		}
	}
	return list
}

// AppendChanges appends changes as text, grouped by type:
//
//	~ struct task_struct
//	    ~ size: 9792 bytes -> 13632 bytes
//	    + member user_event_mm: struct user_event_mm * at 3008
func AppendChanges(dst []byte, list []Change) []byte {
	marks := map[Action]string{Added: "+ ", Removed: "- ", Changed: "~ "}
	typ := ""
	for _, c := range list {
		if c.Part == "type" {
			typ = ""
			dst = append(dst, marks[c.Action]+c.Type+": "+c.Old+c.New+"\n"...)
			continue
		}
		if c.Type != typ {
			typ = c.Type
			dst = append(dst, "~ "+typ+"\n"...)
		}
		what := strings.TrimSuffix(c.Part+" "+c.Name, " ")
		text := c.Old + c.New
		if c.Action == Changed {
			text = c.Old + " -> " + c.New
		}
		dst = append(dst, "    "+marks[c.Action]+what+": "+text+"\n"...)
	}
	return dst
}

func bytesText(n uint32) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.FormatUint(uint64(n), 10) + " bytes"
}
