package host

import (
	"fmt"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/plan"
)

// AttachAdd plans an attachment.
func (x *instance) AttachAdd(prog uint32, kind abi.AttachKind) int32 {
	r, err := x.program(prog)
	if err != nil {
		return x.reply(abi.FuncAttachAdd, 0, err)
	}
	if !abi.HasFeature(abi.FeatureAttach + uint32(kind)) {
		return x.reply(abi.FuncAttachAdd, 0, failf(abi.ErrNosup, "attach kind %d is not known to this host", kind))
	}
	if len(r.o.work.Attach) >= maxAttach {
		return x.reply(abi.FuncAttachAdd, 0, failf(abi.ErrLimit, "an object has at most %d attachments", maxAttach))
	}
	a := spec.Attach{Program: r.p.Name, Kind: spec.HookKind(kind)}
	id := r.o.addAttach(a)
	err = x.overlay.log(plan.Edit{Object: r.o.name, Kind: "attach", Name: a.Program, What: "add", New: a.Kind.String()})
	return x.replyHandle(abi.FuncAttachAdd, abi.KindAttach, attRef{r.o, id}, err)
}

// PlanNote adds a remark to the plan.
func (x *instance) PlanNote(h uint32, severity abi.Severity, text []byte) int32 {
	return x.reply(abi.FuncPlanNote, 0, x.planNote(h, severity, string(text)))
}

func (x *instance) planNote(h uint32, severity abi.Severity, text string) error {
	if severity > abi.NoteWarn {
		return failf(abi.ErrRange, "severity %d is not known", severity)
	}
	if len(text) > maxNote {
		return failf(abi.ErrLimit, "a note has at most %d bytes", maxNote)
	}
	n := plan.Note{Warn: severity == abi.NoteWarn, Text: text}
	if h != 0 {
		obj, err := x.handles.any(h)
		if err != nil {
			return err
		}
		n.About = aboutText(obj)
	}
	return x.overlay.note(n)
}

// maxNote bounds one remark, in bytes.
const maxNote = 4096

// aboutText names what a handle stands for, in a remark.
func aboutText(obj any) string {
	switch r := obj.(type) {
	case *object:
		return "object " + r.name
	case progRef:
		return "program " + r.p.Name
	case mapRef:
		return "map " + r.m.Name
	case varRef:
		return "variable " + r.v.Name
	case attRef:
		return "link " + plan.AttachText(*r.get())
	}
	return ""
}

func insnRange(n, at int) string {
	if n == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d at %d", n, at)
}
