package btf

// Resolver computes the CO-RE relocations of one program or object. It caches candidates and
// results, and is not safe for concurrent use.
type Resolver struct {
	local   *Types
	targets []Target
	first   map[*Types]int // of several targets: the first of them that has a table
	many    bool           // there is more than one relocation
	own     bool           // the only target has the program's own types

	roots  *roots   // while the names of targets are not indexed
	cached *results // nil as long as there are few
	few    int      // how many there are then

	last  ID          // root of the last result
	same  []Candidate // for that
	found []Candidate // memory for results

	memory struct { // for the first of them
		targets [1]Target
		found   [6]Candidate
	}
}

// root is a type of the program at which relocations begin.
type root struct {
	id   ID
	name rootName
	list []Candidate // the types that it may mean
}

// NewResolver prepares to compute relocations of a program whose types are local. See Resolve for
// the role of the targets.
func NewResolver(local *Types, targets ...Target) *Resolver {
	local.dense()
	r := &Resolver{local: local, first: firstOwners(targets), many: true}
	r.targets, r.found = append(r.memory.targets[:0], targets...), r.memory.found[:]
	return r
}

// NewOwnResolver prepares to compute relocations for the program's own types, as if they were a kernel's; name
// is for messages. Then a type without a flavor means itself, and one with a flavor means the types
// without, because those are what the object says that a kernel has; where there are none it means itself.
func NewOwnResolver(local *Types, name string) *Resolver {
	r := NewResolver(local, Target{Name: name, Types: local})
	r.own = true
	return r
}

// firstOwners returns, for each table of several targets, the first of them that has it.
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

// manyRelos is from how many relocations on the offset of every type of the targets is indexed.
const manyRelos = 4096

// Prepare looks up the candidates of many relocations in one pass over each target. It only saves
// time.
func (r *Resolver) Prepare(relos []CoreRelo) {
	if len(relos) >= manyRelos {
		for _, t := range r.targets {
			t.Types.ready()
		}
	}
	if r.cached == nil && len(relos) > fewResults {
		r.cached = &results{list: make([]result, 0, min(len(relos), 64))} // equal ones are kept once
	}
	if r.indexed() {
		return // there is nothing to save
	}
	all := r.allRoots()
	begin, last := len(all.list), ID(0)
	for i := range relos {
		if id := relos[i].Type; id != last && relos[i].Kind != CoreTypeIDLocal {
			last = id
			if all.find(id) == nil && id != 0 {
				all.add(id, r.local.rootName(id))
			}
		}
	}
	r.search(all.list[begin:])
}

// indexed says whether the names of all targets are.
func (r *Resolver) indexed() bool {
	for _, t := range r.targets {
		for o := t.Types; o != nil; o = o.base {
			if o.names.Load() == nil {
				return false
			}
		}
	}
	return true
}

// Resolve computes one relocation.
func (r *Resolver) Resolve(relo CoreRelo) (f CoreResult, err error) {
	l, err := r.local.localSpec(&relo)
	if err != nil {
		return r.refuse(relo, err)
	}
	if r.cached != nil {
		if known := r.cached.find(l); known != nil {
			known.put(&f, r.local)
			return f, nil
		}
	}
	res := result{local: l, target: -1}
	if err = r.compute(&res); err == nil {
		r.cache(&res)
	}
	res.put(&f, r.local)
	return f, f.failed(err)
}

// cache keeps a result, but not if there are few: then computing it again costs less than memory
// for all.
func (r *Resolver) cache(res *result) {
	if r.cached == nil {
		if r.few++; r.few <= fewResults {
			return
		}
		r.cached = new(results)
	}
	r.cached.add(res)
}

// candidates returns the types that a local spec may match, to be filled in.
func (r *Resolver) candidates(l *localSpec) []Candidate {
	id := l.relo.Type
	switch {
	case r.last == id:
		return r.take(append(r.room(len(r.same))[:0], r.same...))
	case r.indexed():
		r.same = r.take(r.named(r.room(1)[:0], l.name))
	case !r.many:
		one := [1]root{{id: id, name: l.name}}
		r.search(one[:])
		return one[0].list
	default:
		all := r.allRoots()
		at := all.find(id)
		if at == nil {
			at = all.add(id, l.name)
			r.search(all.list[len(all.list)-1:])
		}
		r.same = r.take(append(r.room(len(at.list))[:0], at.list...))
	}
	r.last = id
	return r.same
}

// allRoots returns the roots, of which there may be none yet.
func (r *Resolver) allRoots() *roots {
	if r.roots == nil {
		r.roots = new(roots)
	}
	return r.roots
}

// room returns memory for candidates, more than are asked for if there will be more relocations.
func (r *Resolver) room(n int) []Candidate {
	if r.many && len(r.found) < n {
		size := fewResults
		if r.cached != nil {
			size = min(cap(r.cached.list), 64)
		}
		r.found = make([]Candidate, max(n, size))
	}
	return r.found
}

// take keeps the memory that room returned from being used again.
func (r *Resolver) take(list []Candidate) []Candidate {
	r.found = r.found[min(len(list), len(r.found)):]
	return list[:len(list):len(list)]
}

// named finds candidates by the indexes of all targets.
func (r *Resolver) named(list []Candidate, name rootName) []Candidate {
	for i, t := range r.targets {
		for n := t.Types.depth(); n > 0; n-- {
			o := t.Types.outer(n - 1)
			if (r.first == nil || r.first[o] == i) && wants(list, i) {
				list = o.appendNamed(list, o.names.Load(), name, i)
			}
		}
	}
	return list
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
				w.list = o.appendNamed(w.list, x, w.name, target)
			}
		}
		return
	}
	names, byName := make([]string, 0, wanted), make(map[string][]int, wanted)
	for i := range roots {
		if w := &roots[i]; w.wants(target) {
			if byName[w.name.text] == nil {
				names = append(names, w.name.text)
			}
			byName[w.name.text] = append(byName[w.name.text], i)
		}
	}
	o.matchOwn(newNameSet(names), essential, func(name string, id ID, k Kind) {
		for _, i := range byName[name] {
			if w := &roots[i]; sameKind(w.name.kind, k) {
				w.list = append(w.list, Candidate{Target: target, Type: id})
			}
		}
	})
}

func (w *root) wants(target int) bool { return w.name.text != "" && wants(w.list, target) }

// wants says whether candidates of a target count: those of the first one, and if it has none, of
// all others.
func wants(list []Candidate, target int) bool {
	return target == 0 || len(list) == 0 || list[0].Target > 0
}

// sameKind compares kinds, with enum and enum64 being one.
func sameKind(a, b Kind) bool { return a == b || a.Enum() && b.Enum() }

// fewRoots is how many roots are looked through one by one.
const fewRoots = 8

// roots are those that were looked for.
type roots struct {
	list    []root
	numbers offsetMap // by id, from 1 on, if there are more than a few
}

// find returns a root that may be known.
func (s *roots) find(id ID) *root {
	if len(s.list) > fewRoots {
		if n, ok := s.numbers.get(uint32(id)); ok {
			return &s.list[n-1]
		}
		return nil
	}
	for i := range s.list {
		if s.list[i].id == id {
			return &s.list[i]
		}
	}
	return nil
}

// add makes a root without candidates.
func (s *roots) add(id ID, name rootName) *root {
	s.list = append(s.list, root{id: id, name: name})
	switch n := len(s.list); {
	case n == fewRoots+1:
		for i := range s.list {
			s.numbers.put(uint32(s.list[i].id), uint32(i)+1)
		}
	case n > fewRoots:
		s.numbers.put(uint32(id), uint32(n))
	}
	return &s.list[len(s.list)-1]
}

// fewResults is how many results are computed before they are cached.
const fewResults = 8

// results are those that are cached.
type results struct {
	list    []result
	numbers offsetMap // by the numbers of their local specs, from 1 on
}

// find returns the result of a local spec, nil if it is not cached.
func (s *results) find(l *localSpec) *result {
	if n, ok := s.numbers.get(l.number); ok && l.number > 0 {
		return &s.list[n-1]
	}
	return nil
}

// add caches a result that is not known, if its local spec is kept.
func (s *results) add(res *result) {
	if n := res.local.number; n > 0 {
		s.list = append(s.list, *res)
		s.numbers.put(n, uint32(len(s.list)))
	}
}
