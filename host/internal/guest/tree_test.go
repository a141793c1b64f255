package guest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/tx"
)

func TestTreeWalk(t *testing.T) {
	x, obj := planning(t)
	self := x.ok(t, "self", x.Self())
	for _, tt := range []struct {
		h    uint32
		kind abi.Kind
		want int32
	}{
		{self, abi.KindObject, 1}, {self, abi.KindParam, 0}, {self, abi.KindRequest, 0},
		{obj, abi.KindProgram, 1}, {obj, abi.KindMap, 2}, {obj, abi.KindVar, 2}, {obj, abi.KindAttach, 1},
	} {
		if got := x.Count(tt.h, tt.kind); got != tt.want {
			t.Errorf("count of %s = %d, want %d", tt.kind, got, tt.want)
		}
	}
	prog := x.ok(t, "find", x.Find(obj, abi.KindProgram, []byte("count_drops")))
	if at := x.ok(t, "at", x.At(obj, abi.KindProgram, 0)); at != prog {
		t.Errorf("at gives %#x, find %#x for the same program", at, prog)
	}
	if n := x.Count(prog, abi.KindAttach); n != 1 {
		t.Errorf("the program has %d attachments, want 1", n)
	}
	att := x.ok(t, "at", x.At(prog, abi.KindAttach, 0))
	if same := x.ok(t, "at", x.At(obj, abi.KindAttach, 0)); same != att {
		t.Errorf("the attachment has handles %#x and %#x", att, same)
	}
	errnoIn(t, "at past the end", x.At(obj, abi.KindMap, 2), abi.ErrRange)
	errnoIn(t, "find what is not there", x.Find(obj, abi.KindMap, []byte("nope")), abi.ErrNoent)
	errnoIn(t, "find an attachment", x.Find(obj, abi.KindAttach, []byte("x")), abi.ErrKind)
	errnoIn(t, "count maps of a program", x.Count(prog, abi.KindMap), abi.ErrKind)
	errnoIn(t, "open what is not there", x.ObjectOpen([]byte("nope")), abi.ErrNoent)
	if first := x.ok(t, "object_open", x.ObjectOpen(nil)); first != obj {
		t.Errorf("the empty name opens %#x, want the first object, %#x", first, obj)
	}
}

func TestTreeBuild(t *testing.T) {
	x, _ := planning(t)
	obj := x.ok(t, "object_new", x.ObjectNew([]byte("own")))
	errnoIn(t, "object_new again", x.ObjectNew([]byte("own")), abi.ErrExist)
	errnoIn(t, "object_new with the name of an input", x.ObjectNew([]byte("drops")), abi.ErrExist)
	errnoIn(t, "object_new without a name", x.ObjectNew(nil), abi.ErrInval)
	prog := x.ok(t, "add", x.Add(obj, abi.KindProgram, []byte("p")))
	x.ok(t, "add", x.Add(obj, abi.KindMap, []byte("m")))
	errnoIn(t, "add a program twice", x.Add(obj, abi.KindProgram, []byte("p")), abi.ErrExist)
	errnoIn(t, "add a variable", x.Add(obj, abi.KindVar, []byte("v")), abi.ErrKind)
	errnoIn(t, "add without a name", x.Add(obj, abi.KindMap, nil), abi.ErrInval)
	errnoIn(t, "add to a program", x.Add(prog, abi.KindMap, []byte("m")), abi.ErrKind)
	errnoIn(t, "add a request while planning", x.Add(x.ok(t, "self", x.Self()), abi.KindRequest, []byte("program xdp")), abi.ErrPhase)
	c := x.tx.Objects[1].Work
	if len(c.Programs) != 1 || len(c.Maps) != 1 || c.Order != hostOrder() {
		t.Errorf("object has %d programs, %d maps, order %s", len(c.Programs), len(c.Maps), c.Order)
	}
}

func TestTreeFromBytes(t *testing.T) {
	x, _ := planning(t)
	errnoIn(t, "object_from_bytes of nothing", x.ObjectFromBytes([]byte("e"), nil), abi.ErrInval)
	errnoIn(t, "object_from_bytes of a gzip file", x.ObjectFromBytes([]byte("e"), []byte("\x1f\x8b\x08 and more of it")), abi.ErrInval)
	if n := len(x.tx.Objects); n != 1 {
		t.Errorf("there are %d objects after failures, want 1", n)
	}
}

func TestTreeClone(t *testing.T) {
	x, obj := planning(t)
	o := x.tx.Objects[0]
	p := o.Work.Programs[0]
	p.Insns = spec.NewInsns(append(p.Insns.Slice(), spec.Insn{Insn: asm.CallFunc("count_drops")}, spec.Insn{Insn: asm.Exit()})...)
	prog := x.ok(t, "find", x.Find(obj, abi.KindProgram, []byte("count_drops")))
	x.ok(t, "clone", x.Clone(prog, []byte("twin")))
	twin := o.Work.Program("twin")
	if twin == nil || twin.Insns.At(0).Func.Name != "twin" || twin.Insns.At(6).Symbol != "twin" {
		t.Fatalf("the copy is %+v", twin)
	}
	if p.Insns.At(0).Func.Name != "count_drops" || p.Insns.At(6).Symbol != "count_drops" {
		t.Error("cloning changed the original")
	}
	if list := (tx.ProgramRef{Object: o, Program: twin}).Attachments(); len(list) != 0 {
		t.Errorf("the copy has %d attachments, want none", len(list))
	}
	errnoIn(t, "clone under a name that is taken", x.Clone(prog, []byte("twin")), abi.ErrExist)
	m := x.ok(t, "find", x.Find(obj, abi.KindMap, []byte("blocked")))
	x.ok(t, "clone", x.Clone(m, []byte("blocked2")))
	if got := o.Work.Map("blocked2"); got == nil || got.MaxEntries != 1024 {
		t.Errorf("the copied map is %+v", got)
	}
	errnoIn(t, "clone an object", x.Clone(obj, []byte("n")), abi.ErrKind)
}

func TestTreeRemove(t *testing.T) {
	x, obj := planning(t)
	o := x.tx.Objects[0]
	prog := x.ok(t, "find", x.Find(obj, abi.KindProgram, []byte("count_drops")))
	att := x.ok(t, "at", x.At(prog, abi.KindAttach, 0))
	x.ok(t, "remove", x.Remove(prog))
	errnoIn(t, "remove twice", x.Remove(prog), abi.ErrBadh)
	errnoIn(t, "the program's attachment", x.HandleKind(att), abi.ErrBadh)
	if len(o.Work.Programs) != 0 || len(o.Work.Attach) != 0 {
		t.Errorf("left: %d programs, %d attachments", len(o.Work.Programs), len(o.Work.Attach))
	}
	m := x.ok(t, "at", x.At(obj, abi.KindMap, 0))
	x.ok(t, "remove", x.Remove(obj))
	errnoIn(t, "a map of a removed object", x.HandleKind(m), abi.ErrBadh)
	if len(x.tx.Objects) != 0 || len(x.tx.Removed) != 1 {
		t.Errorf("objects: %d, removed: %d", len(x.tx.Objects), len(x.tx.Removed))
	}
	errnoIn(t, "remove the plugin", x.Remove(x.ok(t, "self", x.Self())), abi.ErrKind)
	if !slices.ContainsFunc(x.tx.Removed[0].Before.Programs, func(p *spec.Program) bool { return p.Name == "count_drops" }) {
		t.Error("the operator's object was changed")
	}
}

// An object of the operator may be edited with the right to, one of the plugin's own always.
func TestTreeEditRight(t *testing.T) {
	x, obj := planning(t)
	x.rights.policy = denying(t, "objects: {\"other.o\": {edit: true}}")
	errnoIn(t, "add to the operator's object", x.Add(obj, abi.KindMap, []byte("m")), abi.ErrPerm)
	prog := x.ok(t, "find", x.Find(obj, abi.KindProgram, []byte("count_drops")))
	errnoIn(t, "rename", x.SetB(prog, abi.PropProgramName, []byte("n")), abi.ErrPerm)
	errnoIn(t, "splice", x.InsnAsm(prog, 0, 0, []byte("r2 = 1")), abi.ErrPerm)
	errnoIn(t, "write a variable", x.VarWrite(x.ok(t, "at", x.At(obj, abi.KindVar, 0)), 0, []byte{1}), abi.ErrPerm)
	errnoIn(t, "remove", x.Remove(obj), abi.ErrPerm)
	if edits := x.tx.Edits; len(edits) != 0 {
		t.Errorf("denied edits were logged: %v", edits)
	}
	own := x.ok(t, "object_new", x.ObjectNew([]byte("own")))
	x.ok(t, "add to its own object", x.Add(own, abi.KindMap, []byte("m")))
}

// An object has only so many programs, maps and attachments, no matter who adds them and how.
func TestTreeLimits(t *testing.T) {
	x, obj := planning(t)
	x.handles.max = 1 << 16
	c := x.tx.Objects[0].Work
	prog := x.ok(t, "find", x.Find(obj, abi.KindProgram, []byte("count_drops")))
	m := x.ok(t, "find", x.Find(obj, abi.KindMap, []byte("blocked")))
	for i := len(c.Programs); i < tx.MaxPrograms-1; i++ {
		c.Programs = append(c.Programs, &spec.Program{Name: fmt.Sprint("p", i)})
	}
	for i := len(c.Maps); i < tx.MaxMaps-1; i++ {
		c.Maps = append(c.Maps, &spec.Map{Name: fmt.Sprint("m", i)})
	}
	x.ok(t, "the last program", x.Add(obj, abi.KindProgram, []byte("last")))
	x.ok(t, "the last map", x.Clone(m, []byte("last")))
	errnoIn(t, "a program too many", x.Add(obj, abi.KindProgram, []byte("more")), abi.ErrLimit)
	errnoIn(t, "a copied program too many", x.Clone(prog, []byte("more")), abi.ErrLimit)
	errnoIn(t, "a map too many", x.Add(obj, abi.KindMap, []byte("more")), abi.ErrLimit)
	errnoIn(t, "a copied map too many", x.Clone(m, []byte("more")), abi.ErrLimit)
	if len(c.Programs) != tx.MaxPrograms || len(c.Maps) != tx.MaxMaps {
		t.Errorf("%d programs and %d maps", len(c.Programs), len(c.Maps))
	}
	for range tx.MaxAttach - len(c.Attach) {
		x.ok(t, "attach_add", x.AttachAdd(prog, abi.AttachXDP))
	}
	errnoIn(t, "an attachment too many", x.AttachAdd(prog, abi.AttachXDP), abi.ErrLimit)
	for i := len(x.tx.Objects); i < tx.MaxObjects; i++ {
		x.ok(t, "object_new", x.ObjectNew(fmt.Append(nil, "o", i)))
	}
	errnoIn(t, "an object too many", x.ObjectNew([]byte("more")), abi.ErrLimit)
}
