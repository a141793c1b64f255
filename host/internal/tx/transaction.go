// Package tx is the transaction over collections that a plugin edits: clones of the operator's
// objects and what the plugin adds, with a log of every edit. It knows bounds and names, but
// neither guests nor policies: who may edit what is asked before.
package tx

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/plan"
)

// Transaction is that of one plan. It becomes the plan when bpfhost_plan succeeds and the result
// passes its checks; otherwise it is dropped and nothing has happened.
type Transaction struct {
	Objects []*Object // the operator's first
	Removed []*Object // of the operator's
	Edits   []plan.Edit
	Notes   []plan.Note

	owner string // name of the plugin
	bytes int    // of edits and notes, which are bounded

	held, maxHeld int // bytes that the plugin's objects hold
}

// Input is one object of the operator, read and not to be changed.
type Input struct {
	Name, Source string
	SHA256       string // of the file, in hex
	Collection   *spec.Collection
}

// Bounds of one transaction that no policy raises.
const (
	MaxObjects  = 64
	MaxPrograms = 4096     // in one object
	MaxMaps     = 4096     // in one object
	MaxAttach   = 4096     // in one object
	MaxInsns    = 1 << 20  // in one program; the kernel takes a million
	MaxLog      = 32 << 20 // bytes of edits and notes
	MaxMapData  = 64 << 20 // bytes of initial data of one map
)

// Error says why an edit is refused. It wraps its code.
type Error struct {
	Code abi.Errno
	Text string
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Unwrap returns the code.
func (e *Error) Unwrap() error { return e.Code }

func failf(code abi.Errno, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// New begins a transaction of a plugin on clones of the inputs.
func New(owner string, inputs []Input) *Transaction {
	t := &Transaction{owner: owner, maxHeld: MaxMemory}
	for _, in := range inputs {
		o := newObject(in.Name, in.Collection.Clone())
		o.tx = t
		o.Source, o.SHA256, o.Before = in.Source, in.SHA256, in.Collection
		t.Objects = append(t.Objects, o)
	}
	return t
}

// Find returns an object by its name, the first for an empty one, or nil.
func (t *Transaction) Find(name string) *Object {
	if name == "" && len(t.Objects) > 0 {
		return t.Objects[0]
	}
	i := slices.IndexFunc(t.Objects, func(o *Object) bool { return o.Name == name })
	if i < 0 {
		return nil
	}
	return t.Objects[i]
}

// AddObject takes a new object into the transaction.
func (t *Transaction) AddObject(name string, c *spec.Collection) (*Object, error) {
	if name == "" {
		return nil, failf(abi.ErrInval, "an object needs a name")
	}
	if t.Find(name) != nil {
		return nil, failf(abi.ErrExist, "an object %q exists already", name)
	}
	if len(t.Objects) >= MaxObjects {
		return nil, failf(abi.ErrLimit, "a plan has at most %d objects", MaxObjects)
	}
	if err := t.hold(collectionBytes(c)); err != nil {
		return nil, err
	}
	o := newObject(name, c)
	o.tx = t
	t.Objects = append(t.Objects, o)
	return o, t.Log(plan.Edit{Object: name, Kind: "object", Name: name, What: "add"})
}

// RemoveObject leaves an object out of the plan.
func (t *Transaction) RemoveObject(o *Object) error {
	t.Objects = slices.DeleteFunc(t.Objects, func(have *Object) bool { return have == o })
	if o.Before != nil {
		t.Removed = append(t.Removed, o)
	} else {
		t.hold(-collectionBytes(o.Work))
	}
	return t.Log(plan.Edit{Object: o.Name, Kind: "object", Name: o.Name, What: "remove"})
}

// AddProgram adds a program to an object.
func (t *Transaction) AddProgram(o *Object, p *spec.Program) (ProgramRef, error) {
	if err := t.hold(programBytes(p)); err != nil {
		return ProgramRef{}, err
	}
	if err := o.addProgram(p); err != nil {
		t.hold(-programBytes(p))
		return ProgramRef{}, err
	}
	return ProgramRef{o, p}, t.Log(plan.Edit{Object: o.Name, Kind: "program", Name: p.Name, What: "add"})
}

// AddMap adds a map to an object.
func (t *Transaction) AddMap(o *Object, m *spec.Map) (MapRef, error) {
	if err := t.hold(mapBytes(m)); err != nil {
		return MapRef{}, err
	}
	if err := o.addMap(m); err != nil {
		t.hold(-mapBytes(m))
		return MapRef{}, err
	}
	return MapRef{o, m}, t.Log(plan.Edit{Object: o.Name, Kind: "map", Name: m.Name, What: "add"})
}

// CloneProgram copies a program under a new name. Its attachments are not copied.
func (t *Transaction) CloneProgram(r ProgramRef, name string) (ProgramRef, error) {
	if err := r.Object.mayAddProgram(name); err != nil {
		return ProgramRef{}, err
	}
	if err := t.hold(programBytes(r.Program)); err != nil {
		return ProgramRef{}, err
	}
	// The entry function has the program's name, and calls to it follow: the copy is renamed in a
	// collection of its own, beside nothing that it could clash with.
	alone := spec.Collection{Programs: []*spec.Program{r.Program.Clone()}}
	if err := alone.RenameProgram(r.Program.Name, name); err != nil {
		return ProgramRef{}, err
	}
	p := alone.Programs[0]
	if err := r.Object.addProgram(p); err != nil {
		return ProgramRef{}, err
	}
	return ProgramRef{r.Object, p}, t.Log(plan.Edit{Object: r.Object.Name, Kind: "program", Name: name, What: "clone", Old: r.Program.Name})
}

// CloneMap copies a map under a new name.
func (t *Transaction) CloneMap(r MapRef, name string) (MapRef, error) {
	if err := t.hold(mapBytes(r.Map)); err != nil {
		return MapRef{}, err
	}
	m := r.Map.Clone()
	m.Name = name
	if err := r.Object.addMap(m); err != nil {
		t.hold(-mapBytes(r.Map))
		return MapRef{}, err
	}
	return MapRef{r.Object, m}, t.Log(plan.Edit{Object: r.Object.Name, Kind: "map", Name: name, What: "clone", Old: r.Map.Name})
}

// RemoveProgram removes a program and its attachments.
func (t *Transaction) RemoveProgram(r ProgramRef) error {
	for _, a := range r.Attachments() {
		r.Object.removeAttach(a.ID)
	}
	c := r.Object.Work
	t.hold(-programBytes(r.Program))
	c.Programs = slices.DeleteFunc(c.Programs, func(p *spec.Program) bool { return p == r.Program })
	return t.Log(plan.Edit{Object: r.Object.Name, Kind: "program", Name: r.Program.Name, What: "remove"})
}

// RemoveMap removes a map.
func (t *Transaction) RemoveMap(r MapRef) error {
	c := r.Object.Work
	t.hold(-mapBytes(r.Map))
	c.Maps = slices.DeleteFunc(c.Maps, func(m *spec.Map) bool { return m == r.Map })
	return t.Log(plan.Edit{Object: r.Object.Name, Kind: "map", Name: r.Map.Name, What: "remove"})
}

// AddAttach plans an attachment of a program.
func (t *Transaction) AddAttach(r ProgramRef, kind spec.HookKind) (AttachRef, error) {
	if len(r.Object.Work.Attach) >= MaxAttach {
		return AttachRef{}, failf(abi.ErrLimit, "an object has at most %d attachments", MaxAttach)
	}
	id := r.Object.addAttach(spec.Attach{Program: r.Program.Name, Kind: kind})
	return AttachRef{r.Object, id}, t.Log(plan.Edit{Object: r.Object.Name, Kind: "attach", Name: r.Program.Name, What: "add", New: kind.String()})
}

// RemoveAttach removes an attachment.
func (t *Transaction) RemoveAttach(r AttachRef) error {
	a := *r.Get()
	r.Object.removeAttach(r.ID)
	return t.Log(plan.Edit{Object: r.Object.Name, Kind: "attach", Name: a.Program, What: "remove", Old: plan.AttachText(a)})
}

// Log notes an edit. What is logged is bounded, since the guest decides how often it edits.
func (t *Transaction) Log(e plan.Edit) error {
	n := len(e.Object) + len(e.Name) + len(e.Old) + len(e.New) + 64
	if t.bytes += n; t.bytes > MaxLog {
		return failf(abi.ErrLimit, "the edits of one plan take more than %d bytes", MaxLog)
	}
	e.Owner = t.owner
	t.Edits = append(t.Edits, e)
	return nil
}

// Note adds a remark.
func (t *Transaction) Note(n plan.Note) error {
	if t.bytes += len(n.Text) + 64; t.bytes > MaxLog {
		return failf(abi.ErrLimit, "the notes and edits of one plan take more than %d bytes", MaxLog)
	}
	t.Notes = append(t.Notes, n)
	return nil
}
