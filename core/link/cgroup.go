package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

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
		advice: map[sys.Errno]string{
			sys.EBADF:  "this is not a directory of a cgroup2 file system",
			sys.ENOENT: "there is no such cgroup",
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
		if errors.Is(err, sys.EPERM) {
			if dir := exclusive(o.Path, attach); dir != "" {
				r.advice[sys.EPERM] = "a program at cgroup " + dir + " was attached without allowing others (BPF_F_ALLOW_MULTI): detach it first"
			}
		}
		return l, err
	})
}

// Flags of programs that were attached without a link (include/uapi/linux/bpf.h).
const (
	allowOverride uint32 = 1 << 0
	allowMulti    uint32 = 1 << 1
)

// exclusive returns the cgroup, that one or the next above it that has a program, whose program
// allows no others (hierarchy_allows_attach of kernel/bpf/cgroup.c); empty if that is not so, or
// cannot be told.
func exclusive(path string, attach spec.AttachType) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	for dir, allowed := path, allowMulti; ; dir, allowed = filepath.Dir(dir), allowMulti|allowOverride {
		var (
			flags uint32
			n     int
		)
		err := atFile(dir, func(fd int) (err error) {
			flags, n, err = sys.QueryProgs(fd, uint32(attach))
			return err
		})
		switch {
		case err != nil: // above the root, or nothing may be asked
			return ""
		case flags&allowed == 0 && n > 0:
			return dir
		case flags&allowMulti != 0 || n > 0 || dir == filepath.Dir(dir):
			return ""
		}
	}
}

// Info asks the kernel about the link.
func (l *cgroupLink) Info() (Info, error) {
	info, x, err := l.info()
	info.Cgroup, info.AttachType = binary.NativeEndian.Uint64(x[:]), spec.AttachType(x.word(2))
	return info, err
}

// attachCgroup attaches as a spec says. A path that leads to the cgroup through symbolic links is
// refused, since another one was judged.
func attachCgroup(p *loader.Program, a spec.Attach, t spec.Target) (Link, error) {
	if real, err := filepath.EvalSymlinks(t.Cgroup); err == nil && real != t.Cgroup {
		err := fmt.Errorf("this is another name of %q; use that", real)
		return nil, &Error{Program: p.Name(), Kind: a.Kind, Target: fmt.Sprintf("%q", t.Cgroup), Err: err}
	}
	return Cgroup(p, CgroupOptions{Path: t.Cgroup, Flags: a.Flags})
}
