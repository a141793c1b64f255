package btf

// declRounds is how often declarations that turned out to be ambiguous are set aside before all of
// those left are trusted only if none is ambiguous.
const declRounds = 4

// declKey is what a declaration and its definition have in common.
type declKey struct {
	kind Kind // struct, union or enum
	name uint32
	size uint32 // of an enum; 0 for what clang declares
}

// key returns the key of a node that declares or defines something by name.
func (d *deduper) key(n uint32) (k declKey, declares, ok bool) {
	w := d.of(n)
	if n == 0 || w[nameWord] == 0 {
		return declKey{}, false, false
	}
	r := record{info: w[infoWord]}
	k = declKey{kind: r.kind(), name: w[nameWord]}
	switch {
	case k.kind == KindFwd:
		if k.kind = KindStruct; r.flag() {
			k.kind = KindUnion
		}
		return k, true, true
	case k.kind.Composite():
		return k, false, true
	case k.kind.Enum():
		k.kind, k.size = KindEnum, w[sizeWord]
		return k, r.vlen() == 0, true
	}
	return declKey{}, false, false
}

// resolve divides nodes into classes of the same types. It takes each declaration for the
// definition of its name at first, then sees which names have definitions that differ, and leaves
// their declarations alone. Taking fewer declarations for definitions can only divide more, so what
// is found ambiguous once stays so.
func (d *deduper) resolve() *partition {
	n := uint32(len(d.at) - 1)
	d.alias = make([]uint32, n)
	decls := map[declKey][]uint32{}
	defs := map[declKey][]uint32{}
	for i := range n {
		d.alias[i] = i
		if k, declares, ok := d.key(i); ok && declares && ID(i) >= d.t.first {
			decls[k] = append(decls[k], i)
		}
	}
	for i := range n {
		k, declares, ok := d.key(i)
		if ok && !declares && len(decls[k]) > 0 {
			defs[k] = append(defs[k], i)
		}
		sized := k.size > 0
		k.size = 0 // what clang declares fits any size
		if sized && !declares && len(decls[k]) > 0 {
			defs[k] = append(defs[k], i)
		}
	}
	for k, list := range defs {
		for _, i := range decls[k] {
			d.alias[i] = list[0]
		}
	}
	for round := 0; ; round++ {
		p := d.divide()
		ambiguous := false
		for k, list := range defs {
			if !oneClass(p, list) {
				ambiguous = true
				d.forget(decls[k])
				delete(defs, k)
			}
		}
		if !ambiguous {
			return p
		}
		if round == declRounds {
			for k := range defs {
				d.forget(decls[k])
				delete(defs, k)
			}
		}
	}
}

// divide finds the classes for what aliases say now. Edges of the base lead where they always did.
func (d *deduper) divide() *partition {
	d.g.reverse(d.alias)
	p := newPartition(d.class, len(d.first))
	p.refine(&d.g)
	return p
}

func (d *deduper) forget(decls []uint32) {
	for _, i := range decls {
		d.alias[i] = i
	}
}

// oneClass says whether nodes are all the same.
func oneClass(p *partition, nodes []uint32) bool {
	for _, n := range nodes[1:] {
		if p.class[n] != p.class[nodes[0]] {
			return false
		}
	}
	return true
}
