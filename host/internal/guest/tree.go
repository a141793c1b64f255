package guest

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/tx"
)

// treeCalls are the functions of the group tree.
type treeCalls struct{ *state }

// children is what a handle has of one kind.
type children struct {
	n    int
	at   func(i int) any
	find func(name string) any // nil where there is none; the function is nil for kinds without names
}

// children lists what the object of a handle has of one kind; an error says that it has none such.
func (x treeCalls) children(h uint32, k abi.Kind) (children, error) {
	obj, err := x.handles.any(h)
	if err != nil {
		return children{}, err
	}
	none := failf(abi.ErrKind, "a %s has no children of kind %s", handle(h).kind(), k)
	switch obj := obj.(type) {
	case pluginRef:
		return x.pluginChildren(k, none)
	case *tx.Object:
		return objectChildren(obj, k, none)
	case tx.ProgramRef:
		if k == abi.KindAttach {
			list := obj.Attachments()
			return children{n: len(list), at: func(i int) any { return list[i] }}, nil
		}
	}
	return children{}, none
}

func (x treeCalls) pluginChildren(k abi.Kind, none error) (children, error) {
	if c, ok := x.declared.children(k); ok {
		return c, nil
	}
	if k != abi.KindObject {
		return children{}, none
	}
	if x.tx == nil {
		return children{}, failf(abi.ErrPhase, "objects are there while planning only")
	}
	os := x.tx.Objects
	return among(len(os), func(i int) any { return os[i] }, func(i int) string { return os[i].Name }), nil
}

func objectChildren(o *tx.Object, k abi.Kind, none error) (children, error) {
	c := o.Work
	switch k {
	case abi.KindProgram:
		ref := func(p *spec.Program) any { return tx.ProgramRef{Object: o, Program: p} }
		return children{len(c.Programs), func(i int) any { return ref(c.Programs[i]) }, found(o.Program, ref)}, nil
	case abi.KindMap:
		ref := func(m *spec.Map) any { return tx.MapRef{Object: o, Map: m} }
		return children{len(c.Maps), func(i int) any { return ref(c.Maps[i]) }, found(o.Map, ref)}, nil
	case abi.KindVar:
		ref := func(v *spec.Var) any { return tx.VarRef{Object: o, Var: v} }
		return children{len(c.Vars), func(i int) any { return ref(c.Vars[i]) }, found(o.Var, ref)}, nil
	case abi.KindAttach:
		return children{n: len(c.Attach), at: func(i int) any { return o.Attachment(i) }}, nil
	}
	return children{}, none
}

// found returns a search by name of what a reference is made of.
func found[T any](find func(string) *T, ref func(*T) any) func(string) any {
	return func(name string) any {
		if v := find(name); v != nil {
			return ref(v)
		}
		return nil
	}
}

// among returns a search by name among n children.
func among(n int, at func(int) any, name func(int) string) children {
	return children{n, at, func(wanted string) any {
		for i := range n {
			if name(i) == wanted {
				return at(i)
			}
		}
		return nil
	}}
}

// Count says how many children of a kind there are.
func (x treeCalls) Count(h uint32, kind abi.Kind) int32 {
	c, err := x.children(h, kind)
	return x.reply(abi.FuncCount, c.n, err)
}

// At returns a child by its index.
func (x treeCalls) At(h uint32, kind abi.Kind, i uint32) int32 {
	c, err := x.children(h, kind)
	if err != nil {
		return x.reply(abi.FuncAt, 0, err)
	}
	if uint64(i) >= uint64(c.n) {
		return x.reply(abi.FuncAt, 0, failf(abi.ErrRange, "there are %d, the last at place %d; %d was asked for", c.n, c.n-1, i))
	}
	return x.replyHandle(abi.FuncAt, kind, c.at(int(i)), nil)
}

// Find returns a child by its name.
func (x treeCalls) Find(h uint32, kind abi.Kind, name []byte) int32 {
	c, err := x.children(h, kind)
	if err != nil {
		return x.reply(abi.FuncFind, 0, err)
	}
	if c.find == nil {
		return x.reply(abi.FuncFind, 0, failf(abi.ErrKind, "a %s has no name; use at", kind))
	}
	if v := c.find(string(name)); v != nil {
		return x.replyHandle(abi.FuncFind, kind, v, nil)
	}
	return x.reply(abi.FuncFind, 0, failf(abi.ErrNoent, "there is no %s %q", kind, name))
}

// ObjectOpen opens an object that the operator named, or one added before.
func (x treeCalls) ObjectOpen(name []byte) int32 {
	o := x.tx.Find(string(name))
	if o == nil {
		return x.reply(abi.FuncObjectOpen, 0, failf(abi.ErrNoent, "there is no object %q; the operator names objects with --object", name))
	}
	return x.replyHandle(abi.FuncObjectOpen, abi.KindObject, o, nil)
}

// ObjectNew adds an empty object.
func (x treeCalls) ObjectNew(name []byte) int32 {
	o, err := x.tx.AddObject(string(name), &spec.Collection{Order: hostOrder()})
	return x.replyHandle(abi.FuncObjectNew, abi.KindObject, o, err)
}

// hostOrder is the byte order of what is built from nothing: that of the machine it is for.
func hostOrder() asm.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return asm.LittleEndian
	}
	return asm.BigEndian
}

// What a byte of an ELF file holds, in bytes: while it is read, and afterwards apart from programs and maps.
const (
	elfBytes = 8
	elfHeld  = 2
)

// ObjectFromBytes adds an object read from an ELF file in guest memory.
func (x treeCalls) ObjectFromBytes(name, file []byte) int32 {
	var o *tx.Object
	err := x.during(len(file)*elfBytes, func() error {
		how := x.declared.objectOptions(x.limits.ObjectData)
		how.Check = x.expired
		c, err := elf.LoadBytes(file, how)
		if err == nil {
			o, err = x.tx.AddObject(string(name), c)
		}
		return err
	})
	if err == nil {
		err = x.memory.Take(len(file) * elfHeld)
	}
	return x.replyHandle(abi.FuncObjectFromBytes, abi.KindObject, o, err)
}

// Add adds a child: a parameter or request to the plugin, a program or map to an object.
func (x treeCalls) Add(h uint32, k abi.Kind, name []byte) int32 {
	obj, err := x.handles.any(h)
	if err != nil {
		return x.reply(abi.FuncAdd, 0, err)
	}
	var child any
	switch obj := obj.(type) {
	case pluginRef:
		child, err = x.declare(k, string(name))
	case *tx.Object:
		child, err = x.addTo(obj, k, string(name))
	default:
		err = failf(abi.ErrKind, "nothing can be added to a %s with add", handle(h).kind())
	}
	return x.replyHandle(abi.FuncAdd, k, child, err)
}

// declare adds a parameter, request or section to the plugin.
func (x treeCalls) declare(k abi.Kind, name string) (any, error) {
	if x.phase != abi.PhaseDescribe {
		return nil, failf(abi.ErrPhase, "a %s is declared in bpfhost_describe", k)
	}
	return x.declared.add(k, name)
}

// undeclare takes a declaration back.
func (x treeCalls) undeclare(obj any) error {
	if x.phase != abi.PhaseDescribe {
		return failf(abi.ErrPhase, "declarations are fixed after bpfhost_describe")
	}
	x.declared.remove(obj)
	x.handles.drop(obj)
	return nil
}

// addTo adds an empty program or map to an object.
func (x treeCalls) addTo(o *tx.Object, k abi.Kind, name string) (any, error) {
	if err := x.mayAdd(o, k, name); err != nil {
		return nil, err
	}
	if k == abi.KindProgram {
		return x.tx.AddProgram(o, &spec.Program{Name: name})
	}
	return x.tx.AddMap(o, &spec.Map{Name: name})
}

// mayAdd checks what adding a program or map to an object depends on.
func (x treeCalls) mayAdd(o *tx.Object, k abi.Kind, name string) error {
	if k != abi.KindProgram && k != abi.KindMap {
		return failf(abi.ErrKind, "a %s cannot be added to an object", k)
	}
	if name == "" {
		return failf(abi.ErrInval, "a %s needs a name", k)
	}
	return x.mayEdit(o)
}

// Clone copies a program or map under a new name.
func (x treeCalls) Clone(h uint32, name []byte) int32 {
	obj, err := x.handles.any(h)
	if err != nil {
		return x.reply(abi.FuncClone, 0, err)
	}
	n := string(name)
	switch obj := obj.(type) {
	case tx.ProgramRef:
		copied, err := x.cloneProgram(obj, n)
		return x.replyHandle(abi.FuncClone, abi.KindProgram, copied, err)
	case tx.MapRef:
		copied, err := x.cloneMap(obj, n)
		return x.replyHandle(abi.FuncClone, abi.KindMap, copied, err)
	}
	return x.reply(abi.FuncClone, 0, failf(abi.ErrKind, "a %s cannot be cloned", handle(h).kind()))
}

func (x treeCalls) cloneProgram(r tx.ProgramRef, name string) (any, error) {
	if err := x.mayAdd(r.Object, abi.KindProgram, name); err != nil {
		return nil, err
	}
	return x.tx.CloneProgram(r, name)
}

func (x treeCalls) cloneMap(r tx.MapRef, name string) (any, error) {
	if err := x.mayAdd(r.Object, abi.KindMap, name); err != nil {
		return nil, err
	}
	return x.tx.CloneMap(r, name)
}

// Remove removes what the handle names.
func (x treeCalls) Remove(h uint32) int32 {
	obj, err := x.handles.any(h)
	if err != nil {
		return x.reply(abi.FuncRemove, 0, err)
	}
	return x.reply(abi.FuncRemove, 0, x.remove(h, obj))
}

func (x treeCalls) remove(h uint32, obj any) error {
	switch obj := obj.(type) {
	case *declaredParam, *declaredRequest, *declaredSection:
		return x.undeclare(obj)
	case *tx.Object:
		return x.removeObject(obj)
	case tx.ProgramRef:
		return x.removeProgram(obj)
	case tx.MapRef:
		return x.removeMap(obj)
	case tx.AttachRef:
		return x.removeAttach(obj)
	}
	return failf(abi.ErrKind, "a %s cannot be removed", handle(h).kind())
}

func (x treeCalls) removeObject(o *tx.Object) error {
	if err := x.mayEdit(o); err != nil {
		return err
	}
	x.handles.each(func(obj any) {
		if tx.ObjectOf(obj) == o {
			x.handles.drop(obj)
		}
	})
	return x.tx.RemoveObject(o)
}

func (x treeCalls) removeProgram(r tx.ProgramRef) error {
	if err := x.mayEdit(r.Object); err != nil {
		return err
	}
	for _, a := range r.Attachments() {
		x.handles.drop(a)
	}
	x.handles.drop(r)
	return x.tx.RemoveProgram(r)
}

func (x treeCalls) removeMap(r tx.MapRef) error {
	if err := x.mayEdit(r.Object); err != nil {
		return err
	}
	x.handles.drop(r)
	return x.tx.RemoveMap(r)
}

func (x treeCalls) removeAttach(r tx.AttachRef) error {
	x.handles.drop(r)
	return x.tx.RemoveAttach(r)
}
