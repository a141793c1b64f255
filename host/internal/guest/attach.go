package guest

import (
	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
)

// attachCalls are the functions of the group attach plan.
type attachCalls struct{ *state }

// AttachAdd plans an attachment.
func (x attachCalls) AttachAdd(prog uint32, kind abi.AttachKind) int32 {
	r, err := x.program(prog)
	if err != nil {
		return x.reply(abi.FuncAttachAdd, 0, err)
	}
	if !x.everyHook && !abi.HasFeature(abi.FeatureAttach+uint32(kind)) {
		return x.reply(abi.FuncAttachAdd, 0, failf(abi.ErrNosup, "attach kind %d is not known to this host", kind))
	}
	added, err := x.tx.AddAttach(r, spec.HookKind(kind))
	return x.replyHandle(abi.FuncAttachAdd, abi.KindAttach, added, err)
}

// PlanNote adds a remark to the plan.
func (x attachCalls) PlanNote(h uint32, severity abi.Severity, text []byte) int32 {
	return x.reply(abi.FuncPlanNote, 0, x.planNote(h, severity, string(text)))
}

func (x attachCalls) planNote(h uint32, severity abi.Severity, text string) error {
	if severity > abi.NoteWarn {
		return failf(abi.ErrRange, "severity %d is not known", severity)
	}
	if len(text) > maxNote {
		return budget.TooLarge("text of a note", len(text), maxNote, "")
	}
	n := plan.Note{Warn: severity == abi.NoteWarn, Text: text}
	if h != 0 {
		obj, err := x.handles.any(h)
		if err != nil {
			return err
		}
		n.About = aboutText(obj)
	}
	return x.tx.Note(n)
}

// maxNote bounds one remark, in bytes.
const maxNote = 4096

// aboutText says what a handle names, in a remark.
func aboutText(obj any) string {
	switch r := obj.(type) {
	case *tx.Object:
		return "object " + r.Name
	case tx.ProgramRef:
		return "program " + r.Program.Name
	case tx.MapRef:
		return "map " + r.Map.Name
	case tx.VarRef:
		return "variable " + r.Var.Name
	case tx.AttachRef:
		return "link " + plan.AttachText(*r.Get())
	}
	return ""
}
