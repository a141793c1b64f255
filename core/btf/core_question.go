package btf

import "fmt"

// question is a CO-RE relocation as the program's own types have it: all that can be known without
// a target. It is kept with these types and never changed.
type question struct {
	relo   CoreRelo
	number uint32 // from 1 on; 0 if it is not kept
	name   rootName
	want   coreValue // what the compiler took for the answer
	from   access
}

// rootName says which types of a target a relocation against a type may mean.
type rootName struct {
	kind  Kind
	text  string // the essential name; empty if there is nothing to look for
	plain bool   // text has no flavor itself, so that a type of this very name is meant too
}

// rootName returns the name and kind of a type of the program.
func (t *Types) rootName(id ID) rootName {
	at := t.record(id)
	n := rootName{kind: at.kind(), text: Essential(t.str(at.name))}
	n.plain = len(Essential(n.text)) == len(n.text)
	return n
}

// maxQuestions is how many questions are kept with a table: more than any program asks, and no more
// than a few megabytes.
const maxQuestions = 4096

// maxSteps is how many steps a question may have that is kept: more than programs take at once.
const maxSteps = 12

// question understands a relocation within these types, unless that was done before. The error is
// that of the relocation.
func (t *Types) question(relo *CoreRelo) (*question, error) {
	if q := t.asked.find(relo); q != nil {
		return q, nil
	}
	q := &question{relo: *relo}
	if err := q.read(t); err != nil {
		return nil, err
	}
	return t.asked.keep(q), nil
}

// read fills in what a question is about.
func (q *question) read(t *Types) error {
	if err := q.from.read(t, &q.relo); err != nil {
		return err
	}
	if q.relo.Kind == CoreTypeIDLocal {
		q.want.value = uint64(q.relo.Type)
		return nil
	}
	if q.name = t.rootName(q.relo.Type); q.name.text == "" {
		return fmt.Errorf("%w: the type has no name to look for", ErrAccess)
	}
	var err error
	q.want, err = q.from.value(q.relo.Kind)
	return err
}

// questions are those that are kept.
type questions struct{ memo[question] }

// find returns the question of a relocation, nil if it is not kept.
func (a *questions) find(relo *CoreRelo) *question {
	m := a.table.Load()
	if m == nil {
		return nil
	}
	for hash := hashRelo(relo); ; hash++ {
		if q := m.at(hash); q == nil || q.relo == *relo {
			return q
		}
	}
}

// keep adds a question if there is room, unless somebody else did so before.
func (a *questions) keep(q *question) *question {
	a.lock.Lock()
	defer a.lock.Unlock()
	if kept := a.find(&q.relo); kept != nil {
		return kept
	}
	count := 0
	if m := a.table.Load(); m != nil {
		count = m.count
	}
	if count < maxQuestions && len(q.from.steps) <= maxSteps {
		q.number = uint32(count) + 1
		a.put(q, func(q *question) uint32 { return hashRelo(&q.relo) })
	}
	return q
}

// hashRelo needs no seed: even if all hashes are the same, there are only so many questions.
func hashRelo(relo *CoreRelo) uint32 {
	h := uint32(relo.Type)<<4 ^ uint32(relo.Kind)
	for i := range len(relo.Access) {
		h = (h ^ uint32(relo.Access[i])) * 0x01000193
	}
	return h * 0x9e3779b1 >> 8
}
