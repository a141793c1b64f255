package link

import (
	"errors"
	"fmt"
	"os"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// SocketOptions say whose packets a socket filter sees.
type SocketOptions struct {
	Interface string
	Netns     string // path of the network namespace the interface lives in; empty is this process's
}

// socketLink is a program at a packet socket (SO_ATTACH_BPF), for which the kernel has no link.
type socketLink struct {
	unlinked
	socket *sys.FD
}

// Socket attaches a socket filter to a packet socket (packet(7)) that it opens: the program sees the packets
// of an interface, after XDP, inbound and outbound, and changes nothing about them. Nobody reads the socket.
// What the program returns, how many bytes of a packet the socket should keep, only fills its buffer, which
// is small.
func Socket(p *loader.Program, o SocketOptions) (Link, error) {
	r := request{
		program: p, kind: spec.HookSocket, target: "packet socket on " + onInterface(o.Interface, o.Netns), netns: o.Netns,
		advice: map[sys.Errno]string{
			sys.ENODEV: "no such interface in that network namespace",
		},
	}
	return r.do(func(prog int) (l Link, err error) {
		err = atInterface(o.Interface, o.Netns, func(index int) error {
			s, err := openFiltered(index, prog)
			l = &socketLink{unlinked{r.kind, r.target, "socket filters have no link"}, s}
			return err
		})
		return l, err
	})
}

// openFiltered opens a packet socket on an interface, which gets nothing before the program is there.
func openFiltered(index, prog int) (*sys.FD, error) {
	s, err := sys.OpenPacketSocket()
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	if err = sys.SetSocketProg(s, prog); err == nil {
		err = sys.BindPacketSocket(s, index)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close detaches the program.
func (l *socketLink) Close() error { return l.socket.Close() }

// Detach does what Close does.
func (l *socketLink) Detach() error { return l.Close() }

// Update exchanges the program.
func (l *socketLink) Update(p *loader.Program) error {
	err := p.WithFD(func(fd int) error { return sys.SetSocketProg(l.socket, fd) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrClosed):
		err = fmt.Errorf("the program was detached: %w", err)
	case errors.Is(err, sys.EINVAL):
		err = fmt.Errorf("%w; the program must be a socket filter", err)
	default:
		err = kernel.Explain(err, sys.CapBPF.String())
	}
	return fmt.Errorf("update link to %s: %w", l.target, err)
}

// attachSocket attaches as a spec says.
func attachSocket(p *loader.Program, _ spec.Attach, t spec.Target) (Link, error) {
	return Socket(p, SocketOptions{Interface: t.Interface, Netns: t.Netns})
}
