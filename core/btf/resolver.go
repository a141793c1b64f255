package btf

import "hash/maphash"

// Resolver computes the CO-RE relocations of one program or object. It remembers candidates and
// results, and is not safe for concurrent use.
type Resolver struct {
	local   *Types
	targets []Target
	first   map[*Types]int // of several targets: the first of them that has a table
	many    bool           // remember, as there is more than one relocation

	roots   []root
	numbers offsetMap // of roots by their id, from 1 on, if there are more than a few
	done    results

	from, to access      // reused
	found    []Candidate // memory for results
}

// root is a type of the program at which relocations begin.
type root struct {
	id   ID
	kind Kind
	name string      // the essential one; empty if there is nothing to look for
	list []Candidate // the types that it may mean
}

// NewResolver prepares to compute relocations of a program whose types are local. See Resolve for the
// role of the targets.
func NewResolver(local *Types, targets ...Target) *Resolver {
	local.dense()
	return &Resolver{local: local, targets: targets, first: firstOwners(targets), many: true}
}

// firstOwners gives, for each table of several targets, the first of them that has it.
func firstOwners(targets []Target) map[*Types]int {
	if len(targets) < 2 {
		return nil
	}
	first := make(map[*Types]int, len(targets))
	for i, t := range targets {
		for o := t.Types; o != nil; o = o.base {
			if _, ok := first[o]; !ok {
				first[o] = i
			}
		}
	}
	return first
}

// manyRelos is from how many relocations on the place of every type of the targets is noted.
const manyRelos = 4096

// Prepare looks up the candidates of many relocations in one pass over each target. It only saves time.
func (r *Resolver) Prepare(relos []CoreRelo) {
	if len(relos) >= manyRelos {
		for _, t := range r.targets {
			t.Types.ready()
		}
	}
	begin, last := len(r.roots), ID(0)
	r.done.room(len(relos))
	for i := range relos {
		if id := relos[i].Type; id != last && relos[i].Kind != CoreTypeIDLocal {
			last = id
			if _, known := r.number(id); !known && id != 0 {
				r.add(id)
			}
		}
	}
	r.search(r.roots[begin:])
}

// Resolve computes one relocation.
func (r *Resolver) Resolve(relo CoreRelo) (Fixup, error) {
	known, hash := r.done.find(&relo)
	if known != nil {
		return *known, nil
	}
	f, err := r.resolve(relo)
	if err == nil {
		r.done.add(f, hash)
	}
	return f, err
}

// fewRoots is how many roots are looked through one by one.
const fewRoots = 8

// number gives the number of a root, from 1 on.
func (r *Resolver) number(id ID) (uint32, bool) {
	if len(r.roots) > fewRoots {
		return r.numbers.get(uint32(id))
	}
	for i := range r.roots {
		if r.roots[i].id == id {
			return uint32(i) + 1, true
		}
	}
	return 0, false
}

// add makes a root without candidates.
func (r *Resolver) add(id ID) {
	if r.roots == nil {
		r.roots = make([]root, 0, 4)
	}
	r.roots = append(r.roots, r.root(id))
	switch n := len(r.roots); {
	case n == fewRoots+1:
		for i := range r.roots {
			r.numbers.put(uint32(r.roots[i].id), uint32(i)+1)
		}
	case n > fewRoots:
		r.numbers.put(uint32(id), uint32(n))
	}
}

func (r *Resolver) root(id ID) root {
	at := r.local.record(id)
	return root{id: id, kind: at.kind(), name: Essential(r.local.str(at.name))}
}

// candidates gives the types that a relocation against a local type may mean, to be filled in. ok is false if that
// has no name.
func (r *Resolver) candidates(local ID) (list []Candidate, ok bool) {
	if local == 0 {
		return nil, false
	}
	if !r.many {
		one := [1]root{r.root(local)}
		r.search(one[:])
		return one[0].list, one[0].name != ""
	}
	n, known := r.number(local)
	if !known {
		r.add(local)
		n = uint32(len(r.roots))
		r.search(r.roots[n-1:])
	}
	root := &r.roots[n-1]
	if len(r.found) < len(root.list) {
		r.found = make([]Candidate, max(len(root.list), min(8*len(r.roots), 64)))
	}
	list = r.found[:len(root.list):len(root.list)]
	r.found = r.found[copy(list, root.list):]
	return list, root.name != ""
}

// search finds the candidates of roots.
func (r *Resolver) search(roots []root) {
	for i, t := range r.targets {
		for n := t.Types.depth(); n > 0; n-- {
			o := t.Types.outer(n - 1)
			if r.first == nil || r.first[o] == i {
				searchTable(roots, i, o)
			}
		}
	}
}

// searchTable finds the candidates of roots in one table of a target.
func searchTable(roots []root, target int, o *Types) {
	wanted := 0
	for i := range roots {
		if roots[i].wants(target) {
			wanted++
		}
	}
	if wanted == 0 {
		return
	}
	if x := o.index(); x != nil {
		for i := range roots {
			if w := &roots[i]; w.wants(target) {
				o.eachEssential(x, w.name, func(id ID, k Kind) { w.take(target, id, k) })
			}
		}
		return
	}
	names, byName := make([]string, 0, wanted), make(map[string][]int, wanted)
	for i := range roots {
		if w := &roots[i]; w.wants(target) {
			if byName[w.name] == nil {
				names = append(names, w.name)
			}
			byName[w.name] = append(byName[w.name], i)
		}
	}
	o.matchOwn(newNameSet(names), essential, func(name string, id ID, k Kind) {
		for _, i := range byName[name] {
			roots[i].take(target, id, k)
		}
	})
}

// wants says whether candidates of a target count: those of the first one, and if it has none, of all others.
func (w *root) wants(target int) bool {
	return w.name != "" && (target == 0 || len(w.list) == 0 || w.list[0].Target > 0)
}

// take adds a type to the candidates if it is of the right kind.
func (w *root) take(target int, id ID, k Kind) {
	if sameKind(w.kind, k) {
		w.list = append(w.list, Candidate{Target: target, Type: id})
	}
}

// sameKind compares kinds, with enum and enum64 being one.
func sameKind(a, b Kind) bool { return a == b || a.Enum() && b.Enum() }

// results are the relocations that were computed.
type results struct {
	list  []Fixup
	seed  maphash.Seed
	slots []internSlot // numbers of results by the hash of their relocations; none while there are few
}

// fewResults is how many results are looked through one by one.
const fewResults = 8

// room makes room for n results, but not for many: those of equal relocations are kept once.
func (s *results) room(n int) {
	if s.list == nil {
		s.list = make([]Fixup, 0, min(n, 64))
	}
}

// find gives the result of a relocation, or the hash of one that has none.
func (s *results) find(relo *CoreRelo) (*Fixup, uint32) {
	if len(s.slots) == 0 {
		for i := range s.list {
			if f := &s.list[i]; f.Relo == *relo {
				return f, 0
			}
		}
		return nil, 0
	}
	hash := s.hash(relo)
	for i := hash; ; i++ {
		p := &s.slots[i&uint32(len(s.slots)-1)]
		if p.at == 0 {
			return nil, hash
		}
		if p.hash == hash && s.list[p.at-1].Relo == *relo {
			return &s.list[p.at-1], hash
		}
	}
}

func (s *results) hash(relo *CoreRelo) uint32 {
	h := maphash.String(s.seed, relo.Access) ^ (uint64(relo.Type)<<8 | uint64(relo.Kind))
	return uint32(h * 0x9e3779b97f4a7c15 >> 32)
}

// add remembers a result that find did not find.
func (s *results) add(f Fixup, hash uint32) {
	s.list = append(s.list, f)
	switch n := len(s.list); {
	case n <= fewResults:
	case 2*n > len(s.slots):
		if len(s.slots) == 0 {
			s.seed = maphash.MakeSeed()
		}
		s.slots = make([]internSlot, max(64, 4*len(s.slots)))
		for i := range s.list {
			s.put(s.hash(&s.list[i].Relo), i)
		}
	default:
		s.put(hash, n-1)
	}
}

// put fills the first free slot for the nth result.
func (s *results) put(hash uint32, n int) {
	mask := uint32(len(s.slots) - 1)
	i := hash & mask
	for s.slots[i].at != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = internSlot{hash, uint32(n) + 1}
}
