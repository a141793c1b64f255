package guest

import (
	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/policy"
)

// rights are what a plugin may do: what it requested, as far as the policy grants it. They are
// asked early, where a plugin does something, so that it learns of a refusal in place. What is
// loaded in the end is evaluated again by the plan, and by Apply.
type rights struct {
	policy   *policy.Policy
	requests *policy.Requests
	record   bool                  // refuse nothing, and note what is asked for
	asked    []policy.Access       // what was noted
	refused  []policy.Decision     // the refusals among it
	decided  func(policy.Decision) // told of every decision; nil is nobody
	held     *budget.Account
}

// allow returns a *policy.Error when the plugin may not do something.
func (r *rights) allow(a policy.Access) error {
	d := r.policy.Decision(r.requests, a)
	if r.decided != nil {
		r.decided(d)
	}
	if !r.record {
		return d.Err()
	}
	if err := r.held.Take(decisionBytes + 2*len(d.Access) + len(d.Reason)); err != nil {
		return err
	}
	r.asked = append(r.asked, a)
	if !d.Allowed {
		r.refused = append(r.refused, d)
	}
	return nil
}

// decisionBytes is what an access and its decision that are noted hold apart from their texts, in bytes.
const decisionBytes = 512

// editObject tells whether the plugin may change an object of the operator. It is asked at every
// edit, so the object keeps the answer.
func (r *rights) editObject(o *tx.Object) error {
	if !o.Evaluated {
		s := policy.ObjectEdit(o.Source)
		s.Digest = o.SHA256
		o.Evaluated, o.Decision = true, r.allow(s)
	}
	return o.Decision
}

// setting evaluates a property that is about to be written.
func (r *rights) setting(a access, v uint64) error {
	switch a.def.ID() {
	case abi.PropProgramType:
		return r.allow(policy.ProgramType(spec.ProgramType(v)))
	case abi.PropMapType:
		return r.allow(policy.MapType(spec.MapType(v)))
	}
	return nil
}

// settingBytes is setting for bytes.
func (r *rights) settingBytes(a access, v []byte) error {
	if a.def.ID() != abi.PropAttachTarget {
		return nil
	}
	ref := a.obj.(tx.AttachRef)
	attach := *ref.Get()
	attach.Target = string(v)
	t, err := spec.ResolveTarget(ref.Object.Program(attach.Program), attach)
	if err != nil {
		return nil // it is not complete yet
	}
	return r.allow(policy.Attach(t))
}

// inserting evaluates instructions that are about to become part of a program.
func (s *state) inserting(ins []spec.Insn) error {
	r := &s.rights
	for i := range ins {
		if i%perCheck == perCheck-1 {
			if err := s.expired(); err != nil {
				return err
			}
		}
		a, ok := policy.Instruction(&ins[i].Insn)
		if !ok || a.Kind == policy.KindNumeric { // a name may still be put in
			continue
		}
		if err := r.allow(a); err != nil {
			return &callError{code: abi.ErrPerm, text: err.Error(), insn: i + 1, cause: err}
		}
	}
	return nil
}
