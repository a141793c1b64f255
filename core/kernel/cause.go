package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Cause is a reason why the kernel refuses something to this process.
type Cause struct {
	Code string // one word, one of the constants below
	Text string // "this process lacks CAP_BPF"
	Fix  string // what to do about it, in words or as a command; may be empty
}

// The codes of causes.
const (
	CauseSyscall      = "syscall"      // there is no bpf(2)
	CauseSeccomp      = "seccomp"      // a filter of system calls forbids bpf(2)
	CauseNamespace    = "namespace"    // capabilities in a user namespace do not count
	CauseCapabilities = "capabilities" // some are missing
	CauseMemlock      = "memlock"      // RLIMIT_MEMLOCK is too low
	CauseMemory       = "memory"       // a memory cgroup has no more
	CauseFiles        = "files"        // there are no more descriptors
	CauseLockdown     = "lockdown"     // the kernel is locked down
	CauseSecurity     = "security"     // a security module may forbid it
	CauseBuild        = "build"        // none of these: the kernel's build forbids it
	CauseMount        = "mount"        // a file system is not mounted
	CauseTypes        = "btf"          // the kernel does not show its types
	CauseModule       = "module"       // a module is not loaded
	CauseVersion      = "version"      // the kernel is too old
	CauseOption       = "option"       // the kernel was built without something
)

// Causes returns why the kernel may have refused what takes the capabilities, the most likely cause
// first. Each is found in this process and this kernel, none is guessed; none comes for an error that is
// about the thing itself, such as that of the verifier. All that explains refusals asks here.
func (k *Kernel) Causes(err error, capabilities ...string) []Cause {
	var old *FeatureError
	var option *OptionError
	var mount *sys.MountError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mount):
		return []Cause{{CauseMount, mount.Type + " is not mounted at " + mount.Root, fmt.Sprintf("mount -t %s %s %s", mount.Type, mount.Type, mount.Root)}}
	case errors.Is(err, ErrNoTypes):
		return []Cause{noTypes}
	case errors.Is(err, ErrNoModule):
		return []Cause{{CauseModule, "a module of the kernel is not loaded", "load it with modprobe"}}
	case errors.As(err, &old):
		return []Cause{{CauseVersion, old.Error(), "run Linux " + old.MinKernel + " or later"}}
	case errors.As(err, &option):
		return []Cause{{CauseOption, option.Error(), "run a kernel that was built with " + option.Option}}
	case errors.Is(err, sys.EMFILE), errors.Is(err, sys.ENFILE):
		return []Cause{noFiles(err)}
	case errors.Is(err, sys.ENOMEM):
		return []Cause{noMemory()}
	case errors.Is(err, sys.ENOSYS):
		return []Cause{{CauseSyscall, "there is no bpf(2): this kernel was built without CONFIG_BPF_SYSCALL, or a filter of system calls hides it", ""}}
	case errors.Is(err, fs.ErrPermission):
		return denied(k, k.ChargesMemlock(), capabilities)
	}
	return nil
}

var inNamespace = Cause{CauseNamespace, "this process is in a user namespace, where capabilities do not count for the kernel",
	"run it outside of the user namespace, as root of the machine"}

func lacking(names string) Cause {
	return Cause{CauseCapabilities, "this process lacks " + names, "run it as root, or with " + names}
}

func lockedDown(mode string) Cause {
	return Cause{CauseLockdown, "the kernel is locked down (" + mode + "), which may forbid it", "boot without lockdown=, or without Secure Boot"}
}

var bySeccomp = Cause{CauseSeccomp, "a seccomp filter of this process forbids bpf(2)",
	"start it without that filter: --security-opt seccomp=… of a container, SystemCallFilter= of a unit"}

var noTypes = Cause{CauseTypes, "this kernel does not show its types (/sys/kernel/btf/vmlinux)",
	"run a kernel with CONFIG_DEBUG_INFO_BTF; for CO-RE alone, --kernel takes types from a file"}

// denied finds why a call was forbidden: what certainly forbids it, or what may. charged says that the
// kernel charges what the call makes to RLIMIT_MEMLOCK.
func denied(k *Kernel, charged bool, capabilities []string) []Cause {
	var all []Cause
	p := thisProcess()
	if filtered(k, p, sys.TryBPF()) {
		all = append(all, bySeccomp)
	}
	missing := Missing(capabilities...)
	if p.namespace && len(capabilities) > 0 {
		all = append(all, inNamespace)
	}
	if missing != "" {
		all = append(all, lacking(missing))
	}
	if len(all) > 0 {
		return all
	}
	if charged {
		all = append(all, Cause{CauseMemlock, fmt.Sprintf("RLIMIT_MEMLOCK may be too low, which kernels before %v charge maps and programs to", memcgSince), "ulimit -l unlimited"})
	}
	return append(all, restricted(k, p)...)
}

// bareSince is the first version that tells everybody which commands of bpf(2) there are; kernels before it
// have no answer for those without CAP_BPF but EPERM, whatever the command.
var bareSince = spec.Version{Major: 5, Minor: 19}

// filtered reports whether a filter of system calls made the answer to a command that there is not.
func filtered(k *Kernel, p process, answer error) bool {
	refused := errors.Is(answer, sys.EPERM) || errors.Is(answer, sys.EACCES) || errors.Is(answer, sys.ENOSYS)
	return p.seccomp && refused && (!k.Before(bareSince) || !p.namespace && Missing(sys.CapBPF.String()) == "")
}

// restricted lists what else may forbid a call to a process that has all it takes.
func restricted(k *Kernel, p process) []Cause {
	var all []Cause
	if mode := lockdown(); mode != "" {
		all = append(all, lockedDown(mode))
	}
	if list, err := k.SecurityModules(); err == nil {
		for _, name := range list {
			if slices.Contains([]string{"selinux", "apparmor", "smack", "tomoyo"}, name) {
				all = append(all, Cause{CauseSecurity, "the security module " + name + " may forbid it", "look for what it denied in the audit log"})
			}
		}
	}
	if p.seccomp {
		all = append(all, Cause{CauseSeccomp, "a seccomp filter of this process may forbid it", "start it without that filter"})
	}
	if len(all) == 0 {
		all = append(all, Cause{CauseBuild, "no capability is missing, and there is no user namespace, filter of system calls, lockdown or security module that may forbid it, so the kernel's build does", ""})
	}
	return all
}

// noFiles says which limit of descriptors was reached.
func noFiles(err error) Cause {
	if errors.Is(err, sys.ENFILE) {
		return Cause{CauseFiles, "the system has no more descriptors", "sysctl fs.file-max=N"}
	}
	text := "this process has no more descriptors"
	if most, ok := limit("Max open files"); ok {
		text = fmt.Sprintf("this process may have %d descriptors, and has %d", most, openFiles())
	}
	return Cause{CauseFiles, text, "ulimit -n 65536"}
}

// noMemory says which control group has no more memory.
func noMemory() Cause {
	most, used, group, ok := memoryLimit()
	if !ok {
		return Cause{CauseMemory, "the kernel has no more memory of the kind that was asked for", "ask for less: --map-size"}
	}
	return Cause{CauseMemory, fmt.Sprintf("control group %s may use %d MiB of memory, and uses %d", group, most>>20, used>>20), "raise its limit, or ask for less: --map-size"}
}

// texts joins the texts of causes.
func texts(causes []Cause) string {
	list := make([]string, len(causes))
	for i, c := range causes {
		list[i] = c.Text
	}
	return strings.Join(list, "; ")
}
