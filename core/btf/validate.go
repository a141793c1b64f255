package btf

import "fmt"

// Validate checks every type of the table, those of the base not included: all ids and strings
// exist, references are to kinds that make sense there, nothing contains itself by value, members
// lie inside their struct. It takes time and memory in proportion to the table and does not
// recurse. The error is a *FormatError for the first type that is wrong.
func (t *Types) Validate() error { return t.ValidateWhile(func() error { return nil }) }

// perCheck is how many types or records are looked at between two calls of a function that may end
// that.
const perCheck = 1 << 12

// ValidateWhile is [Types.Validate] for tables that may be so large that there is no time for them: it
// calls check again and again, and returns the error that this returns as it is.
func (t *Types) ValidateWhile(check func() error) error {
	t.dense()
	v := validator{t: t, kinds: make([]Kind, t.count), sizes: make([]uint32, t.count), state: make([]uint8, t.count)}
	for id, k := range t.Kinds() {
		v.kinds[id-t.first] = k
	}
	for id := t.first; int(id) < t.Len(); id++ {
		if id%perCheck == 0 {
			if err := check(); err != nil {
				return err
			}
		}
		off := t.offset(id)
		r, _ := t.sizedRecordAt(off)
		err := t.check(id, r)
		if err == nil {
			err = v.refs(r)
		}
		if err != nil {
			return t.fail(uint64(off), fmt.Errorf("type %d: %w", id, err))
		}
	}
	for id := t.first; int(id) < t.Len(); id++ {
		if id%perCheck == 0 {
			if err := check(); err != nil {
				return err
			}
		}
		if err := v.visit(id); err != nil {
			return err
		}
	}
	return nil
}

// dense indexes the offset of every type.
func (t *Types) dense() {
	if t.offsets.Load().shift == 0 {
		return
	}
	t.grow.Lock()
	defer t.grow.Unlock()
	t.indexOffsets()
}

// indexOffsets is dense for who holds the lock.
func (t *Types) indexOffsets() {
	if t.offsets.Load().shift == 0 {
		return
	}
	offsets := make([]uint32, t.count)
	t.headers(func(id ID, off, _, _ uint32) bool {
		offsets[id-t.first] = off
		return true
	})
	t.offsets.Store(&offsetIndex{offsets: offsets})
}

// validator finds cycles and sizes.
type validator struct {
	t     *Types
	kinds []Kind   // of each type
	sizes []uint32 // of each type that is done and has one
	state []uint8
	stack []frame
}

// The states of a type, and its reasons to have no size.
const (
	unseen uint8 = iota
	open         // on the stack
	sized
	noSize
	tooBig
)

// frame is a type whose contents are being looked at.
type frame struct {
	id   ID
	next uint32 // what it contains next
}

// kind returns the kind of a type of the table.
func (v *validator) kind(id ID) Kind {
	if id < v.t.first {
		return v.t.Kind(id)
	}
	return v.kinds[id-v.t.first]
}

// refs checks the kinds of what a type refers to. All ids are known to exist.
func (v *validator) refs(r record) error {
	t := v.t
	switch k := r.kind(); {
	case k == KindFunc:
		if to := v.kind(ID(r.word)); to != KindFuncProto {
			return fmt.Errorf("func: %w: it refers to %v", ErrType, to)
		}
	case k == KindDeclTag:
		return v.declTag(r)
	case k.refers():
		if err := v.value(ID(r.word)); err != nil {
			return fmt.Errorf("%v: %w", k, err)
		}
	}
	switch k := r.kind(); k {
	case KindArray:
		return v.value(ID(t.word(r, 0)))
	case KindStruct, KindUnion:
		return v.values(r, 3)
	case KindFuncProto:
		return v.values(r, 2)
	case KindDatasec:
		for i := range r.vlen() {
			if to := v.kind(ID(t.word(r, 3*i))); to != KindVar && to != KindFunc {
				return fmt.Errorf("datasec: %w: it holds %v", ErrType, to)
			}
		}
	}
	return nil
}

// values checks the ids in the second words of all elements of a type.
func (v *validator) values(r record, step int) error {
	for i := range r.vlen() {
		if err := v.value(ID(v.t.word(r, step*i+1))); err != nil {
			return fmt.Errorf("%v: element %d: %w", r.kind(), i, err)
		}
	}
	return nil
}

// value refuses what is a declaration rather than a type.
func (v *validator) value(id ID) error {
	switch k := v.kind(id); k {
	case KindFunc, KindVar, KindDatasec, KindDeclTag:
		return fmt.Errorf("%w: it refers to %v", ErrType, k)
	}
	return nil
}

// declTag checks what a declaration tag is on, and that the component exists.
func (v *validator) declTag(r record) error {
	t, n := v.t, int32(v.t.word(r, 0))
	on := t.record(ID(r.word))
	components := 0
	switch k := on.kind(); k {
	case KindStruct, KindUnion:
		components = on.vlen()
	case KindFunc:
		components = t.record(ID(on.word)).vlen()
	case KindVar, KindTypedef:
	default:
		return fmt.Errorf("decl_tag: %w: it is on %v", ErrType, k)
	}
	if n < -1 || int(n) >= components {
		return fmt.Errorf("decl_tag: %w: component %d of %d", ErrType, n, components)
	}
	return nil
}

// visit checks what a type contains by value, with a stack of its own.
func (v *validator) visit(root ID) error {
	if v.done(root) {
		return nil
	}
	v.push(root)
	for len(v.stack) > 0 {
		f := &v.stack[len(v.stack)-1]
		r := v.t.record(f.id)
		part, ok := v.content(r, f.next)
		for f.next++; ok && v.done(part); f.next++ {
			part, ok = v.content(r, f.next)
		}
		switch {
		case !ok:
			if err := v.finish(f.id, r); err != nil {
				return v.fail(f.id, err)
			}
			v.stack = v.stack[:len(v.stack)-1]
		case v.state[part-v.t.first] == open:
			return v.fail(part, ErrCycle)
		default:
			v.push(part)
		}
	}
	return nil
}

// done reports whether all is known about a type. That of the base is.
func (v *validator) done(id ID) bool { return id < v.t.first || v.state[id-v.t.first] > open }

// push puts a type on the stack.
func (v *validator) push(id ID) {
	v.state[id-v.t.first] = open
	v.stack = append(v.stack, frame{id: id})
}

func (v *validator) fail(id ID, err error) error {
	return v.t.fail(uint64(v.t.offset(id)), fmt.Errorf("type %d: %w", id, err))
}

// content returns the nth type that a value of the type contains.
func (v *validator) content(r record, n uint32) (ID, bool) {
	switch k := r.kind(); {
	case k.Modifier() || k == KindVar:
		return ID(r.word), n == 0
	case k == KindArray && n == 0:
		return ID(v.t.word(r, 0)), true
	case k.Composite() && n < uint32(r.vlen()):
		return v.t.member(r, int(n)).typ, true
	case k == KindFuncProto && n == 0:
		return ID(r.word), true
	case k == KindFuncProto && n <= uint32(r.vlen()):
		return ID(v.t.word(r, int(2*n-1))), true
	}
	return 0, false
}

// finish finds the size of a type whose contents have theirs, and checks that members are inside.
func (v *validator) finish(id ID, r record) error {
	size, state := uint64(r.word), sized
	switch k := r.kind(); {
	case k.Modifier() || k == KindVar:
		size, state = v.size(ID(r.word))
	case k == KindArray:
		size, state = v.size(ID(v.t.word(r, 0)))
		if size *= uint64(v.t.word(r, 2)); size > 1<<32-1 {
			state = tooBig
		}
	case k == KindPointer:
		size = pointerSize
	case k.Composite():
		if err := v.members(r); err != nil {
			return err
		}
	case k == KindFwd || k == KindFunc || k == KindFuncProto || k == KindDeclTag || k > lastKind:
		state = noSize
	}
	v.sizes[id-v.t.first], v.state[id-v.t.first] = uint32(size), state
	return nil
}

// size returns the size of a type that is done.
func (v *validator) size(id ID) (uint64, uint8) {
	if id >= v.t.first {
		return uint64(v.sizes[id-v.t.first]), v.state[id-v.t.first]
	}
	n, err := v.t.size(id)
	if err != nil {
		return 0, noSize
	}
	return uint64(n), sized
}

// members checks that members with a size end where their struct does, or before.
func (v *validator) members(r record) error {
	for i := range r.vlen() {
		m := v.t.member(r, i)
		size, state := v.size(m.typ)
		if state != sized && v.t.isVoid(m.typ) {
			continue // see Untyped
		}
		if state != sized {
			return fmt.Errorf("%v: member %d: %w", r.kind(), i, ErrNoSize)
		}
		width, shift := m.bits, uint32(0)
		if k := v.kind(m.typ); width == 0 && (k == KindInt || k.Modifier()) {
			width, shift = v.t.bitField(m)
		}
		end := uint64(m.offset) + uint64(shift) + uint64(width)
		if width == 0 {
			end = uint64(m.offset) + size*8
		}
		if width > 0 && uint64(width) > size*8 || end > uint64(r.word)*8 {
			return fmt.Errorf("%v: member %d: %w: it ends at bit %d of %d", r.kind(), i, ErrType, end, uint64(r.word)*8)
		}
	}
	return nil
}
