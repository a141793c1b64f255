package guest

import (
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
)

// state is what the calls of one guest share. One goroutine at a time uses it: the caller of a hook.
type state struct {
	guest   Guest
	info    plan.Info
	limits  Limits
	phase   abi.Phase
	handles *handles
	symbols symbols
	last    lastError
	faults  int

	declared declarations
	config   Config
	rights   rights
	tx       *tx.Transaction // only while planning
	live     *Live           // only after loading
	out      *output
	stop     stopRequest
	memory   *budget.Account

	everyHook bool // attachments need not be of the ABI's families
}

// stopRequest is what a guest said with the function stop_run.
type stopRequest struct {
	requested bool
	code      uint32
}

// newFunctions makes the functions of the guest that has a state.
func newFunctions(s *state) Functions {
	return Functions{
		Base: baseCalls{s}, Tree: treeCalls{s}, Properties: propertyCalls{s}, Instructions: insnCalls{s},
		Variables: varCalls{s}, AttachPlan: attachCalls{s}, Maps: &mapCalls{state: s}, EventsAndOutput: eventCalls{s},
	}
}

// reply ends a call: the result when err is nil, else the code, of which err_info tells more.
func (s *state) reply(fn abi.FuncID, result int, err error) int32 {
	if err == nil {
		return int32(result)
	}
	if e := (*expiredError)(nil); errors.As(err, &e) {
		s.guest.Abort(e.err)
	}
	return s.refuse(fn, asCallError(err))
}

// expiredError ends a call of the host's: the guest's own call has no more time, or is not wanted any
// more.
type expiredError struct{ err error }

func (e *expiredError) Error() string { return e.err.Error() }

// expired returns an *expiredError when the guest's call has to end. What takes long asks it again and
// again.
func (s *state) expired() error {
	if s.guest == nil {
		return nil
	}
	if err := s.guest.Expired(); err != nil {
		return &expiredError{err}
	}
	return nil
}

// perCheck is how many things are worked on, instructions for instance, between two calls of expired.
const perCheck = 1024

// reply64 is reply for calls that store a number in guest memory.
func (s *state) reply64(fn abi.FuncID, v uint64, err error) (uint64, int32) {
	return v, s.reply(fn, 0, err)
}

// replyHandle answers with the handle of an object.
func (s *state) replyHandle(fn abi.FuncID, k abi.Kind, obj any, err error) int32 {
	if err != nil {
		return s.reply(fn, 0, err)
	}
	h, err := s.handles.open(k, obj)
	return s.reply(fn, int(h), err)
}

// refuseCall notes that a call of fn was refused with code before its method was called, and
// returns -code.
func (s *state) refuseCall(fn abi.FuncID, code abi.Errno) int32 {
	e := failf(code, "%s", code.Error())
	if code == abi.ErrPhase {
		e.text = fmt.Sprintf("%s may not be called in phase %s", fn, s.phase)
	}
	return s.refuse(fn, e)
}

// refuse keeps the error for err_info and answers the call with its code.
func (s *state) refuse(fn abi.FuncID, e *callError) int32 {
	s.last = lastError{fn: fn, err: e}
	if e.code == abi.ErrFault {
		s.fault()
	}
	return -int32(e.code)
}

// fault counts bad pointers: a guest may probe, or be wrong now and then, but not for ever.
func (s *state) fault() {
	if s.faults++; s.faults > s.limits.Faults {
		s.guest.Abort(&budget.LimitError{Export: ExportIn(s.phase), What: "bad pointers", Used: uint64(s.faults), Max: uint64(s.limits.Faults)})
	}
}

// ExportIn returns what to call the export that runs in a phase, in messages made within a call.
func ExportIn(phase abi.Phase) string {
	switch phase {
	case abi.PhaseInit:
		return "start"
	case abi.PhaseRun: // several
		return "run"
	}
	for _, h := range abi.Hooks() {
		if h.Phase == phase {
			return h.Name
		}
	}
	return ""
}

// during counts so many bytes while f runs, which holds them no longer.
func (s *state) during(n int, f func() error) error {
	if err := s.memory.Take(n); err != nil {
		return err
	}
	defer s.memory.Return(n)
	return f()
}

// program returns the program that a handle names.
func (s *state) program(h uint32) (tx.ProgramRef, error) {
	obj, err := s.handles.get(h, abi.KindProgram)
	if err != nil {
		return tx.ProgramRef{}, err
	}
	return obj.(tx.ProgramRef), nil
}

// mayEdit refuses edits of an object of the operator to a plugin that has no right to them. What
// the plugin added itself it may always edit. Attaching is not an edit; policy evaluates it by
// itself.
func (s *state) mayEdit(o *tx.Object) error {
	if o.Before == nil {
		return nil
	}
	return s.rights.editObject(o)
}
