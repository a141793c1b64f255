package btf

import (
	"fmt"
	"slices"
)

// MinCore finds the smallest table that CO-RE relocations need of the types of a kernel, to be
// carried along to machines whose kernel has none. All relocations have the same results with it,
// but for ids of types (CoreTypeIDTarget).
type MinCore struct {
	target *Types
	keep   map[ID]*kept
}

// kept is a type that stays, and which of its members or enumerators do.
type kept struct {
	all      bool
	elements []bool
}

// NewMinCore begins with nothing of the types of a kernel.
func NewMinCore(target *Types) *MinCore { return &MinCore{target: target, keep: map[ID]*kept{}} }

// Add keeps what the relocations of one program or object need. It may be called for any number of
// them. The errors are those of Resolve.
func (m *MinCore) Add(local *Types, relos []CoreRelo) error {
	r := NewResolver(local, Target{"kernel", m.target})
	r.Prepare(relos)
	for _, relo := range relos {
		f, err := r.Resolve(relo)
		if err != nil {
			return fmt.Errorf("find smallest types: %w", err)
		}
		if relo.Kind == CoreTypeIDLocal {
			continue
		}
		l, err := local.localSpec(&relo)
		if err != nil {
			return fmt.Errorf("find smallest types: %w", err)
		}
		for _, c := range f.Found {
			if !c.Match {
				continue
			}
			var steps []step
			if _, err := (&accessSpec{types: m.target, root: c.Type, trail: &steps}).match(l); err != nil {
				return fmt.Errorf("find smallest types: %w", err)
			}
			m.mark(c.Type, steps, relo.Kind)
		}
	}
	return nil
}

// mark keeps what one access through the types needs.
func (m *MinCore) mark(root ID, steps []step, k CoreKind) {
	switch {
	case k == CoreTypeMatches:
		m.closure(root, true, true)
		return
	case !k.Field() && !k.Enumval():
		m.closure(root, true, false)
		return
	}
	m.closure(root, false, false)
	outer := m.target.Strip(root)
	for _, s := range steps {
		if !s.member {
			outer = s.in
			continue
		}
		m.enclosing(outer, s.in)
		m.element(s.in, int(s.index))
		if r := m.target.record(s.in); r.kind().Composite() {
			outer = m.target.Strip(m.target.member(r, int(s.index)).typ)
		}
	}
}

// enclosing keeps the members without names that lead from a struct to one inside of it.
func (m *MinCore) enclosing(outer, in ID) {
	type from struct {
		id    ID
		index int
	}
	came := map[ID]from{outer: {}}
	for list := []ID{outer}; len(list) > 0 && came[in] == (from{}) && in != outer; list = list[1:] {
		r := m.target.record(list[0])
		for i := range r.vlen() {
			if to, ok := m.target.anonymous(m.target.member(r, i)); ok {
				if _, seen := came[to]; !seen {
					came[to] = from{list[0], i}
					list = append(list, to)
				}
			}
		}
	}
	for in != outer {
		f, ok := came[in]
		if !ok {
			return
		}
		m.element(f.id, f.index)
		in = f.id
	}
}

// element keeps a member or an enumerator, and of a member what its size and kind depend on.
func (m *MinCore) element(id ID, n int) {
	k, r := m.one(id), m.target.record(id)
	if k.elements == nil {
		k.elements = make([]bool, r.vlen())
	}
	if k.elements[n] {
		return
	}
	k.elements[n] = true
	if !r.kind().Composite() {
		return
	}
	typ := m.target.member(r, n).typ
	m.closure(typ, false, false)
	if _, a := m.target.strip(typ); a.kind() == KindArray && m.target.word(a, 2) == 0 {
		m.element(id, r.vlen()-1) // only a last array has elements after its end
	}
}

// one keeps a type itself.
func (m *MinCore) one(id ID) *kept {
	k := m.keep[id]
	if k == nil {
		k = &kept{}
		m.keep[id] = k
	}
	return k
}

// visit is a type to be kept with what it refers to.
type visit struct {
	id       ID
	elements bool // its members too
}

// closure keeps a type and what it refers to: typedefs, modifiers and arrays always, pointers and
// prototypes if deep, members if elements, but not those of structs that pointers refer to.
func (m *MinCore) closure(id ID, deep, elements bool) {
	seen := map[visit]bool{}
	for list := []visit{{id, elements}}; len(list) > 0; {
		v := list[len(list)-1]
		list = list[:len(list)-1]
		if v.id == 0 || seen[v] {
			continue
		}
		seen[v] = true
		keep, r := m.one(v.id), m.target.record(v.id)
		switch k := r.kind(); {
		case k == KindPointer && deep:
			list = append(list, visit{ID(r.word), false})
		case k.Composite() && v.elements, k.Enum() && elements:
			keep.all = true
		}
		switch k := r.kind(); {
		case k.Modifier(), k == KindArray:
			for to := range m.target.Refs(v.id) {
				list = append(list, visit{to, v.elements})
			}
		case k == KindFuncProto && deep, k.Composite() && v.elements:
			for to := range m.target.Refs(v.id) {
				list = append(list, visit{to, elements})
			}
		}
	}
}

// Types returns the table, and the new ids by those of the kernel, 0 for types that were left out.
func (m *MinCore) Types() (*Types, []ID, error) {
	list := make([]ID, 0, len(m.keep))
	for id := range m.keep {
		list = append(list, id)
	}
	slices.Sort(list)
	ids := make([]ID, m.target.Len())
	for i, id := range list {
		ids[id] = ID(i + 1)
	}
	b := Builder{Order: m.target.order}
	for _, id := range list {
		typ, err := m.target.Type(id)
		if err != nil {
			return nil, nil, fmt.Errorf("write smallest types: %w", err)
		}
		b.Add(m.keep[id].reduce(typ, ids))
	}
	t, err := b.Types()
	if err != nil {
		return nil, nil, fmt.Errorf("write smallest types: %w", err)
	}
	return t, ids, nil
}

// reduce returns a type with the elements that are kept and with new ids.
func (k *kept) reduce(typ Type, ids []ID) Type {
	has := func(n int) bool { return k.all || k.elements != nil && k.elements[n] }
	switch t := typ.(type) {
	case *Struct:
		s := &Struct{Name: t.Name, Union: t.Union, Size: t.Size}
		for i, m := range t.Members {
			if has(i) {
				m.Type = ids[m.Type]
				s.Members = append(s.Members, m)
			}
		}
		return s
	case *Enum:
		e := &Enum{Name: t.Name, Size: t.Size, Signed: t.Signed, Wide: t.Wide}
		for i, v := range t.Values {
			if has(i) {
				e.Values = append(e.Values, v)
			}
		}
		return e
	case *FuncProto:
		f := &FuncProto{Return: ids[t.Return], Params: slices.Clone(t.Params)}
		for i := range f.Params {
			f.Params[i].Type = ids[f.Params[i].Type]
		}
		return f
	case *Pointer:
		return &Pointer{ids[t.Type]}
	case *Array:
		return &Array{ids[t.Type], ids[t.Index], t.Count}
	case *Typedef:
		return &Typedef{t.Name, ids[t.Type]}
	case *Volatile:
		return &Volatile{ids[t.Type]}
	case *Const:
		return &Const{ids[t.Type]}
	case *Restrict:
		return &Restrict{ids[t.Type]}
	case *TypeTag:
		return &TypeTag{t.Tag, ids[t.Type], t.Attr}
	}
	return typ
}
