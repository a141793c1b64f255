// Package tx is the transaction over collections that a plugin edits: clones of the operator's
// objects and what the plugin adds, with a log of every edit. It knows bounds and names, but
// neither guests nor policies: who may edit what is asked before.
package tx

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
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

	budget  *budget.Account   // of the plugin
	counted map[any]int       // what is held in it, by *Object, *spec.Program, *spec.Map, or t itself for the rest
	names   map[string]string // that instructions of the plugin refer to
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
	MaxLog      = 96 << 20 // bytes of edits and notes
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

// New begins a transaction of a plugin on clones of the inputs. What the plugin makes of them counts
// in the account, beyond what they hold themselves; nil counts nothing.
func New(owner string, inputs []Input, account *budget.Account) *Transaction {
	t := &Transaction{owner: owner, budget: account, counted: map[any]int{}, names: map[string]string{}}
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
		return nil, budget.TooMany("objects of the plan", len(t.Objects)+1, MaxObjects, "")
	}
	o := newObject(name, c)
	o.tx = t
	if err := t.takeAll(o); err != nil {
		return nil, err
	}
	t.Objects = append(t.Objects, o)
	return o, t.Log(plan.Edit{Object: name, Kind: "object", Name: name, What: "add"})
}

// RemoveObject leaves an object out of the plan.
func (t *Transaction) RemoveObject(o *Object) error {
	t.Objects = slices.DeleteFunc(t.Objects, func(have *Object) bool { return have == o })
	if o.Before != nil {
		t.Removed = append(t.Removed, o)
	} else {
		t.dropAll(o)
	}
	return t.Log(plan.Edit{Object: o.Name, Kind: "object", Name: o.Name, What: "remove"})
}

// AddProgram adds a program to an object.
func (t *Transaction) AddProgram(o *Object, p *spec.Program) (ProgramRef, error) {
	if err := t.take(p, programCost(p)); err != nil {
		return ProgramRef{}, err
	}
	if err := o.addProgram(p); err != nil {
		t.drop(p)
		return ProgramRef{}, err
	}
	return ProgramRef{o, p}, t.Log(plan.Edit{Object: o.Name, Kind: "program", Name: p.Name, What: "add"})
}

// AddMap adds a map to an object.
func (t *Transaction) AddMap(o *Object, m *spec.Map) (MapRef, error) {
	if err := t.take(m, mapCost(m)); err != nil {
		return MapRef{}, err
	}
	if err := o.addMap(m); err != nil {
		t.drop(m)
		return MapRef{}, err
	}
	return MapRef{o, m}, t.Log(plan.Edit{Object: o.Name, Kind: "map", Name: m.Name, What: "add"})
}

// CloneProgram copies a program under a new name. Its attachments are not copied.
func (t *Transaction) CloneProgram(r ProgramRef, name string) (ProgramRef, error) {
	if err := r.Object.mayAddProgram(name); err != nil {
		return ProgramRef{}, err
	}
	// The entry function has the program's name, and calls to it follow: the copy is renamed in a
	// collection of its own, beside nothing that it could clash with.
	alone := spec.Collection{Programs: []*spec.Program{r.Program.Clone()}}
	p := alone.Programs[0]
	if err := t.take(p, programCost(p)); err != nil {
		return ProgramRef{}, err
	}
	err := alone.RenameProgram(r.Program.Name, name)
	if err == nil {
		err = r.Object.addProgram(p)
	}
	if err != nil {
		t.drop(p)
		return ProgramRef{}, err
	}
	return ProgramRef{r.Object, p}, t.Log(plan.Edit{Object: r.Object.Name, Kind: "program", Name: name, What: "clone", Old: r.Program.Name})
}

// CloneMap copies a map under a new name.
func (t *Transaction) CloneMap(r MapRef, name string) (MapRef, error) {
	m := r.Map.Clone()
	m.Name = name
	if err := t.take(m, mapCost(m)); err != nil {
		return MapRef{}, err
	}
	if err := r.Object.addMap(m); err != nil {
		t.drop(m)
		return MapRef{}, err
	}
	return MapRef{r.Object, m}, t.Log(plan.Edit{Object: r.Object.Name, Kind: "map", Name: name, What: "clone", Old: r.Map.Name})
}

// RemoveProgram removes a program and its attachments.
func (t *Transaction) RemoveProgram(r ProgramRef) error {
	for _, a := range r.Attachments() {
		t.removeAttach(a)
	}
	t.drop(r.Program)
	r.Object.index.RemoveProgram(r.Program)
	delete(r.Object.labels, r.Program)
	return t.Log(plan.Edit{Object: r.Object.Name, Kind: "program", Name: r.Program.Name, What: "remove"})
}

// RemoveMap removes a map.
func (t *Transaction) RemoveMap(r MapRef) error {
	t.drop(r.Map)
	r.Object.index.RemoveMap(r.Map)
	return t.Log(plan.Edit{Object: r.Object.Name, Kind: "map", Name: r.Map.Name, What: "remove"})
}

// AddAttach plans an attachment of a program.
func (t *Transaction) AddAttach(r ProgramRef, kind spec.HookKind) (AttachRef, error) {
	if len(r.Object.Work.Attach) >= MaxAttach {
		return AttachRef{}, budget.TooMany("attachments of object "+r.Object.Name, len(r.Object.Work.Attach)+1, MaxAttach, "")
	}
	if err := t.take(r.Object, attachBytes); err != nil {
		return AttachRef{}, err
	}
	id := r.Object.addAttach(spec.Attach{Program: r.Program.Name, Kind: kind})
	return AttachRef{r.Object, id}, t.Log(plan.Edit{Object: r.Object.Name, Kind: "attach", Name: r.Program.Name, What: "add", New: kind.String()})
}

// RemoveAttach removes an attachment.
func (t *Transaction) RemoveAttach(r AttachRef) error {
	a := *r.Get()
	t.removeAttach(r)
	return t.Log(plan.Edit{Object: r.Object.Name, Kind: "attach", Name: a.Program, What: "remove", Old: plan.AttachText(a)})
}

func (t *Transaction) removeAttach(r AttachRef) {
	r.Object.removeAttach(r.ID)
	t.take(r.Object, -attachBytes)
}

// Log notes an edit. What is logged is bounded, since the guest decides how often it edits.
func (t *Transaction) Log(e plan.Edit) error {
	if err := t.logged(editCost(&e)); err != nil {
		return err
	}
	e.Owner = t.owner
	t.Edits = append(t.Edits, e)
	return nil
}

// Note adds a remark.
func (t *Transaction) Note(n plan.Note) error {
	if err := t.logged(noteBytes + len(n.Text)); err != nil {
		return err
	}
	t.Notes = append(t.Notes, n)
	return nil
}
