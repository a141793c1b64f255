package host

import (
	"encoding/binary"
	"slices"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/plan"
)

// children is what a handle has of one kind.
type children struct {
	n    int
	at   func(i int) any
	name func(i int) string // nil: without names
}

// children lists what the object behind a handle has of one kind, or says that it has none such.
func (x *instance) children(h uint32, k abi.Kind) (children, error) {
	obj, err := x.handles.any(h)
	if err != nil {
		return children{}, err
	}
	none := failf(abi.ErrKind, "a %s has no children of kind %s", handle(h).kind(), k)
	switch obj := obj.(type) {
	case pluginRef:
		return x.pluginChildren(k, none)
	case *object:
		return obj.children(k, none)
	case progRef:
		if k == abi.KindAttach {
			ids := obj.o.attachesOf(obj.p.Name)
			return children{n: len(ids), at: func(i int) any { return attRef{obj.o, ids[i]} }}, nil
		}
	}
	return children{}, none
}

func (x *instance) pluginChildren(k abi.Kind, none error) (children, error) {
	switch k {
	case abi.KindParam:
		return children{len(x.params), func(i int) any { return x.params[i] }, func(i int) string { return x.params[i].Name }}, nil
	case abi.KindRequest:
		return children{len(x.requests), func(i int) any { return x.requests[i] }, func(i int) string { return x.requests[i].text }}, nil
	case abi.KindSection:
		return children{len(x.sections), func(i int) any { return x.sections[i] }, func(i int) string { return x.sections[i].Pattern }}, nil
	case abi.KindObject:
		if x.overlay == nil {
			return children{}, failf(abi.ErrPhase, "objects are there while planning only")
		}
		os := x.overlay.objects
		return children{len(os), func(i int) any { return os[i] }, func(i int) string { return os[i].name }}, nil
	}
	return children{}, none
}

func (o *object) children(k abi.Kind, none error) (children, error) {
	c := o.work
	switch k {
	case abi.KindProgram:
		return children{len(c.Programs), func(i int) any { return progRef{o, c.Programs[i]} }, func(i int) string { return c.Programs[i].Name }}, nil
	case abi.KindMap:
		return children{len(c.Maps), func(i int) any { return mapRef{o, c.Maps[i]} }, func(i int) string { return c.Maps[i].Name }}, nil
	case abi.KindVar:
		return children{len(c.Vars), func(i int) any { return varRef{o, c.Vars[i]} }, func(i int) string { return c.Vars[i].Name }}, nil
	case abi.KindAttach:
		return children{n: len(o.attIDs), at: func(i int) any { return attRef{o, o.attIDs[i]} }}, nil
	}
	return children{}, none
}

// Count says how many children of a kind there are.
func (x *instance) Count(h uint32, kind abi.Kind) int32 {
	c, err := x.children(h, kind)
	return x.reply(abi.FuncCount, c.n, err)
}

// At gives a child by its place.
func (x *instance) At(h uint32, kind abi.Kind, i uint32) int32 {
	c, err := x.children(h, kind)
	if err != nil {
		return x.reply(abi.FuncAt, 0, err)
	}
	if uint64(i) >= uint64(c.n) {
		return x.reply(abi.FuncAt, 0, failf(abi.ErrRange, "there are %d, the last at place %d; %d was asked for", c.n, c.n-1, i))
	}
	return x.replyHandle(abi.FuncAt, kind, c.at(int(i)), nil)
}

// Find gives a child by its name.
func (x *instance) Find(h uint32, kind abi.Kind, name []byte) int32 {
	c, err := x.children(h, kind)
	if err != nil {
		return x.reply(abi.FuncFind, 0, err)
	}
	if c.name == nil {
		return x.reply(abi.FuncFind, 0, failf(abi.ErrKind, "a %s has no name; use at", kind))
	}
	for i := range c.n {
		if c.name(i) == string(name) {
			return x.replyHandle(abi.FuncFind, kind, c.at(i), nil)
		}
	}
	return x.reply(abi.FuncFind, 0, failf(abi.ErrNoent, "there is no %s %q", kind, name))
}

// replyHandle answers with the handle of an object.
func (x *instance) replyHandle(fn abi.FuncID, k abi.Kind, obj any, err error) int32 {
	if err != nil {
		return x.reply(fn, 0, err)
	}
	h, err := x.handles.open(k, obj)
	return x.reply(fn, int(h), err)
}

// ObjectOpen opens an object that the operator named, or one added before.
func (x *instance) ObjectOpen(name []byte) int32 {
	o := x.overlay.find(string(name))
	if o == nil {
		return x.reply(abi.FuncObjectOpen, 0, failf(abi.ErrNoent, "there is no object %q; the operator names objects with --object", name))
	}
	return x.replyHandle(abi.FuncObjectOpen, abi.KindObject, o, nil)
}

// ObjectNew adds an empty object.
func (x *instance) ObjectNew(name []byte) int32 {
	o, err := x.overlay.add(string(name), &spec.Collection{Order: hostOrder()})
	return x.replyHandle(abi.FuncObjectNew, abi.KindObject, o, err)
}

// hostOrder is the byte order of what is built from nothing: that of the machine it is for.
func hostOrder() asm.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return asm.LittleEndian
	}
	return asm.BigEndian
}

// ObjectFromBytes adds an object read from an ELF file in guest memory.
func (x *instance) ObjectFromBytes(name, file []byte) int32 {
	c, err := elf.LoadBytes(file, x.objectOptions())
	if err != nil {
		return x.reply(abi.FuncObjectFromBytes, 0, err)
	}
	o, err := x.overlay.add(string(name), c)
	return x.replyHandle(abi.FuncObjectFromBytes, abi.KindObject, o, err)
}

// Add adds a child: a parameter or request to the plugin, a program or map to an object.
func (x *instance) Add(h uint32, k abi.Kind, name []byte) int32 {
	obj, err := x.handles.any(h)
	if err != nil {
		return x.reply(abi.FuncAdd, 0, err)
	}
	var child any
	switch obj := obj.(type) {
	case pluginRef:
		child, err = x.declare(k, string(name))
	case *object:
		child, err = x.addTo(obj, k, string(name))
	default:
		err = failf(abi.ErrKind, "nothing can be added to a %s with add", handle(h).kind())
	}
	return x.replyHandle(abi.FuncAdd, k, child, err)
}

// addTo adds an empty program or map to an object.
func (x *instance) addTo(o *object, k abi.Kind, name string) (any, error) {
	if err := x.mayAdd(o, k, name); err != nil {
		return nil, err
	}
	e := plan.Edit{Object: o.name, Kind: k.String(), Name: name, What: "add"}
	if k == abi.KindProgram {
		p := &spec.Program{Name: name}
		o.work.Programs = append(o.work.Programs, p)
		return progRef{o, p}, x.overlay.log(e)
	}
	m := &spec.Map{Name: name}
	o.work.Maps = append(o.work.Maps, m)
	return mapRef{o, m}, x.overlay.log(e)
}

// mayAdd checks what adding a program or map to an object depends on.
func (x *instance) mayAdd(o *object, k abi.Kind, name string) error {
	if k != abi.KindProgram && k != abi.KindMap {
		return failf(abi.ErrKind, "a %s cannot be added to an object", k)
	}
	if name == "" {
		return failf(abi.ErrInval, "a %s needs a name", k)
	}
	if err := x.mayEdit(o); err != nil {
		return err
	}
	c := o.work
	switch {
	case k == abi.KindProgram && c.Program(name) != nil, k == abi.KindMap && c.Map(name) != nil:
		return failf(abi.ErrExist, "object %s has a %s %q already", o.name, k, name)
	case k == abi.KindProgram && len(c.Programs) >= maxPrograms:
		return failf(abi.ErrLimit, "an object has at most %d programs", maxPrograms)
	case k == abi.KindMap && len(c.Maps) >= maxMaps:
		return failf(abi.ErrLimit, "an object has at most %d maps", maxMaps)
	}
	return nil
}

// mayEdit refuses edits of an object of the operator to a plugin that has no right to them. What the
// plugin added itself it may always edit. Attaching is no edit; policy evaluates it by itself.
func (x *instance) mayEdit(o *object) error {
	if o.before == nil {
		return nil
	}
	return x.rights.editObject(o)
}

// Clone copies a program or map under a new name.
func (x *instance) Clone(h uint32, name []byte) int32 {
	obj, err := x.handles.any(h)
	if err != nil {
		return x.reply(abi.FuncClone, 0, err)
	}
	n := string(name)
	switch obj := obj.(type) {
	case progRef:
		copied, err := x.cloneProgram(obj, n)
		return x.replyHandle(abi.FuncClone, abi.KindProgram, copied, err)
	case mapRef:
		copied, err := x.cloneMap(obj, n)
		return x.replyHandle(abi.FuncClone, abi.KindMap, copied, err)
	}
	return x.reply(abi.FuncClone, 0, failf(abi.ErrKind, "a %s cannot be cloned", handle(h).kind()))
}

func (x *instance) cloneProgram(r progRef, name string) (any, error) {
	if err := x.mayAdd(r.o, abi.KindProgram, name); err != nil {
		return nil, err
	}
	// The entry function has the program's name, and calls to it follow: the copy is renamed in a
	// collection of its own, beside nothing that it could clash with.
	alone := spec.Collection{Programs: []*spec.Program{r.p.Clone()}}
	if err := alone.RenameProgram(r.p.Name, name); err != nil {
		return nil, err
	}
	p := alone.Programs[0]
	r.o.work.Programs = append(r.o.work.Programs, p)
	return progRef{r.o, p}, x.overlay.log(plan.Edit{Object: r.o.name, Kind: "program", Name: name, What: "clone", Old: r.p.Name})
}

func (x *instance) cloneMap(r mapRef, name string) (any, error) {
	if err := x.mayAdd(r.o, abi.KindMap, name); err != nil {
		return nil, err
	}
	m := r.m.Clone()
	m.Name = name
	r.o.work.Maps = append(r.o.work.Maps, m)
	return mapRef{r.o, m}, x.overlay.log(plan.Edit{Object: r.o.name, Kind: "map", Name: name, What: "clone", Old: r.m.Name})
}

// Remove removes what the handle names.
func (x *instance) Remove(h uint32) int32 {
	obj, err := x.handles.any(h)
	if err != nil {
		return x.reply(abi.FuncRemove, 0, err)
	}
	return x.reply(abi.FuncRemove, 0, x.remove(h, obj))
}

func (x *instance) remove(h uint32, obj any) error {
	switch obj := obj.(type) {
	case *declaredParam, *declaredRequest, *declaredSection:
		return x.undeclare(obj)
	case *object:
		return x.removeObject(obj)
	case progRef:
		return x.removeProgram(obj)
	case mapRef:
		return x.removeMap(obj)
	case attRef:
		return x.removeAttach(obj)
	}
	return failf(abi.ErrKind, "a %s cannot be removed", handle(h).kind())
}

func (x *instance) removeObject(o *object) error {
	if err := x.mayEdit(o); err != nil {
		return err
	}
	x.overlay.objects = slices.DeleteFunc(x.overlay.objects, func(have *object) bool { return have == o })
	x.handles.each(func(obj any) {
		if objectOf(obj) == o {
			x.handles.drop(obj)
		}
	})
	if o.before != nil {
		x.overlay.removed = append(x.overlay.removed, o)
	}
	return x.overlay.log(plan.Edit{Object: o.name, Kind: "object", Name: o.name, What: "remove"})
}

// objectOf is the object that a handle's target belongs to, or nil.
func objectOf(obj any) *object {
	switch obj := obj.(type) {
	case *object:
		return obj
	case progRef:
		return obj.o
	case mapRef:
		return obj.o
	case varRef:
		return obj.o
	case attRef:
		return obj.o
	}
	return nil
}

func (x *instance) removeProgram(r progRef) error {
	if err := x.mayEdit(r.o); err != nil {
		return err
	}
	for _, id := range r.o.attachesOf(r.p.Name) {
		r.o.removeAttach(id)
		x.handles.drop(attRef{r.o, id})
	}
	c := r.o.work
	c.Programs = slices.DeleteFunc(c.Programs, func(p *spec.Program) bool { return p == r.p })
	x.handles.drop(r)
	return x.overlay.log(plan.Edit{Object: r.o.name, Kind: "program", Name: r.p.Name, What: "remove"})
}

func (x *instance) removeMap(r mapRef) error {
	if err := x.mayEdit(r.o); err != nil {
		return err
	}
	c := r.o.work
	c.Maps = slices.DeleteFunc(c.Maps, func(m *spec.Map) bool { return m == r.m })
	x.handles.drop(r)
	return x.overlay.log(plan.Edit{Object: r.o.name, Kind: "map", Name: r.m.Name, What: "remove"})
}

func (x *instance) removeAttach(r attRef) error {
	a := *r.o.attach(r.id)
	r.o.removeAttach(r.id)
	x.handles.drop(r)
	return x.overlay.log(plan.Edit{Object: r.o.name, Kind: "attach", Name: a.Program, What: "remove", Old: plan.AttachText(a)})
}
