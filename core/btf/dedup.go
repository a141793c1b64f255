package btf

import (
	"errors"
	"fmt"
	"slices"
)

// ErrDedup says that duplicates could not be removed.
var ErrDedup = errors.New("duplicates cannot be removed")

// Dedup removes types that are in a table more than once, as when it was merged of several, and
// returns the new ids by the old ones. The result has the same base; types that the base has are
// left out too, and ids of the base do not change. Types stay in the order in which they first
// appear.
//
// Two types are the same if nothing that can be reached from them differs, cycles included. A
// forward declaration is the struct or union of its name, and an enum without values the enum of
// its name and size, if the whole table has only one such. Variables and data sections stay, since
// each is a place in memory.
//
// Time and memory are in proportion to the table, apart from a logarithm, whatever its depth. The
// error wraps ErrBuild for kinds that this package does not know, ErrID and ErrString for malformed
// types.
func (t *Types) Dedup() (*Types, []ID, error) {
	t.ready()
	d := &deduper{t: t, g: graph{outAt: make([]uint32, 1, t.Len()+1)}}
	if err := d.read(); err != nil {
		return nil, nil, fmt.Errorf("remove duplicates: %w", err)
	}
	d.group()
	p := d.resolve()
	ids, list, err := d.choose(p)
	if err != nil {
		return nil, nil, fmt.Errorf("remove duplicates: %w", err)
	}
	b := Builder{Base: t.base, Order: t.order}
	b.addCopies(t, list, ids)
	e, err := b.encode(d.distinct)
	if err != nil {
		return nil, nil, fmt.Errorf("remove duplicates: %w", err)
	}
	out, err := Parse(e.blob(nil), Options{Base: t.base})
	return out, slices.Clone(ids), err
}

// Merge makes one table of several and removes duplicates (see Dedup). For each of them it returns
// the new ids by the old ones. All go on from the same base, or from none, and the result has the
// byte order of the first.
func Merge(tables ...*Types) (*Types, [][]ID, error) {
	if len(tables) == 0 {
		return nil, nil, fmt.Errorf("merge types: %w: there are none", ErrBuild)
	}
	b := Builder{Base: tables[0].base, Order: tables[0].order}
	all := make([][]ID, len(tables))
	for i, t := range tables {
		if t.base != b.Base {
			return nil, nil, fmt.Errorf("merge types: table %d: %w", i, ErrBase)
		}
		all[i] = b.AddAll(t)
	}
	raw, err := b.Bytes()
	if err != nil {
		return nil, nil, fmt.Errorf("merge types: %w", err)
	}
	whole, err := Parse(raw, Options{Base: b.Base})
	if err != nil {
		return nil, nil, fmt.Errorf("merge types: %w", err)
	}
	out, ids, err := whole.Dedup()
	if err != nil {
		return nil, nil, fmt.Errorf("merge types: %w", err)
	}
	for _, one := range all {
		for old, id := range one {
			one[old] = ids[id]
		}
	}
	return out, all, nil
}

// deduper finds types that are the same. Its nodes are the ids of the table, those of the base
// included.
type deduper struct {
	t     *Types
	g     graph
	words []uint32 // of all nodes: what they are, without what they refer to
	at    []uint32 // the words of node n are words[at[n]:at[n+1]]
	class []uint32 // of nodes with the same words
	first []uint32 // the first node of each class
	alias []uint32 // the node that a node is replaced by: itself, or what a declaration is of

	names    *stringMap // numbers strings, equal ones alike, wherever in the tables they are
	distinct bool       // no two names are equal strings at different offsets
}

// name returns the number of a string.
func (d *deduper) name(off uint32) (uint32, error) {
	n, ok := d.names.get(off)
	if !ok {
		return 0, fmt.Errorf("%w (%#x)", ErrString, off)
	}
	return n, nil
}

// read takes all types apart into words and edges.
func (d *deduper) read() error {
	size, err := d.readNames()
	if err != nil {
		return err
	}
	d.at, d.words = make([]uint32, 1, d.t.Len()+1), make([]uint32, 0, size/4+1)
	d.g.to = make([]uint32, 0, size/12) // about as many as the types of a kernel have
	d.g.outAt = append(d.g.outAt, 0)    // void
	d.at, d.words = append(d.at, 1), append(d.words, 0)
	for _, o := range d.t.chain() {
		o.headers(func(id ID, off, _, _ uint32) bool {
			r, _ := o.sizedRecordAt(off)
			if err = d.node(id, r); err != nil {
				err = fmt.Errorf("type %d: %w", id, err)
			}
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readNames numbers the names of all types, by their places in a table of strings that has each of
// them once. It returns the bytes of all types.
func (d *deduper) readNames() (int, error) {
	p := part{from: d.t, list: make([]ID, 0, d.t.Len())}
	for id := ID(1); int(id) < d.t.Len(); id++ {
		p.list = append(p.list, id)
	}
	p.survey(0)
	p.strs.mark(0)
	p.strs.rank()
	e := newEncoder(false, 0)
	e.known.room(p.strs.count)
	e.strs = slices.Grow(e.strs, p.strs.room())
	d.names = p.strs
	err := p.strs.copy(e, false)
	d.distinct = e.known.used == p.strs.count-1 // all of them were new, but for the empty one
	return p.bytes, err
}

// node takes one type apart.
func (d *deduper) node(id ID, r record) error {
	k := r.kind()
	if k > lastKind {
		return fmt.Errorf("%w: %v", ErrBuild, k)
	}
	name, err := d.name(r.name)
	if err != nil {
		return err
	}
	word := r.word
	if k.refers() {
		if err := d.edge(word); err != nil {
			return err
		}
		word = 0
	}
	d.words = append(d.words, r.info, name, word)
	if k == KindVar || k == KindDatasec {
		d.words = append(d.words, uint32(id)) // equal to nothing else
	}
	at := referencesOf[k]
	for i, in := 0, 0; i < len(r.body)/4; i++ {
		v := d.t.word(r, i)
		switch {
		case i < int(at.fixed), at.step != 0 && in == int(at.id):
			err = d.edge(v)
		case at.name && in == 0:
			v, err = d.name(v)
			d.words = append(d.words, v)
		default:
			d.words = append(d.words, v)
		}
		if err != nil {
			return err
		}
		if in++; in >= int(at.step) {
			in = 0
		}
	}
	d.at = append(d.at, uint32(len(d.words)))
	d.g.outAt = append(d.g.outAt, uint32(len(d.g.to)))
	return nil
}

func (d *deduper) edge(id uint32) error {
	d.g.to = append(d.g.to, id)
	return d.t.checkID(id)
}

// node's words, in the order in which it writes them.
const (
	infoWord = iota
	nameWord
	sizeWord
)

// of returns the words of a node.
func (d *deduper) of(n uint32) []uint32 { return d.words[d.at[n]:d.at[n+1]] }

// group puts nodes with the same words into one class.
func (d *deduper) group() {
	n := len(d.at) - 1
	size := 256
	for size < 2*n {
		size *= 2
	}
	slots, hashes := make([]uint32, size), make([]uint32, n) // a class + 1
	d.class = make([]uint32, n)
	for i := range uint32(n) {
		words := d.of(i)
		hash := uint64(len(words))
		for _, w := range words {
			hash = (hash ^ uint64(w)) * 0x9e3779b97f4a7c15
			hash ^= hash >> 32
		}
		s := uint32(hash) & uint32(size-1)
		for {
			c := slots[s]
			if c == 0 {
				d.first = append(d.first, i)
				slots[s], c = uint32(len(d.first)), uint32(len(d.first))
				hashes[i] = uint32(hash >> 20)
			} else if f := d.first[c-1]; hashes[f] != uint32(hash>>20) || !slices.Equal(d.of(f), words) {
				s = (s + 1) & uint32(size-1)
				continue
			}
			d.class[i] = c - 1
			break
		}
	}
}

// choose assigns new ids to the types that stay, and to the others the ids of those that replace
// them.
func (d *deduper) choose(p *partition) (ids, list []ID, err error) {
	n := len(d.alias)
	keep := make([]uint32, len(p.begin)) // the first node of each class + 1
	ids = make([]ID, n)
	next := d.t.first
	for i := range uint32(n) {
		stays := d.alias[i] == i
		c := p.class[i]
		switch {
		case stays && keep[c] == 0:
			keep[c] = i + 1
			if ids[i] = ID(i); ID(i) >= d.t.first {
				ids[i] = next
				next++
				list = append(list, ID(i))
			}
		case stays:
			if !d.same(p, i, keep[c]-1) {
				return nil, nil, fmt.Errorf("%w: types %d and %d", ErrDedup, keep[c]-1, i)
			}
			if ids[i] = ids[keep[c]-1]; ID(i) < d.t.first {
				ids[i] = ID(i)
			}
		}
	}
	for i := range n {
		if a := d.alias[i]; a != uint32(i) {
			ids[i] = ids[a]
		}
	}
	return ids, list, nil
}

// same checks that two nodes are the same by going over all their edges.
func (d *deduper) same(p *partition, a, b uint32) bool {
	x, y := d.g.to[d.g.outAt[a]:d.g.outAt[a+1]], d.g.to[d.g.outAt[b]:d.g.outAt[b+1]]
	if len(x) != len(y) || d.class[a] != d.class[b] {
		return false
	}
	for i := range x {
		if p.class[d.alias[x[i]]] != p.class[d.alias[y[i]]] {
			return false
		}
	}
	return true
}
