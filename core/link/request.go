package link

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// request is one attachment under way.
type request struct {
	program *loader.Program // nil for an instance of struct_ops
	kind    spec.HookKind
	target  string
	netns   string               // of the interface, as in spec.Target
	types   []spec.ProgramType   // fewer than the family has; none is all of them
	advice  map[sys.Errno]string // what the kernel's answers mean for this family
	cookie  bool                 // one was asked for
}

// do makes the link with attach, which gets the program's descriptor.
func (r request) do(attach func(prog int) (Link, error)) (l Link, err error) {
	if err := r.program.Err(); err != nil {
		return nil, r.explain(err)
	}
	if !r.takes(r.program.Type()) {
		err = fmt.Errorf("a program of type %v cannot be attached there", r.program.Type())
		return nil, r.explain(err)
	}
	err = r.program.WithFD(func(fd int) (err error) {
		l, err = attach(fd)
		return err
	})
	if err != nil {
		return nil, r.explain(err)
	}
	return l, nil
}

// takes reports whether programs of a type can be attached there.
func (r request) takes(typ spec.ProgramType) bool {
	if r.types != nil {
		return slices.Contains(r.types, typ)
	}
	return slices.ContainsFunc(r.kind.Family().Programs, func(h spec.HookProgram) bool { return h.Type == typ })
}

// linked is the part of a link that all families have.
func (r request) linked(fd *sys.FD) kernelLink {
	return kernelLink{kind: r.kind, target: r.target, fd: fd}
}

// capabilities returns what attaching takes: what loading the program took, and what the hook takes.
func (r request) capabilities() []string {
	typ := spec.ProgramStructOps
	if r.program != nil {
		typ = r.program.Type()
	}
	return slices.Concat(typ.Capabilities(), spec.Attach{Kind: r.kind, Netns: r.netns}.Capabilities())
}

// explain makes the error of a refusal.
func (r request) explain(err error) *Error { return r.explainTo(r.program.Name(), err) }

// explainTo makes the error for a program, or an instance of struct_ops, of that name.
func (r request) explainTo(name string, err error) *Error {
	return r.explainOn(kernel.New(kernel.Options{}), name, err)
}

// explainOn makes the error of a refusal by k.
func (r request) explainOn(k *kernel.Kernel, name string, err error) *Error {
	e := &Error{Program: name, Kind: r.kind, Target: r.target, Err: err}
	var no sys.Errno
	if errors.Is(err, kernel.ErrNotMounted) || !errors.As(err, &no) {
		return e
	}
	e.Advice = r.advice[no]
	switch no {
	case sys.EPERM, sys.EACCES:
		if caps := r.capabilities(); e.Advice == "" || kernel.Missing(caps...) != "" {
			e.Advice = kernel.Denied(caps...)
		} else { // the family knows another reason, which no privilege helps against
			e.Err = sys.NotPermission(err)
		}
	case sys.EINVAL, sys.ENOTSUPP, sys.EOPNOTSUPP:
		e.Err = k.TooOld([]spec.Requirement{{What: fmt.Sprintf("%v links", r.kind), Since: r.kind.Since()}}, err)
		if r.cookie {
			e.Err = k.TooOld([]spec.Requirement{{What: fmt.Sprintf("cookies of %v links", r.kind), Since: r.kind.CookieSince()}}, e.Err)
		}
	}
	return e
}
