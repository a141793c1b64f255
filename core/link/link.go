package link

import (
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Link is a program attached to a hook.
type Link struct {
	kind   spec.AttachKind
	target string
	fd     *sys.FD // nil for perf events of kernels before 5.15 and instances that no link registers
	event  *sys.FD // the perf event; nil for other hooks
	ops    *sys.FD // the map of an instance of struct_ops that no link registers
}

// Kind returns the family of hooks.
func (l *Link) Kind() spec.AttachKind { return l.kind }

// Target returns what the program is attached to, in words: "interface veth0".
func (l *Link) Target() string { return l.target }

// Close detaches the program, unless the link is pinned. It may be called again.
func (l *Link) Close() error {
	if l.ops != nil {
		return l.unregister()
	}
	if l.fd == nil {
		_ = sys.DisableEvent(l.event) // the event goes away below in any case
	}
	l.fd.Close()
	l.event.Close()
	return nil
}

// Update puts another program of the same type in place of the attached one, with no moment without
// a program. Tracepoints, kprobes and tracing hooks cannot do that: ErrNotSupported.
func (l *Link) Update(p *loader.Program) error {
	err := p.WithFD(func(fd int) error {
		if l.fd == nil {
			return sys.EOPNOTSUPP
		}
		return sys.UpdateLink(l.fd, fd)
	})
	if errors.Is(err, sys.EOPNOTSUPP) || (errors.Is(err, sys.EINVAL) && !updatable[l.kind]) {
		err = fmt.Errorf("%w for %v hooks", loader.ErrNotSupported, l.kind)
	}
	if err != nil {
		return fmt.Errorf("update link to %s: %w", l.target, err)
	}
	return nil
}

// updatable are the families whose links take another program.
var updatable = map[spec.AttachKind]bool{
	spec.AttachXDP: true, spec.AttachTCX: true, spec.AttachCgroup: true, spec.AttachNetns: true,
}

// Pin gives the link a name in a bpf file system, so that it outlives the process. Removing the file
// detaches the program once the link is closed, too.
func (l *Link) Pin(path string) error {
	if l.fd == nil {
		return fmt.Errorf("pin link to %s: %w: %s", l.target, loader.ErrNotSupported, l.whyNone())
	}
	if err := sys.Pin(l.fd, path); err != nil {
		return fmt.Errorf("pin link to %s at %s: %w", l.target, path, err)
	}
	return nil
}

// whyNone says why the kernel has no link.
func (l *Link) whyNone() string {
	if l.ops != nil {
		return "no link registers this instance of struct_ops (section .struct_ops.link)"
	}
	return "perf events before Linux 5.15"
}

// Error says that a program could not be attached.
type Error struct {
	Program string          // or the instance of struct_ops
	Kind    spec.AttachKind // the family of hooks
	Target  string          // in words: "interface veth0"
	Advice  string          // what to do about it; may be empty
	Err     error
}

// Error returns for example `attach program "count" to interface veth0 (xdp): device or resource busy
// (EBUSY); another program is attached there: detach it first`.
func (e *Error) Error() string {
	s := fmt.Sprintf("attach program %q to %s (%v): %v", e.Program, e.Target, e.Kind, e.Err)
	if e.Kind == spec.AttachStructOps {
		s = fmt.Sprintf("register instance %q of %s: %v", e.Program, e.Target, e.Err)
	}
	if e.Advice != "" {
		s += "; " + e.Advice
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// request is one attachment under way.
type request struct {
	program *loader.Program
	kind    spec.AttachKind
	target  string
	caps    []sys.Capability
	types   []spec.ProgramType
	advice  map[sys.Errno]string // what the kernel's answers mean for this family
	cookie  bool                 // one was asked for
}

// do makes the link with make, which gets the program's descriptor.
func (r request) do(make func(l *Link, prog int) error) (*Link, error) {
	l := &Link{kind: r.kind, target: r.target}
	err := r.check()
	if err == nil {
		err = r.program.WithFD(func(fd int) error { return make(l, fd) })
	}
	if err == nil {
		return l, nil
	}
	l.fd.Close()
	l.event.Close()
	return nil, r.explain(err)
}

func (r request) check() error {
	for _, t := range r.types {
		if r.program.Type() == t {
			return nil
		}
	}
	return fmt.Errorf("a program of type %v cannot be attached there", r.program.Type())
}

// explain makes the error of a refusal.
func (r request) explain(err error) *Error { return r.explainTo(r.program.Name(), err) }

// explainTo makes the error for a program, or an instance of struct_ops, of that name.
func (r request) explainTo(name string, err error) *Error {
	e := &Error{Program: name, Kind: r.kind, Target: r.target, Err: err}
	var no sys.Errno
	if !errors.As(err, &no) {
		return e
	}
	e.Advice = r.advice[no]
	switch no {
	case sys.EPERM, sys.EACCES:
		if names := sys.MissingCapabilities(r.caps...); names != "" {
			e.Advice = "this process lacks " + names
		} else if e.Advice == "" {
			e.Advice = "no capability is missing, so kernel lockdown, a security module, seccomp or the kernel's build forbids it"
		}
	case sys.EINVAL, sys.ENOTSUPP, sys.EOPNOTSUPP:
		e.Err = tooOld(fmt.Sprintf("%v links", r.kind), r.kind.Since(), err)
		if r.cookie {
			e.Err = tooOld(fmt.Sprintf("cookies of %v links", r.kind), r.kind.CookieSince(), e.Err)
		}
		if no != sys.EINVAL && !errors.Is(e.Err, loader.ErrNotSupported) {
			e.Err = fmt.Errorf("%w: %w", loader.ErrNotSupported, err)
		}
	}
	return e
}
