package kernel_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// injectEnv tells a process which injection it is for, and injectStage what of it is left to do.
const (
	injectEnv   = "BPFHOST_TEST_INJECT"
	injectStage = "BPFHOST_TEST_INJECTED"
)

// injection takes something from a process, for real, so that the kernel refuses it something.
type injection struct {
	name  string
	code  string                        // of the cause that has to come first
	text  string                        // that it has to have
	attr  *syscall.SysProcAttr          // of the process
	take  func() error                  // in the process, which then executes itself
	needs func(k *kernel.Kernel) string // why it cannot be injected here
	ask   func(k *kernel.Kernel) error  // what is refused; nil asks all checks
	caps  []string                      // that ask takes
	stays bool                          // it does not execute itself
	group bool                          // it wants a memory cgroup
}

// injections are all that processes can do to themselves. What the machine has stays as it is.
var injections = []injection{
	{name: "capability", code: kernel.CauseCapabilities, text: "lacks CAP_BPF and", take: func() error { return dropCapabilities(capNetAdmin) }},
	{name: "one capability", code: kernel.CauseCapabilities, text: "lacks CAP_NET_ADMIN", take: func() error { return dropCapabilities(capBPF, capPerfmon) },
		ask: func(k *kernel.Kernel) error { return k.Has(spec.ProgramXDP.Feature()) }, caps: spec.ProgramXDP.Capabilities()},
	{name: "user namespace", code: kernel.CauseNamespace, text: "user namespace", attr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{Size: 1}}, GidMappings: []syscall.SysProcIDMap{{Size: 1}}}},
	{name: "seccomp", code: kernel.CauseSeccomp, text: "forbids bpf(2)", take: sys.ForbidBPF},
	{name: "no types", code: kernel.CauseTypes, text: "does not show its types", attr: ownMounts, take: func() error { return cover("/sys/kernel/btf") },
		ask: func(*kernel.Kernel) error {
			k := kernel.New(kernel.Options{TypesDir: "/sys/kernel/btf"}) // and not a mount of sysfs for this process alone
			_, err := k.Types()
			return err
		}, needs: func(k *kernel.Kernel) string { _, err := k.Types(); return reason(err) }},
	{name: "no bpffs", code: kernel.CauseMount, text: "bpf is not mounted at /sys/fs/bpf", attr: ownMounts, take: func() error { return cover("/sys/fs/bpf") },
		ask: func(k *kernel.Kernel) error { return k.ExplainPin("/sys/fs/bpf/x", sys.EPERM) }},
	{name: "no tracefs", code: kernel.CauseMount, text: "tracefs is not mounted", attr: ownMounts, take: func() error {
		return errors.Join(cover("/sys/kernel"), dropCapabilities(capBPF, capPerfmon, capNetAdmin))
	}, ask: func(*kernel.Kernel) error { _, err := sys.Tracefs.ReadFile("events/header_page"); return err }},
	{name: "nobody", code: kernel.CauseCapabilities, text: "lacks CAP_BPF", stays: true, take: func() error {
		return errors.Join(syscall.Setgroups(nil), syscall.Setresgid(65534, 65534, 65534), syscall.Setresuid(65534, 65534, 65534))
	}},
	{name: "descriptors", code: kernel.CauseFiles, text: "descriptors", take: func() error {
		return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 16, Max: 16})
	}, ask: func(k *kernel.Kernel) error {
		for range 16 { // what is open already differs
			_, _ = sys.Open("/dev/null")
		}
		return k.Has(spec.MapHash.Feature())
	}},
	{name: "memory of a control group", code: kernel.CauseMemory, text: "MiB of memory", group: true, take: joinGroup, ask: wantMemory,
		needs: func(k *kernel.Kernel) string {
			if k.ChargesMemlock() {
				return "needs kernel 5.11, which charges memory cgroups"
			}
			return ""
		}},
	{name: "memlock", code: kernel.CauseMemlock, text: "RLIMIT_MEMLOCK", take: func() error {
		return errors.Join(syscall.Setrlimit(8, &syscall.Rlimit{}), dropCapabilities(capBPF, capPerfmon, capNetAdmin, capSysAdmin))
	}, needs: func(k *kernel.Kernel) string {
		if k.ChargesMemlock() {
			return ""
		}
		return "needs kernel 5.10: newer ones do not charge RLIMIT_MEMLOCK"
	}},
	{name: "module", code: kernel.CauseModule, text: "not loaded", needs: func(k *kernel.Kernel) string {
		if k.Before(spec.ModuleTypesSince) {
			return "needs kernel 5.11, which shows types of modules"
		}
		_, err := k.Types()
		return reason(err)
	},
		ask: func(k *kernel.Kernel) error { _, err := k.ModuleTypes("bpfhost_no_such_module"); return err }},
	{name: "version", code: kernel.CauseVersion, text: "need Linux", ask: func(*kernel.Kernel) error {
		old := kernel.New(kernel.Options{Version: 5<<16 | 10<<8})
		return old.TooOld([]spec.Requirement{{What: "arena maps", Since: spec.MapArena.Since()}}, sys.EINVAL)
	}},
}

var ownMounts = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}

// Numbers of include/uapi/linux/capability.h.
const (
	capNetAdmin = 12
	capSysAdmin = 21
	capPerfmon  = 38
	capBPF      = 39
)

func reason(err error) string {
	if err != nil {
		return "needs CONFIG_DEBUG_INFO_BTF: " + err.Error()
	}
	return ""
}

// dropCapabilities takes all capabilities but some out of the bounding set of this thread.
func dropCapabilities(kept ...uintptr) error {
	const capbsetDrop = 24 // linux/prctl.h
	for n := uintptr(0); n < 64; n++ {
		keep := false
		for _, k := range kept {
			keep = keep || k == n
		}
		if keep {
			continue
		}
		if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, capbsetDrop, n, 0); e != 0 && e != syscall.EINVAL {
			return e
		}
	}
	return nil
}

// cover hides a directory in the mount namespace of this process.
func cover(dir string) error {
	err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("none", dir, "tmpfs", syscall.MS_RDONLY, "")
	}
	return err
}

// groupEnv tells a process which memory cgroup it is to be in.
const groupEnv = "BPFHOST_TEST_GROUP"

// memoryGroup makes a memory cgroup with little memory; it is empty where none can be made.
func memoryGroup(t *testing.T) string {
	for _, root := range []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup"} {
		dir, err := os.MkdirTemp(root, "bpfhost-test-")
		if err != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(dir) })
		for _, file := range []string{"memory.limit_in_bytes", "memory.max"} { // version 1, 2
			if _, err := os.Stat(filepath.Join(dir, file)); err == nil && os.WriteFile(filepath.Join(dir, file), []byte("33554432"), 0o644) == nil {
				return dir
			}
		}
	}
	return ""
}

// joinGroup puts this process into the memory cgroup.
func joinGroup() error {
	return os.WriteFile(filepath.Join(os.Getenv(groupEnv), "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0o644)
}

// wantMemory asks for a map that the memory cgroup has no room for.
func wantMemory(*kernel.Kernel) error {
	fd, err := sys.CreateMap(&sys.MapCreate{Type: uint32(spec.MapArray), KeySize: 4, ValueSize: 4096, MaxEntries: 32 << 10})
	fd.Close()
	return err
}

// runInjection is what the process of an injection does: it takes what is to be missing, executes itself,
// and prints the first cause.
func runInjection(name string) error {
	for _, in := range injections {
		if in.name != name {
			continue
		}
		if in.take != nil && os.Getenv(injectStage) == "" {
			runtime.LockOSThread()      // of which the capabilities are
			exe, err := os.Executable() // before its directory may be hidden
			if err == nil {
				err = in.take()
			}
			if err != nil {
				return fmt.Errorf("inject: %w", err)
			}
			if !in.stays {
				return syscall.Exec(exe, os.Args, append(os.Environ(), injectStage+"=1"))
			}
		}
		k := kernel.New(kernel.Options{})
		var causes []kernel.Cause
		if in.ask != nil {
			err := in.ask(k)
			if causes = k.Causes(err, in.caps...); causes == nil {
				return fmt.Errorf("no cause for: %v", err)
			}
		} else {
			causes = kernel.Conclude(k.Checks())
		}
		if len(causes) == 0 {
			return errors.New("no cause")
		}
		fmt.Printf("%s: %s\n", causes[0].Code, causes[0].Text)
		return nil
	}
	return fmt.Errorf("there is no injection %q", name)
}

// TestCausesInjected takes from processes what they need, for real, and wants the right cause named
// first.
func TestCausesInjected(t *testing.T) {
	needKernel(t)
	k := kernel.New(kernel.Options{})
	defer k.Close()
	for _, in := range injections {
		t.Run(in.name, func(t *testing.T) {
			if in.needs != nil {
				if why := in.needs(k); why != "" {
					t.Skip(why)
				}
			}
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(exe)
			cmd.Env = append(os.Environ(), injectEnv+"="+in.name)
			if in.group {
				dir := memoryGroup(t)
				if dir == "" {
					t.Skip("needs CONFIG_MEMCG and a hierarchy of it that is mounted: no memory cgroup can be made")
				}
				cmd.Env = append(cmd.Env, groupEnv+"="+dir)
			}
			cmd.SysProcAttr = in.attr
			out, err := cmd.CombinedOutput()
			if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
				testenv.Skip(t, testenv.Kernel, err.Error())
			}
			if got := string(out); err != nil || !strings.HasPrefix(got, in.code+": ") || !strings.Contains(got, in.text) {
				t.Errorf("first cause: %s%v, want %s with %q", got, err, in.code, in.text)
			}
		})
	}
}
