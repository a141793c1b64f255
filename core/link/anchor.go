package link

import (
	"errors"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Flags of an anchor (BPF_F_BEFORE, BPF_F_AFTER, BPF_F_LINK of include/uapi/linux/bpf.h).
const (
	flagBefore uint32 = 1 << 3
	flagAfter  uint32 = 1 << 4
	flagLink   uint32 = 1 << 13
)

// Anchor is a position in the list of programs at a hook. The zero value is after those that are
// there.
type Anchor struct {
	flags    uint32
	lend     lender // of the descriptor that it is before or after; nil for the ends
	revision uint64
}

// lender calls fn with a descriptor that stays open that long.
type lender func(fn func(fd int) error) error

// Head returns the position before all others.
func Head() Anchor { return Anchor{flags: flagBefore} }

// Tail returns the position after all others.
func Tail() Anchor { return Anchor{flags: flagAfter} }

// BeforeLink returns the position before a link of the same hook.
func BeforeLink(l Link) Anchor { return Anchor{flags: flagBefore | flagLink, lend: lenderOf(l)} }

// AfterLink returns the position after a link of the same hook.
func AfterLink(l Link) Anchor { return Anchor{flags: flagAfter | flagLink, lend: lenderOf(l)} }

// BeforeProgram returns the position before a program that is attached to the same hook.
func BeforeProgram(p *loader.Program) Anchor { return Anchor{flags: flagBefore, lend: p.WithFD} }

// AfterProgram returns the position after a program that is attached to the same hook.
func AfterProgram(p *loader.Program) Anchor { return Anchor{flags: flagAfter, lend: p.WithFD} }

// AtRevision returns the anchor for a list of that revision only: if the list has changed since,
// the kernel refuses (ESTALE). Zero is any.
func (a Anchor) AtRevision(revision uint64) Anchor {
	a.revision = revision
	return a
}

// lenderOf returns the lender of a link's descriptor.
func lenderOf(l Link) lender {
	if k, ok := l.(interface{ withFD(func(int) error) error }); ok {
		return k.withFD
	}
	return func(func(int) error) error { return errors.New("the anchor is not a link of the kernel") }
}

// apply calls fn with what the kernel takes for the anchor.
func (a Anchor) apply(fn func(sys.LinkCreateMprog) error) error {
	c := sys.LinkCreateMprog{LinkCreate: sys.LinkCreate{Flags: a.flags}, Revision: a.revision}
	if a.lend == nil {
		return fn(c)
	}
	return a.lend(func(fd int) error {
		c.Relative = uint32(fd)
		return fn(c)
	})
}
