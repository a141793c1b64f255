package btf

import (
	"fmt"
	"slices"
)

// Distill makes a split table independent of the exact base that it was made for: it returns a
// small base, which has of the types that are used only what is needed to find them again, and a
// split table that goes on from that (the sections .BTF.base and .BTF of kernel modules, Linux
// 6.11). The small base has numbers, enums without values, structs and unions without members where
// their size matters, declarations where it does not. All else that is used moves to the split
// table, after its own types, which keep their order. Rebase does the reverse. The error wraps
// ErrBase if there is no base.
func (t *Types) Distill() (base, split *Types, err error) {
	if t.base == nil {
		return nil, nil, fmt.Errorf("distill base: %w: there is none", ErrBase)
	}
	t.ready()
	d := distiller{t: t, use: make([]use, t.first)}
	d.mark()
	b := Builder{Order: t.order}
	ids := make([]ID, t.Len())
	var list []ID
	for id := t.first; int(id) < t.Len(); id++ {
		list = append(list, id)
	}
	for id := ID(1); id < t.first; id++ {
		switch d.use[id] {
		case useName, useSize:
			typ, err := d.distilled(id)
			if err != nil {
				return nil, nil, fmt.Errorf("distill base: type %d: %w", id, err)
			}
			ids[id] = b.Add(typ)
		case useAll:
			list = append(list, id)
		}
	}
	if base, err = b.Types(); err != nil {
		return nil, nil, fmt.Errorf("distill base: %w", err)
	}
	split, err = t.onto(base, ids, list)
	if err != nil {
		return nil, nil, fmt.Errorf("distill base: %w", err)
	}
	return base, split, nil
}

// onto writes types of t for another base; ids has those of base types already, and gets those of
// list.
func (t *Types) onto(base *Types, ids, list []ID) (*Types, error) {
	for i, id := range list {
		ids[id] = ID(base.Len() + i)
	}
	b := Builder{Base: base}
	b.addCopies(t, list, ids)
	raw, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return Parse(raw, Options{Base: base})
}

// use is what is needed of a type of the base. More is a higher number.
type use uint8

const (
	useNone use = iota
	useName     // it is referred to by pointers only
	useSize     // it is part of a type of the split table
	useAll      // it has no name to find it by
)

type distiller struct {
	t    *Types
	use  []use
	list []ID
}

// mark finds what is used, from the types of the split table on.
func (d *distiller) mark() {
	for id := d.t.first; int(id) < d.t.Len(); id++ {
		d.refs(id)
	}
	for len(d.list) > 0 {
		id := d.list[len(d.list)-1]
		d.list = d.list[:len(d.list)-1]
		d.refs(id)
	}
}

// refs marks what a type refers to.
func (d *distiller) refs(id ID) {
	how := useSize
	if k := d.t.Kind(id); k == KindPointer || k == KindFuncProto {
		how = useName
	}
	for to := range d.t.Refs(id) {
		if to != 0 && to < d.t.first {
			d.need(to, how)
		}
	}
}

// need marks one type of the base.
func (d *distiller) need(id ID, how use) {
	r := d.t.record(id)
	switch k := r.kind(); {
	case d.t.nameless(r.name):
		how = useAll
	case k == KindInt, k == KindFloat, k == KindFwd, k.Enum(), k.Composite():
	default:
		how = useAll
	}
	if d.use[id] >= how {
		return
	}
	d.use[id] = how
	if how == useAll {
		d.list = append(d.list, id)
	}
}

// distilled returns the type that replaces a type of the base.
func (d *distiller) distilled(id ID) (Type, error) {
	typ, err := d.t.Type(id)
	switch typ := typ.(type) {
	case *Struct:
		if d.use[id] == useName {
			return &Fwd{Name: typ.Name, Union: typ.Union}, nil
		}
		return &Struct{Name: typ.Name, Union: typ.Union, Size: typ.Size}, nil
	case *Enum:
		return &Enum{Name: typ.Name, Size: typ.Size, Wide: typ.Wide}, nil
	}
	return typ, err
}

// Rebase puts a table that goes on from a distilled base onto a full one, as of another kernel, and
// returns the new ids by the old ones. Types are found by name; numbers must agree in size and
// sign, structs, unions and enums in size where the distilled base has one. The error wraps ErrBase
// if a type is not there, or if there are several that could be meant.
func (t *Types) Rebase(base *Types) (*Types, []ID, error) {
	if t.base == nil || t.base.base != nil || t.big != base.big {
		return nil, nil, fmt.Errorf("change base: %w: the types do not go on from a distilled base", ErrBase)
	}
	ids := make([]ID, t.Len())
	names := make([]string, 0, t.base.Len())
	for id := ID(1); id < t.first; id++ {
		names = append(names, t.base.Name(id))
	}
	found := base.FindMany(names)
	for id := ID(1); id < t.first; id++ {
		to, err := t.base.counterpart(id, base, found[t.base.Name(id)])
		if err != nil {
			return nil, nil, fmt.Errorf("change base: %s: %w", t.base.TypeName(id), err)
		}
		ids[id] = to
	}
	list := make([]ID, 0, t.count)
	for id := t.first; int(id) < t.Len(); id++ {
		list = append(list, id)
	}
	out, err := t.onto(base, ids, list)
	if err != nil {
		return nil, nil, fmt.Errorf("change base: %w", err)
	}
	return out, slices.Clone(ids), nil
}

// counterpart chooses the type of a full base that matches a type of a distilled one.
func (t *Types) counterpart(id ID, base *Types, cands []ID) (ID, error) {
	r, chosen, declared := t.record(id), ID(0), ID(0)
	for _, c := range cands {
		to := base.record(c)
		if !stands(t, r, base, to) {
			continue
		}
		switch {
		case r.kind() == KindFwd && to.kind() == KindFwd:
			declared = c
		case chosen == 0:
			chosen = c
		case r.kind() != KindFwd: // for what a pointer refers to, the first one will do
			return 0, fmt.Errorf("%w: types %d and %d could be meant", ErrBase, chosen, c)
		}
	}
	if chosen == 0 {
		chosen = declared
	}
	if chosen == 0 {
		return 0, fmt.Errorf("%w: it is not there", ErrBase)
	}
	return chosen, nil
}

// stands says whether a record of a distilled base may match one of a full base of the same name.
func stands(t *Types, r record, base *Types, to record) bool {
	switch k := r.kind(); {
	case k == KindInt:
		return to.kind() == k && r.word == to.word && t.word(r, 0) == base.word(to, 0)
	case k == KindFwd:
		return (to.kind() == KindFwd || to.kind().Composite()) && isUnion(r) == isUnion(to)
	case k.Enum():
		return to.kind().Enum() && r.word == to.word
	case k == KindFloat, k.Composite():
		return to.kind() == k && r.word == to.word
	}
	return false
}
