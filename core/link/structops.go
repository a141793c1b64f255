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
		kind: spec.AttachStructOps, target: "struct_ops " + m.Instance(),
		caps: []sys.Capability{sys.CapBPF, sys.CapNetAdmin},
		advice: map[sys.Errno]string{
			sys.EEXIST: "one of that name is registered already",
			sys.EBUSY:  "it is registered already",
			sys.EINVAL: "the kernel refuses a field of the instance: members that it needs may be missing",
		},
	}
}

// StructOps registers an instance of struct_ops: from then on the kernel calls its programs (Linux 5.6).
// An instance of a section .struct_ops.link has a link (Linux 6.4), which can be updated, pinned, and goes
// away with the process. Any other stays registered until Close, even if the process ends before.
func StructOps(m *loader.Map) (*Link, error) {
	r := opsRequest(m)
	l := &Link{kind: r.kind, target: r.target}
	err := m.WithInstance(func(fd int, value []byte) error {
		ops, err := sys.Dup(fd)
		if err != nil {
			return err
		}
		if m.Flags()&spec.FlagLink == 0 {
			l.ops = ops
			return sys.UpdateElem(ops, make([]byte, 4), value, 0, false)
		}
		defer ops.Close()
		if err := fill(ops, value); err != nil {
			return err
		}
		l.fd, err = sys.CreateLink(&sys.LinkCreate{ProgFD: uint32(fd), AttachType: uint32(spec.AttachTypeStructOps)})
		return err
	})
	if err != nil {
		l.ops.Close()
		return nil, r.explainTo(m.Name(), err)
	}
	return l, nil
}

// fill gives a map that links register its value. One that has it keeps it: that is no error.
func fill(ops *sys.FD, value []byte) error {
	if err := sys.UpdateElem(ops, make([]byte, 4), value, 0, false); err != nil && !errors.Is(err, sys.EBUSY) {
		return err
	}
	return nil
}

// UpdateMap puts another instance in place of the registered one, with no moment without. The kernel
// says which may follow which: congestion controls of TCP must have the same name (Linux 6.4).
func (l *Link) UpdateMap(m *loader.Map) error {
	err := m.WithInstance(func(fd int, value []byte) error {
		switch {
		case l.kind != spec.AttachStructOps:
			return fmt.Errorf("%w for %v hooks", loader.ErrNotSupported, l.kind)
		case l.fd == nil:
			return fmt.Errorf("%w: %s", loader.ErrNotSupported, l.whyNone())
		}
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

// unregister takes an instance without a link back.
func (l *Link) unregister() error {
	err := sys.DeleteElem(l.ops, make([]byte, 4), false)
	l.ops.Close()
	if err != nil && !errors.Is(err, sys.ENOENT) && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("take %s back: %w", l.target, err)
	}
	return nil
}
