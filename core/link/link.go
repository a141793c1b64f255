package link

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Link is a program attached to a hook. Each type of link of the kernel (enum bpf_link_type) is a
// type of its own, and so is each older way to attach, for which the kernel has no link: there
// Update, Pin, Unpin and Info return ErrNotSupported.
type Link interface {
	// Kind returns the family of hooks.
	Kind() spec.HookKind

	// Target returns what the program is attached to, in words: "interface veth0".
	Target() string

	// Close detaches the program, unless the link is pinned. It may be called again.
	Close() error

	// Update atomically puts another program of the same type in place of the attached one.
	// Tracepoints, kprobes and tracing hooks cannot do that: ErrNotSupported.
	Update(p *loader.Program) error

	// Pin gives the link a name in a bpf file system, so that it outlives the process. Removing the
	// file detaches the program once the link is closed, too.
	Pin(path string) error

	// Unpin removes the files that Pin of this link made. Those that are gone already are not an error,
	// and what has their name now stays.
	Unpin() error

	// Detach detaches the program even where the link is pinned; the link stays open. Tracepoints,
	// kprobes and tracing hooks with a link cannot do that: ErrNotSupported.
	Detach() error

	// Info asks the kernel about the link.
	Info() (Info, error)
}

// kernelLink is a link of the kernel: what all types of them have in common.
type kernelLink struct {
	kind   spec.HookKind
	target string
	fd     *sys.FD

	mu   sync.Mutex
	pins []pin // files that Pin made
}

// pin is a file that Pin made.
type pin struct {
	path string
	file os.FileInfo // nil is not known
}

// Kind returns the family of hooks.
func (l *kernelLink) Kind() spec.HookKind { return l.kind }

// Target returns what the program is attached to.
func (l *kernelLink) Target() string { return l.target }

// Close detaches the program, unless the link is pinned.
func (l *kernelLink) Close() error { return l.fd.Close() }

// Update exchanges the program.
func (l *kernelLink) Update(p *loader.Program) error {
	err := p.WithFD(func(fd int) error { return sys.UpdateLink(l.fd, fd) })
	if err != nil {
		return fmt.Errorf("update link to %s: %w", l.target, l.explain(err))
	}
	return nil
}

// explain makes the kernel's answer to an update, or to a request to detach, say what it means.
func (l *kernelLink) explain(err error) error {
	switch {
	case errors.Is(err, sys.EOPNOTSUPP), errors.Is(err, sys.EINVAL) && !l.kind.Family().Updatable:
		return fmt.Errorf("%w: %w", unsupported(l.kind), err)
	case errors.Is(err, sys.EINVAL):
		return fmt.Errorf("%w; the program must have the type and the attach type of the one before", err)
	case errors.Is(err, sys.ENOLINK):
		return fmt.Errorf("%w; the program was detached, or what it was attached to is gone", err)
	}
	return kernel.Explain(err, sys.CapBPF.String())
}

// Pin gives the link a name.
func (l *kernelLink) Pin(path string) error {
	if err := sys.Pin(l.fd, path); err != nil {
		return fmt.Errorf("pin link to %s at %s: %w", l.target, path, kernel.New(kernel.Options{}).ExplainPin(path, err))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	file, _ := os.Lstat(path)
	l.pins = append(l.pins, pin{path, file})
	return nil
}

// Unpin removes the files that Pin made.
func (l *kernelLink) Unpin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.pins) > 0 {
		p := l.pins[0]
		now, err := os.Lstat(p.path)
		if err == nil && (p.file == nil || os.SameFile(now, p.file)) {
			err = os.Remove(p.path)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("unpin link to %s: %w", l.target, err)
		}
		l.pins = l.pins[1:]
	}
	return nil
}

// Detach detaches the program.
func (l *kernelLink) Detach() error {
	if err := sys.DetachLink(l.fd); err != nil {
		return fmt.Errorf("detach link to %s: %w", l.target, l.explain(err))
	}
	return nil
}

// Info asks for what all links have.
func (l *kernelLink) Info() (Info, error) {
	info, _, err := l.info()
	return info, err
}

// withFD lends the descriptor, for the anchor of another link.
func (l *kernelLink) withFD(fn func(fd int) error) error {
	raw, err := l.fd.Acquire()
	if err != nil {
		return err
	}
	defer l.fd.Release()
	return fn(raw)
}

// unlinked is an attachment that the kernel has no link for.
type unlinked struct {
	kind   spec.HookKind
	target string
	reason string // why there is no link
}

// Kind returns the family of hooks.
func (u *unlinked) Kind() spec.HookKind { return u.kind }

// Target returns what the program is attached to.
func (u *unlinked) Target() string { return u.target }

// Update returns ErrNotSupported.
func (u *unlinked) Update(*loader.Program) error {
	return fmt.Errorf("update link to %s: %w", u.target, unsupported(u.kind))
}

// Pin returns ErrNotSupported.
func (u *unlinked) Pin(string) error { return u.refuse("pin") }

// Unpin returns ErrNotSupported.
func (u *unlinked) Unpin() error { return u.refuse("unpin") }

// Info returns ErrNotSupported.
func (u *unlinked) Info() (Info, error) { return Info{}, u.refuse("describe") }

// refuse says why something cannot be done without a link.
func (u *unlinked) refuse(what string) error {
	return fmt.Errorf("%s link to %s: %w: %s", what, u.target, loader.ErrNotSupported, u.reason)
}

// unsupported says that hooks of a family cannot do something.
func unsupported(k spec.HookKind) error {
	return fmt.Errorf("%w for %v hooks", loader.ErrNotSupported, k)
}
