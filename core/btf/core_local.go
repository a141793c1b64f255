package btf

import (
	"fmt"
	"slices"
)

// localSpec (bpf_core_spec of the local type in libbpf) is a CO-RE relocation as the program's own types have it: all that can be known without
// a target. It is kept with these types and never changed.
type localSpec struct {
	relo       CoreRelo
	number     uint32 // from 1 on; 0 if it is not kept
	name       rootName
	localValue coreValue // what the compiler computed
	access     access
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

// ownCandidates returns the candidates of a local spec that count where its own types are the target: no
// kernel has several flavors of a type at once.
func (t *Types) ownCandidates(list []Candidate, l *localSpec) []Candidate {
	flavored := func(id ID) bool { return t.str(t.record(id).name) != l.name.text }
	var plain []Candidate
	itself := slices.IndexFunc(list, func(c Candidate) bool { return c.Type == l.relo.Type })
	if flavored(l.relo.Type) {
		plain = slices.DeleteFunc(slices.Clone(list), func(c Candidate) bool { return flavored(c.Type) })
	}
	if len(plain) == 0 && itself >= 0 {
		plain = append(plain, list[itself])
	}
	return plain
}

// maxLocalSpecs is how many local specs are kept with a table: more than any program has, and no more
// than a few megabytes.
const maxLocalSpecs = 4096

// maxSteps is how many steps a local spec may have that is kept: more than programs take at once.
const maxSteps = 12

// localSpec returns the local spec of a relocation within these types, and keeps it. The error is
// that of the relocation.
func (t *Types) localSpec(relo *CoreRelo) (*localSpec, error) {
	if l := t.localSpecs.find(relo); l != nil {
		return l, nil
	}
	l := &localSpec{relo: *relo}
	if err := l.read(t); err != nil {
		return nil, err
	}
	return t.localSpecs.keep(l), nil
}

// read fills in the local spec of a relocation.
func (l *localSpec) read(t *Types) error {
	if err := l.access.read(t, &l.relo); err != nil {
		return err
	}
	if l.relo.Kind == CoreTypeIDLocal {
		l.localValue.value = uint64(l.relo.Type)
		return nil
	}
	if l.name = t.rootName(l.relo.Type); l.name.text == "" {
		return fmt.Errorf("%w: the type has no name to look for", ErrAccess)
	}
	var err error
	l.localValue, err = l.access.value(l.relo.Kind)
	return err
}

// localSpecs are those that are kept.
type localSpecs struct{ memo[localSpec] }

// find returns the local spec of a relocation, nil if it is not kept.
func (a *localSpecs) find(relo *CoreRelo) *localSpec {
	m := a.table.Load()
	if m == nil {
		return nil
	}
	for hash := hashRelo(relo); ; hash++ {
		if l := m.at(hash); l == nil || l.relo == *relo {
			return l
		}
	}
}

// keep adds a local spec if there is space, unless another goroutine did so before.
func (a *localSpecs) keep(l *localSpec) *localSpec {
	a.lock.Lock()
	defer a.lock.Unlock()
	if kept := a.find(&l.relo); kept != nil {
		return kept
	}
	count := 0
	if m := a.table.Load(); m != nil {
		count = m.count
	}
	if count < maxLocalSpecs && len(l.access.steps) <= maxSteps {
		l.number = uint32(count) + 1
		a.put(l, func(l *localSpec) uint32 { return hashRelo(&l.relo) })
	}
	return l
}

// hashRelo needs no seed: even if all hashes are the same, there are only so many local specs.
func hashRelo(relo *CoreRelo) uint32 {
	h := uint32(relo.Type)<<4 ^ uint32(relo.Kind)
	for i := range len(relo.Access) {
		h = (h ^ uint32(relo.Access[i])) * 0x01000193
	}
	return h * 0x9e3779b1 >> 8
}
