package tx

import (
	"slices"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/plan"
)

// Object is one collection in the transaction.
type Object struct {
	Name   string
	Source string           // file name of the operator's object; empty if the plugin added it
	SHA256 string           // of that file, in hex
	Before *spec.Collection // as the operator passed it; nil if the plugin added it
	Work   *spec.Collection // as it is edited

	Evaluated bool  // Decision is known
	Decision  error // why the plugin may not edit it; nil if it may

	index     *spec.Index // of Work; all that changes names in it, or references to them, is here
	attachIDs []uint32    // beside Work.Attach, whose entries have no names: what handles point to; ascending
	lastID    uint32
	labels    map[*spec.Program]*labels // of programs that were edited; see labelsOf

	tx *Transaction // that the object is in; nil counts nothing
}

// Handles name what is in an object by these values, which stay the same while it exists.
type (
	// ProgramRef names a program.
	ProgramRef struct {
		Object  *Object
		Program *spec.Program
	}
	// MapRef names a map.
	MapRef struct {
		Object *Object
		Map    *spec.Map
	}
	// VarRef names a variable.
	VarRef struct {
		Object *Object
		Var    *spec.Var
	}
	// AttachRef names an attachment.
	AttachRef struct {
		Object *Object
		ID     uint32
	}
)

// ObjectOf returns the object that a value for handles belongs to, or nil.
func ObjectOf(v any) *Object {
	switch v := v.(type) {
	case *Object:
		return v
	case ProgramRef:
		return v.Object
	case MapRef:
		return v.Object
	case VarRef:
		return v.Object
	case AttachRef:
		return v.Object
	}
	return nil
}

// EditOf begins the log entry of an edit of what v, a value for handles, names: which it is.
func EditOf(v any) plan.Edit {
	switch v := v.(type) {
	case *Object:
		return plan.Edit{Object: v.Name, Kind: "object", Name: v.Name}
	case ProgramRef:
		return plan.Edit{Object: v.Object.Name, Kind: "program", Name: v.Program.Name}
	case MapRef:
		return plan.Edit{Object: v.Object.Name, Kind: "map", Name: v.Map.Name}
	case VarRef:
		return plan.Edit{Object: v.Object.Name, Kind: "var", Name: v.Var.Name}
	case AttachRef:
		return plan.Edit{Object: v.Object.Name, Kind: "attach", Name: v.Get().Program}
	}
	return plan.Edit{}
}

func newObject(name string, c *spec.Collection) *Object {
	o := &Object{Name: name, Work: c, index: spec.NewIndex(c)}
	for range c.Attach {
		o.attachIDs = append(o.attachIDs, o.nextID())
	}
	return o
}

// Program returns the program of that name, or nil.
func (o *Object) Program(name string) *spec.Program { return o.index.Program(name) }

// Map returns the map of that name, or nil.
func (o *Object) Map(name string) *spec.Map { return o.index.Map(name) }

// Var returns the variable of that name, or nil.
func (o *Object) Var(name string) *spec.Var { return o.index.Var(name) }

// Attachment returns the attachment at index i of Work.Attach.
func (o *Object) Attachment(i int) AttachRef { return AttachRef{o, o.attachIDs[i]} }

// Attachments returns the attachments of the program.
func (r ProgramRef) Attachments() []AttachRef {
	var list []AttachRef
	for i, a := range r.Object.Work.Attach {
		if a.Program == r.Program.Name {
			list = append(list, AttachRef{r.Object, r.Object.attachIDs[i]})
		}
	}
	return list
}

// Get returns the attachment, nil if it was removed. The pointer is good until attachments are
// added or removed.
func (r AttachRef) Get() *spec.Attach {
	i, ok := slices.BinarySearch(r.Object.attachIDs, r.ID)
	if !ok {
		return nil
	}
	return &r.Object.Work.Attach[i]
}

// mayAddProgram checks name and bound.
func (o *Object) mayAddProgram(name string) error {
	switch {
	case o.Program(name) != nil:
		return failf(abi.ErrExist, "object %s has a program %q already", o.Name, name)
	case len(o.Work.Programs) >= MaxPrograms:
		return budget.TooMany("programs of object "+o.Name, len(o.Work.Programs)+1, MaxPrograms, "")
	}
	return nil
}

func (o *Object) addProgram(p *spec.Program) error {
	if err := o.mayAddProgram(p.Name); err != nil {
		return err
	}
	o.index.AddProgram(p)
	return nil
}

func (o *Object) addMap(m *spec.Map) error {
	switch {
	case o.Map(m.Name) != nil:
		return failf(abi.ErrExist, "object %s has a map %q already", o.Name, m.Name)
	case len(o.Work.Maps) >= MaxMaps:
		return budget.TooMany("maps of object "+o.Name, len(o.Work.Maps)+1, MaxMaps, "")
	}
	o.index.AddMap(m)
	return nil
}

func (o *Object) nextID() uint32 {
	o.lastID++
	return o.lastID
}

func (o *Object) addAttach(a spec.Attach) uint32 {
	id := o.nextID()
	o.index.AddAttach(a)
	o.attachIDs = append(o.attachIDs, id)
	return id
}

func (o *Object) removeAttach(id uint32) {
	if i, ok := slices.BinarySearch(o.attachIDs, id); ok {
		o.Work.Attach = slices.Delete(o.Work.Attach, i, i+1)
		o.attachIDs = slices.Delete(o.attachIDs, i, i+1)
	}
}
