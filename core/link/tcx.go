package link

import (
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Direction is a way that packets go through an interface. The zero value is what the program was
// loaded for, or else ingress.
type Direction uint8

// The directions.
const (
	Ingress Direction = iota + 1
	Egress
)

// TCXOptions say where a program for traffic control is attached.
type TCXOptions struct {
	Interface string
	Netns     string // path of the network namespace the interface lives in; empty is this process's
	Direction Direction
	Anchor    Anchor // among the programs that are there
}

// tcxLink is BPF_LINK_TYPE_TCX.
type tcxLink struct{ kernelLink }

// TCX attaches a program to an interface's traffic control, beside others (Linux 6.6).
func TCX(p *loader.Program, o TCXOptions) (Link, error) {
	attach := spec.AttachTypeTCXIngress
	switch {
	case o.Direction == Egress, o.Direction == 0 && p.AttachType() == spec.AttachTypeTCXEgress:
		attach = spec.AttachTypeTCXEgress
	}
	r := request{
		program: p, kind: spec.HookTCX, target: onInterface(o.Interface, o.Netns) + " " + attach.String(),
		netns: o.Netns,
		advice: map[sys.Errno]string{
			sys.ENODEV: "no such interface in that network namespace",
			sys.EEXIST: "this program is attached there already",
			sys.ESTALE: "the list of programs there has changed since that revision",
		},
	}
	return r.do(func(prog int) (l Link, err error) {
		err = atInterface(o.Interface, o.Netns, func(index int) error {
			return o.Anchor.apply(func(c sys.LinkCreateMprog) error {
				c.ProgFD, c.Target, c.AttachType = uint32(prog), uint32(index), uint32(attach)
				fd, err := sys.CreateMprogLink(&c)
				l = &tcxLink{r.linked(fd)}
				return err
			})
		})
		return l, err
	})
}

// Info asks the kernel about the link.
func (l *tcxLink) Info() (Info, error) {
	info, x, err := l.info()
	info.Interface, info.AttachType = x.word(0), spec.AttachType(x.word(1))
	return info, err
}

// attachTCX attaches as a spec says.
func attachTCX(p *loader.Program, a spec.Attach, t spec.Target) (Link, error) {
	return TCX(p, TCXOptions{Interface: t.Interface, Netns: t.Netns, Anchor: Anchor{flags: a.Flags}})
}
