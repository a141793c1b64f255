package host

import (
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/plan"
)

// overlay is the transaction of one plan: a clone of every object that the operator named, and the
// objects that the plugin adds. It becomes the plan when bpfhost_plan succeeds and the result passes
// its checks; otherwise it is dropped and nothing has happened.
type overlay struct {
	owner   string // name of the plugin
	objects []*object
	removed []*object // of the operator's
	edits   []plan.Edit
	notes   []plan.Note
	bytes   int // of edits and notes, which are bounded
}

// object is one collection in the transaction.
type object struct {
	name   string
	source string           // file name of the operator's object; empty if the plugin added it
	sha256 string           // of that file, in hex
	before *spec.Collection // as the operator gave it; nil if the plugin added it
	work   *spec.Collection
	attIDs []uint32 // beside work.Attach, whose entries have no names: what handles point to
	lastID uint32

	evaluated bool  // decision is known
	decision  error // why the plugin may not edit it; nil if it may
}

// Handles name objects by these values, which stay the same while the object exists.
type (
	progRef struct {
		o *object
		p *spec.Program
	}
	mapRef struct {
		o *object
		m *spec.Map
	}
	varRef struct {
		o *object
		v *spec.Var
	}
	attRef struct {
		o  *object
		id uint32
	}
)

// input is one object of the operator, read and not to be changed.
type input struct {
	name, source string
	sha256       string // of the file, in hex
	c            *spec.Collection
}

// newOverlay begins a transaction on clones of the inputs.
func newOverlay(owner string, inputs []input) *overlay {
	ov := &overlay{owner: owner}
	for _, in := range inputs {
		o := &object{name: in.name, source: in.source, sha256: in.sha256, before: in.c, work: in.c.Clone()}
		for range o.work.Attach {
			o.attIDs = append(o.attIDs, o.nextID())
		}
		ov.objects = append(ov.objects, o)
	}
	return ov
}

// objectName is what a plugin calls a file: its base name without .o and .bpf.o.
func objectName(file string) string {
	file = plan.BaseName(file)
	return strings.TrimSuffix(strings.TrimSuffix(file, ".o"), ".bpf")
}

func (ov *overlay) find(name string) *object {
	if name == "" && len(ov.objects) > 0 {
		return ov.objects[0]
	}
	i := slices.IndexFunc(ov.objects, func(o *object) bool { return o.name == name })
	if i < 0 {
		return nil
	}
	return ov.objects[i]
}

// add takes a new object into the transaction.
func (ov *overlay) add(name string, c *spec.Collection) (*object, error) {
	if name == "" {
		return nil, failf(abi.ErrInval, "an object needs a name")
	}
	if ov.find(name) != nil {
		return nil, failf(abi.ErrExist, "an object %q exists already", name)
	}
	if len(ov.objects) >= maxObjects {
		return nil, failf(abi.ErrLimit, "a plan has at most %d objects", maxObjects)
	}
	o := &object{name: name, work: c}
	for range c.Attach {
		o.attIDs = append(o.attIDs, o.nextID())
	}
	ov.objects = append(ov.objects, o)
	return o, ov.log(plan.Edit{Object: name, Kind: "object", Name: name, What: "add"})
}

// Bounds of one transaction that no policy raises.
const (
	maxObjects  = 64
	maxPrograms = 4096     // in one object
	maxMaps     = 4096     // in one object
	maxAttach   = 4096     // in one object
	maxInsns    = 1 << 20  // in one program; the kernel takes a million
	maxLog      = 32 << 20 // bytes of edits and notes
	maxMapData  = 64 << 20 // bytes of initial data of one map
)

// log notes an edit. What is logged is bounded, since the guest decides how often it edits.
func (ov *overlay) log(e plan.Edit) error {
	n := len(e.Object) + len(e.Name) + len(e.Old) + len(e.New) + 64
	if ov.bytes += n; ov.bytes > maxLog {
		return failf(abi.ErrLimit, "the edits of one plan take more than %d bytes", maxLog)
	}
	e.Owner = ov.owner
	ov.edits = append(ov.edits, e)
	return nil
}

// note adds a remark.
func (ov *overlay) note(n plan.Note) error {
	if ov.bytes += len(n.Text) + 64; ov.bytes > maxLog {
		return failf(abi.ErrLimit, "the notes and edits of one plan take more than %d bytes", maxLog)
	}
	ov.notes = append(ov.notes, n)
	return nil
}

func (o *object) nextID() uint32 {
	o.lastID++
	return o.lastID
}

// attach is the attachment that an id stands for. The pointer is good until attachments are added
// or removed.
func (o *object) attach(id uint32) *spec.Attach {
	i := slices.Index(o.attIDs, id)
	if i < 0 {
		return nil
	}
	return &o.work.Attach[i]
}

func (o *object) addAttach(a spec.Attach) uint32 {
	id := o.nextID()
	o.work.Attach = append(o.work.Attach, a)
	o.attIDs = append(o.attIDs, id)
	return id
}

func (o *object) removeAttach(id uint32) {
	if i := slices.Index(o.attIDs, id); i >= 0 {
		o.work.Attach = slices.Delete(o.work.Attach, i, i+1)
		o.attIDs = slices.Delete(o.attIDs, i, i+1)
	}
}

// attachesOf lists the ids of the attachments of a program.
func (o *object) attachesOf(program string) []uint32 {
	var ids []uint32
	for i, a := range o.work.Attach {
		if a.Program == program {
			ids = append(ids, o.attIDs[i])
		}
	}
	return ids
}
