package link

import (
	"errors"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// NetnsOptions say where a program for a network namespace is attached.
type NetnsOptions struct {
	Path string // of the namespace; that of this process is /proc/self/ns/net
}

// netnsHooks has the hook of each type of program.
var netnsHooks = map[spec.ProgramType]spec.AttachType{
	spec.ProgramSkLookup:      spec.AttachTypeSkLookup,
	spec.ProgramFlowDissector: spec.AttachTypeFlowDissector,
}

// netnsLink is BPF_LINK_TYPE_NETNS.
type netnsLink struct{ kernelLink }

// Netns attaches a program that looks up sockets (Linux 5.9) or dissects flows (5.8) to a network
// namespace.
func Netns(p *loader.Program, o NetnsOptions) (Link, error) {
	r := request{
		program: p, kind: spec.HookNetns, target: "network namespace " + o.Path,
		advice: map[sys.Errno]string{
			sys.ENOENT: "there is no such file",
			sys.EINVAL: "this is not a network namespace, or not what the program is for",
			sys.EEXIST: "another flow dissector is attached there: detach it first",
		},
	}
	return r.do(func(prog int) (l Link, err error) {
		if o.Path == "" {
			return nil, errors.New("no namespace was named; that of this process is /proc/self/ns/net")
		}
		err = atFile(o.Path, func(ns int) error {
			fd, err := sys.CreateLink(&sys.LinkCreate{
				ProgFD: uint32(prog), Target: uint32(ns), AttachType: uint32(netnsHooks[p.Type()]),
			})
			l = &netnsLink{r.linked(fd)}
			return err
		})
		return l, err
	})
}

// Info asks the kernel about the link.
func (l *netnsLink) Info() (Info, error) {
	info, x, err := l.info()
	info.Netns, info.AttachType = x.word(0), spec.AttachType(x.word(1))
	return info, err
}

// attachNetns attaches as a spec says.
func attachNetns(p *loader.Program, _ spec.Attach, t spec.Target) (Link, error) {
	return Netns(p, NetnsOptions{Path: t.Netns})
}
