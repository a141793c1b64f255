package render

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
)

// stage is how much of a type must be written before its user.
type stage uint8

const (
	declared stage = iota // its name: enough for a pointer to a struct
	defined               // its definition, which makes it complete: for members
)

// States of a type in a walk.
const (
	unvisited = 0
	done      = 1<<32 - 1
	// everything between is the index on the stack + 1
)

// class is what a walk has to know of a type. Zero is a type not visited yet.
type class uint8

const (
	plain    class = iota + 1 // needs what it refers to declared
	leaf                      // needs nothing
	pointer                   // needs its target declared
	modifier                  // needs as much of its target as is needed of itself
	typedef                   // as a modifier, and its name before its definition
	array                     // needs its elements defined
	named                     // a struct, which can be declared
	unnamed                   // a struct, which is written out where it is used
)

// visitState is what a walk knows of a type.
type visitState struct {
	states [2]uint32 // by stage
	class  class
}

// walker visits types after those they depend on. Its stack is explicit, so that no depth overflows
// that of Go.
type walker struct {
	t       *btf.Types
	visits  byID[visitState]
	stack   []frame
	opaque  map[btf.ID]bool // pointers that lead back to where they come from without a name in between
	visit   func(btf.ID, stage) error
	scratch btf.Scratch
}

// frame is a type whose dependencies are being visited.
type frame struct {
	id      btf.ID
	class   class
	stage   stage
	next    int    // dependency
	pointer uint32 // index + 1 of the nearest pointer on the stack, itself included
}

func newWalker(t *btf.Types) *walker {
	return &walker{t: t, visits: newByID[visitState](t), opaque: map[btf.ID]bool{}}
}

// walk visits a type.
func (w *walker) walk(id btf.ID, s stage) error {
	if err := w.push(id, s); err != nil {
		return err
	}
	for len(w.stack) > 0 {
		top := &w.stack[len(w.stack)-1]
		if id, s, more := top.dependency(w.t); more {
			top.next++
			if err := w.push(id, s); err != nil {
				return err
			}
			continue
		}
		f := *top
		w.stack = w.stack[:len(w.stack)-1]
		w.visits.at(f.id).states[f.stage] = done
		if err := w.visit(f.id, f.stage); err != nil {
			return err
		}
	}
	return nil
}

// push begins to visit a type unless that was done.
func (w *walker) push(id btf.ID, s stage) error {
	if id == 0 {
		return nil
	}
	c, err := w.class(id)
	if err != nil {
		return err
	}
	s = c.stage(s)
	v := w.visits.at(id)
	state := &v.states[s]
	above := uint32(0)
	if n := len(w.stack); n > 0 {
		above = w.stack[n-1].pointer
	}
	switch {
	case *state == done:
		return nil
	case *state != unvisited && above >= *state: // back to where it came from, through a pointer
		w.opaque[w.stack[above-1].id] = true
		return nil
	case *state != unvisited:
		return fmt.Errorf("%s: %w", w.t.TypeName(id), btf.ErrCycle)
	}
	if c == named && v.states[defined] == done {
		*state = done // defined, so it need not be declared
		return nil
	}
	*state = uint32(len(w.stack)) + 1
	if c == pointer {
		above = *state
	}
	w.stack = append(w.stack, frame{id: id, class: c, stage: s, pointer: above})
	return nil
}

// class returns the class of a type, which is checked when it is met for the first time.
func (w *walker) class(id btf.ID) (class, error) {
	if int(id) < w.t.Len() {
		if c := w.visits.at(id).class; c != 0 {
			return c, nil
		}
	}
	typ, err := w.t.Read(id, &w.scratch)
	if err != nil {
		return 0, err
	}
	c := plain
	switch typ := typ.(type) {
	case *btf.Struct:
		if c = named; typ.Name == "" {
			c = unnamed
		}
	case *btf.Pointer:
		c = pointer
	case *btf.Typedef:
		c = typedef
	case *btf.Const, *btf.Volatile, *btf.Restrict, *btf.TypeTag:
		c = modifier
	case *btf.Array:
		c = array
	case *btf.Datasec, *btf.DeclTag:
		c = leaf
	}
	w.visits.at(id).class = c
	return c, nil
}

// stage returns the stage of types that have only one.
func (c class) stage(s stage) stage {
	switch c {
	case unnamed:
		return defined
	case named, modifier, typedef:
		return s
	}
	return declared
}

// dependency returns the next type that must be written before this one.
func (f *frame) dependency(t *btf.Types) (id btf.ID, s stage, more bool) {
	switch f.class {
	case plain, pointer:
		id, more = t.Ref(f.id, f.next)
		return id, declared, more
	case modifier:
		id, more = t.Ref(f.id, f.next)
		return id, f.stage, more
	case array:
		id, _ = t.Ref(f.id, 0)
		return id, defined, f.next == 0
	case typedef:
		if f.stage == defined && f.next == 0 {
			return f.id, declared, true
		}
		id, _ = t.Ref(f.id, 0)
		return id, f.stage, f.next == int(f.stage)
	case named, unnamed:
		if f.stage == defined {
			id, more = t.Ref(f.id, f.next)
			return id, defined, more
		}
	}
	return 0, 0, false
}
