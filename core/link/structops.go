package link

import (
	"errors"
	"fmt"
	"os"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// opsRequest is what the kernel's answers mean for an instance.
func opsRequest(m *loader.Map) request {
	return request{
		kind: spec.HookStructOps, target: "struct_ops " + m.Instance(),
		advice: map[sys.Errno]string{
			sys.EEXIST: "one of that name is registered already",
			sys.EBUSY:  "it is registered already",
			sys.EINVAL: "the kernel refuses a field of the instance: members that it needs may be missing",
		},
	}
}

// StructOpsLink is an instance of struct_ops that is registered, by a link of the kernel or
// without.
type StructOpsLink interface {
	Link

	// UpdateMap atomically puts another instance in place of the registered one. The kernel says
	// which may follow which: congestion controls of TCP must have the same name (Linux 6.4). An
	// instance without a link returns ErrNotSupported.
	UpdateMap(m *loader.Map) error
}

// StructOps registers an instance of struct_ops: from then on the kernel calls its programs (Linux
// 5.6). An instance of a section .struct_ops.link has a link (Linux 6.4), which can be updated,
// pinned, and goes away with the process. Any other stays registered until Close, even if the
// process ends before.
func StructOps(m *loader.Map) (StructOpsLink, error) {
	r := opsRequest(m)
	var l StructOpsLink
	err := m.WithInstance(func(fd int, value []byte) error {
		ops, err := sys.Dup(fd)
		if err != nil {
			return err
		}
		if m.Flags()&spec.FlagLink == 0 {
			l = &structOpsMap{unlinked{r.kind, r.target, noOpsLink}, ops}
			return sys.UpdateElem(ops, make([]byte, 4), value, 0, false)
		}
		defer ops.Close()
		if err := fill(ops, value); err != nil {
			return err
		}
		link, err := sys.CreateLink(&sys.LinkCreate{ProgFD: uint32(fd), AttachType: uint32(spec.AttachTypeStructOps)})
		if err == nil {
			l = &structOpsLink{r.linked(link)}
		}
		return err
	})
	if err == nil {
		return l, nil
	}
	if u, ok := l.(*structOpsMap); ok {
		u.ops.Close()
	}
	return nil, r.explainTo(m.Name(), err)
}

// fill gives a map that links register its value. One that has it keeps it: that is not an error.
func fill(ops *sys.FD, value []byte) error {
	if err := sys.UpdateElem(ops, make([]byte, 4), value, 0, false); err != nil && !errors.Is(err, sys.EBUSY) {
		return err
	}
	return nil
}

// structOpsLink is BPF_LINK_TYPE_STRUCT_OPS.
type structOpsLink struct{ kernelLink }

// UpdateMap exchanges the instance.
func (l *structOpsLink) UpdateMap(m *loader.Map) error {
	err := m.WithInstance(func(fd int, value []byte) error {
		ops, err := sys.Dup(fd)
		if err != nil {
			return err
		}
		defer ops.Close()
		if err := fill(ops, value); err != nil {
			return err
		}
		return sys.UpdateLink(l.fd, fd)
	})
	if err != nil {
		return fmt.Errorf("update link to %s: %w", l.target, opsRequest(m).explainTo(m.Name(), err))
	}
	return nil
}

// Info asks the kernel about the link.
func (l *structOpsLink) Info() (Info, error) {
	info, x, err := l.info()
	info.Map = x.word(0)
	return info, err
}

// noOpsLink says why an instance has no link.
const noOpsLink = "no link registers this instance of struct_ops (section .struct_ops.link)"

// structOpsMap is an instance that no link registers: the value of its map does.
type structOpsMap struct {
	unlinked
	ops *sys.FD
}

// UpdateMap returns ErrNotSupported.
func (s *structOpsMap) UpdateMap(m *loader.Map) error {
	err := fmt.Errorf("%w: %s", loader.ErrNotSupported, s.reason)
	return fmt.Errorf("update link to %s: %w", s.target, opsRequest(m).explainTo(m.Name(), err))
}

// Detach does what Close does.
func (s *structOpsMap) Detach() error { return s.Close() }

// Close takes the instance back. It may be called again.
func (s *structOpsMap) Close() error {
	err := sys.DeleteElem(s.ops, make([]byte, 4), false)
	s.ops.Close()
	if err != nil && !errors.Is(err, sys.ENOENT) && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("take %s back: %w", s.target, err)
	}
	return nil
}

// attachStructOps registers the instance that a spec names.
func attachStructOps(p *loader.Program, a spec.Attach, t spec.Target) (Link, error) {
	m, err := p.Instance(t.Name)
	if err != nil {
		return nil, &Error{Program: p.Name(), Kind: a.Kind, Target: fmt.Sprintf("%q", p.AttachTo()), Err: err}
	}
	return StructOps(m)
}
