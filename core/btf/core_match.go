package btf

import "slices"

// pair is a type of the program and one of the target that are held against each other.
type pair struct {
	local, target ID
	pointee       bool // reached through a pointer
}

// sameEssential compares two names without their flavors.
func sameEssential(lt *Types, local uint32, tt *Types, target uint32) bool {
	a, ok := lt.nameBytes(local)
	b, also := tt.nameBytes(target)
	return ok && also && string(essential(a)) == string(essential(b))
}

// Compatible reports whether two types, one of a program and one of the kernel, are of one make: kinds
// agree through pointers, arrays and prototypes, which have as many parameters; names, members and the
// sizes of numbers are not compared. It is the rule of type_exists, type_size and type ids, and of the
// kernel functions and variables that programs declare (bpf_core_types_are_compat of libbpf).
func Compatible(lt *Types, local ID, tt *Types, target ID) bool {
	p := pair{local: local, target: target}
	for range nearHops {
		to, proto, ok := compatibleStep(lt, tt, &p)
		switch {
		case !ok:
			return false
		case proto:
			return compatibleProtos(lt, tt, p)
		case to == (pair{}):
			return true
		}
		p = to
	}
	return compatibleProtos(lt, tt, p)
}

// compatibleStep passes over the modifiers of a pair and compares it. If that is not all, it
// returns what both refer to, or says that they are prototypes.
func compatibleStep(lt, tt *Types, p *pair) (to pair, proto, ok bool) {
	lid, l := lt.strip(p.local)
	tid, r := tt.strip(p.target)
	p.local, p.target = lid, tid
	if !sameKind(l.kind(), r.kind()) {
		return pair{}, false, false
	}
	switch l.kind() {
	case KindVoid, KindStruct, KindUnion, KindEnum, KindEnum64, KindFwd, KindFloat:
		return pair{}, false, true
	case KindInt:
		return pair{}, false, lt.word(l, 0)>>16&0xff == 0 && tt.word(r, 0)>>16&0xff == 0
	case KindPointer:
		return pair{local: ID(l.word), target: ID(r.word)}, false, true
	case KindArray:
		return pair{local: ID(lt.word(l, 0)), target: ID(tt.word(r, 0))}, false, true
	case KindFuncProto:
		return pair{}, true, l.vlen() == r.vlen()
	}
	return pair{}, false, false
}

// compatibleProtos is Compatible for what may lead to many pairs. Each of them is looked at once.
func compatibleProtos(lt, tt *Types, first pair) bool {
	seen := map[pair]bool{}
	list := []pair{first}
	for len(list) > 0 {
		p := list[len(list)-1]
		list = list[:len(list)-1]
		to, proto, ok := compatibleStep(lt, tt, &p)
		if !ok {
			return false
		}
		if seen[p] {
			continue
		}
		seen[p] = true
		if !proto {
			list = append(list, to)
			continue
		}
		l, r := lt.record(p.local), tt.record(p.target)
		list = append(list, pair{local: ID(l.word), target: ID(r.word)})
		for i := range l.vlen() {
			list = append(list, pair{local: ID(lt.word(l, 2*i+1)), target: ID(tt.word(r, 2*i+1))})
		}
	}
	return true
}

// matchLevels is how deep types are compared, as in libbpf.
const matchLevels = 32

// matcher holds types against each other member by member. It keeps the outcome for each pair;
// while a pair is being looked at it counts as matching, so cycles end.
type matcher struct {
	lt, tt *Types
	seen   map[pair]bool
}

// matches is the rule of type_matches: names agree without flavors, numbers in size and sign, every
// member and enumerator of the program's type is in the target's. A struct that a pointer refers to
// is compared by name only, and may be a forward declaration.
func matches(lt *Types, local ID, tt *Types, target ID) bool {
	m := matcher{lt: lt, tt: tt, seen: map[pair]bool{}}
	return m.match(local, target, false, matchLevels)
}

// match compares a pair. It calls itself for what the pair refers to, at most matchLevels deep.
func (m *matcher) match(local, target ID, pointee bool, levels int) bool {
	if levels == 0 {
		return false
	}
	p := pair{m.lt.Strip(local), m.tt.Strip(target), pointee}
	ok, known := m.seen[p]
	if !known {
		m.seen[p] = true
		ok = m.one(p, levels-1)
		m.seen[p] = ok
	}
	return ok
}

// one compares a pair that was not seen before.
func (m *matcher) one(p pair, levels int) bool {
	l, r := m.lt.record(p.local), m.tt.record(p.target)
	if !sameEssential(m.lt, l.name, m.tt, r.name) {
		return false
	}
	lk, rk := l.kind(), r.kind()
	if p.pointee && (lk == KindFwd || lk.Composite()) {
		return (rk == KindFwd || rk.Composite()) && isUnion(l) == isUnion(r)
	}
	if !sameKind(lk, rk) {
		return false
	}
	switch lk {
	case KindVoid:
		return true
	case KindFwd:
		return l.flag() == r.flag()
	case KindEnum, KindEnum64:
		return l.word == r.word && m.enumerators(l, r)
	case KindStruct, KindUnion:
		return m.members(l, r, levels)
	case KindInt:
		const signed = uint32(IntSigned) << 24
		return l.word == r.word && m.lt.word(l, 0)&signed == m.tt.word(r, 0)&signed
	case KindFloat:
		return l.word == r.word
	case KindPointer:
		return m.match(ID(l.word), ID(r.word), true, levels)
	case KindArray:
		return m.match(ID(m.lt.word(l, 0)), ID(m.tt.word(r, 0)), p.pointee, levels)
	case KindFuncProto:
		return m.params(l, r, levels)
	}
	return false
}

// isUnion says whether a struct, union or forward declaration is about a union.
func isUnion(r record) bool {
	return r.kind() == KindUnion || r.kind() == KindFwd && r.flag()
}

// params compares two prototypes.
func (m *matcher) params(l, r record, levels int) bool {
	if l.vlen() != r.vlen() {
		return false
	}
	for i := range l.vlen() {
		if !m.match(ID(m.lt.word(l, 2*i+1)), ID(m.tt.word(r, 2*i+1)), false, levels) {
			return false
		}
	}
	return m.match(ID(l.word), ID(r.word), false, levels)
}

// members says whether every member of the program's struct matches one of the same name.
func (m *matcher) members(l, r record, levels int) bool {
	if l.vlen() > r.vlen() {
		return false
	}
	byName := make(map[string][]ID, r.vlen())
	for i := range r.vlen() {
		to := m.tt.member(r, i)
		b, _ := m.tt.nameBytes(to.name)
		name := string(essential(b))
		byName[name] = append(byName[name], to.typ)
	}
	for i := range l.vlen() {
		from := m.lt.member(l, i)
		b, _ := m.lt.nameBytes(from.name)
		if !slices.ContainsFunc(byName[string(essential(b))], func(to ID) bool {
			return m.match(from.typ, to, false, levels)
		}) {
			return false
		}
	}
	return true
}

// enumerators says whether every enumerator of the program's enum is in the target's.
func (m *matcher) enumerators(l, r record) bool {
	if l.vlen() > r.vlen() {
		return false
	}
	names := make(map[string]bool, r.vlen())
	for i := range r.vlen() {
		b, _ := m.tt.nameBytes(m.tt.enumName(r, i))
		names[string(essential(b))] = true
	}
	for i := range l.vlen() {
		b, _ := m.lt.nameBytes(m.lt.enumName(l, i))
		if !names[string(essential(b))] {
			return false
		}
	}
	return true
}
