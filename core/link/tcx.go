package link

import (
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Direction is a way that packets go through an interface.
type Direction uint8

// The directions.
const (
	Default Direction = iota // what the program was loaded for, or else ingress
	Ingress
	Egress
)

// The places in a list of programs (BPF_F_BEFORE, BPF_F_AFTER of include/uapi/linux/bpf.h).
const (
	First uint32 = 1 << 3
	Last  uint32 = 1 << 4
)

// TCXOptions say where a program for traffic control is attached.
type TCXOptions struct {
	Interface string
	Netns     string // path of the network namespace the interface lives in; empty is this process's
	Direction Direction
	Flags     uint32 // First, Last, or 0 for behind those that are there
}

// TCX attaches a program to an interface's traffic control, beside others (Linux 6.6).
func TCX(p *loader.Program, o TCXOptions) (*Link, error) {
	attach := spec.AttachTypeTCXIngress
	switch {
	case o.Direction == Egress, o.Direction == Default && p.AttachType() == spec.AttachTypeTCXEgress:
		attach = spec.AttachTypeTCXEgress
	}
	r := request{
		program: p, kind: spec.AttachTCX, target: onInterface(o.Interface, o.Netns) + " " + attach.String(),
		caps:  []sys.Capability{sys.CapBPF, sys.CapNetAdmin},
		types: []spec.ProgramType{spec.ProgramSchedCls},
		advice: map[sys.Errno]string{
			sys.ENODEV: "no such interface in that network namespace",
			sys.EEXIST: "this program is attached there already",
		},
	}
	return r.do(func(l *Link, prog int) error {
		return atInterface(o.Interface, o.Netns, func(index int) (err error) {
			l.fd, err = sys.CreateMprogLink(&sys.LinkCreateMprog{LinkCreate: sys.LinkCreate{
				ProgFD: uint32(prog), Target: uint32(index), AttachType: uint32(attach), Flags: o.Flags,
			}})
			return err
		})
	})
}
