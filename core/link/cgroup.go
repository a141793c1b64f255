package link

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// CgroupOptions say where a cgroup program is attached.
type CgroupOptions struct {
	Path  string // directory in a cgroup2 file system
	Flags uint32 // none is defined for links up to Linux 6.16
}

// cgroupHooks has the hook of program types that have one only, for programs that do not say it.
var cgroupHooks = map[spec.ProgramType]spec.AttachType{
	spec.ProgramCgroupSock:   spec.AttachTypeCgroupInetSockCreate,
	spec.ProgramCgroupDevice: spec.AttachTypeCgroupDevice,
	spec.ProgramCgroupSysctl: spec.AttachTypeCgroupSysctl,
	spec.ProgramSockOps:      spec.AttachTypeCgroupSockOps,
}

// cgroupLink is BPF_LINK_TYPE_CGROUP.
type cgroupLink struct{ kernelLink }

// Cgroup attaches a program to all processes of a cgroup and those below it; which hook it is was
// decided when the program was loaded (Linux 5.7).
func Cgroup(p *loader.Program, o CgroupOptions) (Link, error) {
	attach := p.AttachType()
	if hook, ok := cgroupHooks[p.Type()]; ok && attach == 0 {
		attach = hook
	}
	r := request{
		program: p, kind: spec.HookCgroup, target: "cgroup " + o.Path + " " + attach.String(),
		caps: []sys.Capability{sys.CapBPF, sys.CapNetAdmin},
		advice: map[sys.Errno]string{
			sys.EBADF:  "this is not a directory of a cgroup2 file system",
			sys.ENOENT: "there is no such cgroup",
			sys.EPERM:  "a program attached above or below without allowing others may forbid it",
		},
	}
	return r.do(func(prog int) (l Link, err error) {
		if p.Type() == spec.ProgramLSM {
			if err := lsmActive(); err != nil {
				return nil, err
			}
		}
		err = atFile(o.Path, func(dir int) error {
			fd, err := sys.CreateLink(&sys.LinkCreate{
				ProgFD: uint32(prog), Target: uint32(dir), AttachType: uint32(attach), Flags: o.Flags,
			})
			l = &cgroupLink{r.linked(fd)}
			return err
		})
		return l, err
	})
}

// Info asks the kernel about the link.
func (l *cgroupLink) Info() (Info, error) {
	info, x, err := l.info()
	info.Cgroup, info.AttachType = binary.NativeEndian.Uint64(x[:]), spec.AttachType(x.word(2))
	return info, err
}

// attachCgroup attaches as a spec says.
func attachCgroup(p *loader.Program, a spec.Attach, t spec.Target) (Link, error) {
	return Cgroup(p, CgroupOptions{Path: t.Cgroup, Flags: a.Flags})
}
