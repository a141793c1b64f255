package link

import (
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// XDPFlags choose where in the packet's way an XDP program runs (XDP_FLAGS_…,
// include/uapi/linux/if_link.h).
type XDPFlags uint32

// The modes. Zero lets the kernel choose: the driver if it can, else generic.
const (
	XDPGeneric XDPFlags = 1 << 1
	XDPDriver  XDPFlags = 1 << 2
	XDPOffload XDPFlags = 1 << 3
)

// XDPOptions say where an XDP program is attached.
type XDPOptions struct {
	Interface string
	Netns     string // path of the network namespace the interface lives in; empty is this process's
	Flags     XDPFlags
}

// xdpLink is BPF_LINK_TYPE_XDP.
type xdpLink struct{ kernelLink }

// XDP attaches a program to an interface (Linux 5.9).
func XDP(p *loader.Program, o XDPOptions) (Link, error) {
	r := request{
		program: p, kind: spec.HookXDP, target: onInterface(o.Interface, o.Netns),
		netns: o.Netns,
		advice: map[sys.Errno]string{
			sys.EBUSY:      "another XDP program is attached there: detach it first",
			sys.EEXIST:     "an XDP program of another mode is attached there: detach it first",
			sys.ENODEV:     "no such interface in that network namespace",
			sys.EOPNOTSUPP: "the driver cannot do this mode: try the generic one",
		},
	}
	return r.do(func(prog int) (l Link, err error) {
		err = atInterface(o.Interface, o.Netns, func(index int) error {
			fd, err := sys.CreateLink(&sys.LinkCreate{
				ProgFD: uint32(prog), Target: uint32(index), AttachType: uint32(spec.AttachTypeXDP), Flags: uint32(o.Flags),
			})
			l = &xdpLink{r.linked(fd)}
			return err
		})
		return l, err
	})
}

// Info asks the kernel about the link.
func (l *xdpLink) Info() (Info, error) {
	info, x, err := l.info()
	info.Interface = x.word(0)
	return info, err
}

// attachXDP attaches as a spec says.
func attachXDP(p *loader.Program, a spec.Attach, t spec.Target) (Link, error) {
	return XDP(p, XDPOptions{Interface: t.Interface, Netns: t.Netns, Flags: XDPFlags(a.Flags)})
}
