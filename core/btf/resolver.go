package btf

// Resolver computes the CO-RE relocations of one program or object. It remembers candidates and
// results, and is not safe for concurrent use.
type Resolver struct {
	local   *Types
	targets []Target
	first   map[*Types]int // of several targets: the first of them that has a table
	many    bool           // remember, as there is more than one relocation

	roots   []root    // while the names of targets are not indexed
	numbers offsetMap // of roots by their id, from 1 on, if there are more than a few
	done    answers
	found   []Candidate // memory for answers

	memory struct { // the first of the lists
		targets [1]Target
		found   [4]Candidate
	}
}

// root is a type of the program at which relocations begin.
type root struct {
	id   ID
	name rootName
	list []Candidate // the types that it may mean
}

// NewResolver prepares to compute relocations of a program whose types are local. See Resolve for the
// role of the targets.
func NewResolver(local *Types, targets ...Target) *Resolver {
	local.dense()
	r := &Resolver{local: local, first: firstOwners(targets), many: true}
	r.targets, r.found = append(r.memory.targets[:0], targets...), r.memory.found[:]
	return r
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
	r.done.room(len(relos))
	if r.indexed() {
		return // it saves nothing
	}
	begin, last := len(r.roots), ID(0)
	for i := range relos {
		if id := relos[i].Type; id != last && relos[i].Kind != CoreTypeIDLocal {
			last = id
			if _, known := r.number(id); !known && id != 0 {
				r.add(id, r.local.rootName(id))
			}
		}
	}
	r.search(r.roots[begin:])
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
func (r *Resolver) Resolve(relo CoreRelo) (f Fixup, err error) {
	q, err := r.local.question(&relo)
	if err != nil {
		return r.refuse(relo, err)
	}
	if known := r.done.find(q); known != nil {
		known.put(&f, r.local)
		return f, nil
	}
	a := r.done.begin(q)
	err = r.answer(a)
	a.put(&f, r.local)
	r.done.end(err == nil && q.number > 0)
	return f, f.failed(err)
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
func (r *Resolver) add(id ID, name rootName) {
	r.roots = append(r.roots, root{id: id, name: name})
	switch n := len(r.roots); {
	case n == fewRoots+1:
		for i := range r.roots {
			r.numbers.put(uint32(r.roots[i].id), uint32(i)+1)
		}
	case n > fewRoots:
		r.numbers.put(uint32(id), uint32(n))
	}
}

// candidates gives the types that a question may be about, to be filled in.
func (r *Resolver) candidates(q *question) []Candidate {
	switch {
	case r.indexed():
		return r.take(r.named(r.room(1)[:0], q.name))
	case !r.many:
		one := [1]root{{id: q.relo.Type, name: q.name}}
		r.search(one[:])
		return one[0].list
	}
	n, known := r.number(q.relo.Type)
	if !known {
		r.add(q.relo.Type, q.name)
		n = uint32(len(r.roots))
		r.search(r.roots[n-1:])
	}
	all := r.roots[n-1].list
	return r.take(append(r.room(len(all))[:0], all...))
}

// room gives memory for candidates, more than are asked for if there will be more questions.
func (r *Resolver) room(n int) []Candidate {
	if r.many && len(r.found) < n {
		r.found = make([]Candidate, max(n, min(cap(r.done.list), 64)))
	}
	return r.found
}

// take keeps the memory that room gave from being used again.
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

// wants says whether candidates of a target count: those of the first one, and if it has none, of all others.
func wants(list []Candidate, target int) bool {
	return target == 0 || len(list) == 0 || list[0].Target > 0
}

// sameKind compares kinds, with enum and enum64 being one.
func sameKind(a, b Kind) bool { return a == b || a.Enum() && b.Enum() }

// answers are those that were computed.
type answers struct {
	list    []answer
	numbers offsetMap // of answers by those of their questions, from 1 on, if there are more than a few
}

// fewAnswers is how many answers are looked through one by one.
const fewAnswers = 8

// room makes room for n answers, but not for many: those of equal relocations are kept once.
func (s *answers) room(n int) {
	if s.list == nil {
		s.list = make([]answer, 0, min(n, 64))
	}
}

// find gives the answer to a question, nil if it is not known.
func (s *answers) find(q *question) *answer {
	if len(s.list) <= fewAnswers {
		for i := range s.list {
			if a := &s.list[i]; a.question == q {
				return a
			}
		}
		return nil
	}
	if n, ok := s.numbers.get(q.number); ok && q.number > 0 {
		return &s.list[n-1]
	}
	return nil
}

// begin makes an answer, to be filled in, to a question that has none.
func (s *answers) begin(q *question) *answer {
	s.list = append(s.list, answer{question: q, target: -1})
	return &s.list[len(s.list)-1]
}

// end remembers or forgets the answer that was begun.
func (s *answers) end(remember bool) {
	n := len(s.list)
	switch {
	case !remember:
		s.list = s.list[:n-1]
	case n == fewAnswers+1:
		for i := range s.list {
			s.numbers.put(s.list[i].question.number, uint32(i)+1)
		}
	case n > fewAnswers:
		s.numbers.put(s.list[n-1].question.number, uint32(n))
	}
}
