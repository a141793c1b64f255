package render

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
)

// stage is how much of a type must stand before its user.
type stage uint8

const (
	declared stage = iota // the name: enough for a pointer to a struct
	whole                 // the definition: for members
)

// Places of a type on the way.
const (
	untouched = 0
	done      = 1<<32 - 1
	// everything between is the place on the stack + 1
)

// walker visits types after what they need. It has a stack of its own, so depth does not matter.
type walker struct {
	t      *btf.Types
	state  []uint32 // by 2*id+stage
	stack  []step
	opaque map[btf.ID]bool // pointers that lead back to where they come from without a name in between
	enter  func(btf.ID, btf.Type, stage) error
}

// step is a type whose needs are being looked at.
type step struct {
	id      btf.ID
	typ     btf.Type
	stage   stage
	next    int    // need
	pointer uint32 // place + 1 of the nearest pointer on the stack, itself included
}

func newWalker(t *btf.Types) *walker {
	return &walker{t: t, state: make([]uint32, 2*t.Len()), opaque: map[btf.ID]bool{}}
}

// walk visits a type.
func (w *walker) walk(id btf.ID, s stage) error {
	if err := w.push(id, s); err != nil {
		return err
	}
	for len(w.stack) > 0 {
		top := &w.stack[len(w.stack)-1]
		if id, s, more := top.need(); more {
			top.next++
			if err := w.push(id, s); err != nil {
				return err
			}
			continue
		}
		f := *top
		w.stack = w.stack[:len(w.stack)-1]
		w.state[2*int(f.id)+int(f.stage)] = done
		if err := w.enter(f.id, f.typ, f.stage); err != nil {
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
	typ, err := w.t.Type(id)
	if err != nil {
		return err
	}
	s = stageOf(typ, s)
	at := &w.state[2*int(id)+int(s)]
	pointer := uint32(0)
	if n := len(w.stack); n > 0 {
		pointer = w.stack[n-1].pointer
	}
	switch {
	case *at == done:
		return nil
	case *at != untouched && pointer >= *at: // back to where it came from, through a pointer
		w.opaque[w.stack[pointer-1].id] = true
		return nil
	case *at != untouched:
		return fmt.Errorf("%s: %w", w.t.TypeName(id), btf.ErrCycle)
	}
	if s, ok := typ.(*btf.Struct); ok && s.Name != "" && *at == untouched && w.state[2*int(id)+int(whole)] == done {
		*at = done // defined, so it need not be declared
		return nil
	}
	*at = uint32(len(w.stack)) + 1
	if _, ok := typ.(*btf.Pointer); ok {
		pointer = *at
	}
	w.stack = append(w.stack, step{id: id, typ: typ, stage: s, pointer: pointer})
	return nil
}

// stageOf gives the stage of types that know but one.
func stageOf(typ btf.Type, s stage) stage {
	switch typ := typ.(type) {
	case *btf.Struct:
		if typ.Name == "" {
			return whole
		}
		return s
	case *btf.Typedef, *btf.Const, *btf.Volatile, *btf.Restrict, *btf.TypeTag:
		return s
	}
	return declared
}

// need gives the next type that must stand before this one.
func (f *step) need() (btf.ID, stage, bool) {
	one := func(id btf.ID, s stage) (btf.ID, stage, bool) { return id, s, f.next == 0 }
	switch typ := f.typ.(type) {
	case *btf.Pointer:
		return one(typ.Type, declared)
	case *btf.Const:
		return one(typ.Type, f.stage)
	case *btf.Volatile:
		return one(typ.Type, f.stage)
	case *btf.Restrict:
		return one(typ.Type, f.stage)
	case *btf.TypeTag:
		return one(typ.Type, f.stage)
	case *btf.Array:
		return one(typ.Type, whole)
	case *btf.Function:
		return one(typ.Type, declared)
	case *btf.Var:
		return one(typ.Type, declared)
	case *btf.Typedef:
		if f.stage == whole && f.next == 0 {
			return f.id, declared, true
		}
		return typ.Type, f.stage, f.next == int(f.stage)
	case *btf.Struct:
		if f.stage == whole && f.next < len(typ.Members) {
			return typ.Members[f.next].Type, whole, true
		}
	case *btf.FuncProto:
		if f.next == 0 {
			return typ.Return, declared, true
		}
		if f.next <= len(typ.Params) {
			return typ.Params[f.next-1].Type, declared, true
		}
	}
	return 0, 0, false
}
