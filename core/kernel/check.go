package kernel

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Check is something of this machine, or of this process, that decides whether programs can be loaded
// and attached.
type Check struct {
	Name   string
	Result CheckResult
	Detail string
	Causes []Cause // of a check that failed, or that something may fail by
}

// CheckResult is what comes of a check.
type CheckResult string

// The results.
const (
	CheckOK   CheckResult = "ok"
	CheckInfo CheckResult = "info" // a fact that decides nothing alone
	CheckWarn CheckResult = "warn" // some programs cannot be loaded or attached
	CheckFail CheckResult = "fail" // none can
)

// Checks looks for what keeps programs from being loaded and attached. Each check tries the thing, or
// reads what the kernel says of it. Nothing is changed and nothing stays.
func (k *Kernel) Checks() []Check {
	all := make([]Check, 0, len(checks))
	for _, c := range checks {
		check := c.run(k)
		check.Name = c.name
		all = append(all, check)
	}
	return all
}

// checks is in the order in which a cause counts: what comes first makes fail what comes later.
var checks = []struct {
	name string
	run  func(*Kernel) Check
}{
	{"kernel", checkVersion},
	{"bpf syscall", checkSyscall},
	{"user namespace", checkNamespace},
	{"capabilities", checkCapabilities},
	{"unprivileged bpf", checkUnprivileged},
	{"descriptors", checkFiles},
	{"memlock", checkMemlock},
	{"memory limit", checkMemory},
	{"map", func(k *Kernel) Check { return checkHas(k, spec.MapArray.Feature()) }},
	{"program", func(k *Kernel) Check { return checkHas(k, spec.ProgramSocketFilter.Feature()) }},
	{"lockdown", checkLockdown},
	{"security modules", checkModules},
	{"BTF", checkTypes},
	{"jit", checkJIT},
	{"bpffs", func(*Kernel) Check { return checkMount(sys.BPFfs, "maps and links cannot be pinned") }},
	{"tracefs", func(*Kernel) Check {
		return checkMount(sys.Tracefs, "tracepoints and kprobes are found only by who may mount it")
	}},
	{"cgroup", checkCgroup},
	{"perf events", checkPerf},
	{"symbols", checkSymbols},
	{"kernel options", checkOptions},
}

func ok(format string, args ...any) Check {
	return Check{Result: CheckOK, Detail: fmt.Sprintf(format, args...)}
}

func info(format string, args ...any) Check {
	return Check{Result: CheckInfo, Detail: fmt.Sprintf(format, args...)}
}

// bad is a check that did not pass, by its causes.
func bad(r CheckResult, causes ...Cause) Check {
	return Check{Result: r, Detail: texts(causes), Causes: causes}
}

func checkVersion(k *Kernel) Check {
	release, _, err := sys.Uname()
	switch {
	case err != nil:
		return bad(CheckFail, Cause{CauseSyscall, err.Error(), ""})
	case k.Before(spec.Oldest):
		return bad(CheckFail, Cause{CauseVersion, fmt.Sprintf("Linux %s is older than %v", release, spec.Oldest), fmt.Sprintf("run Linux %v or later", spec.Oldest)})
	}
	return ok("%s", release)
}

func checkSyscall(k *Kernel) Check {
	err, p := sys.TryBPF(), thisProcess()
	switch {
	case filtered(k, p, err):
		return bad(CheckFail, bySeccomp)
	case errors.Is(err, sys.ENOSYS):
		return bad(CheckFail, k.Causes(err)...)
	case p.seccomp:
		return info("there, with a filter of system calls before it")
	}
	return ok("available")
}

func checkNamespace(*Kernel) Check {
	if thisProcess().namespace {
		return bad(CheckFail, inNamespace)
	}
	return ok("the initial one")
}

// wantedCapabilities are those that programs of some types or some attachments take.
var wantedCapabilities = []sys.Capability{sys.CapBPF, sys.CapPerfmon, sys.CapNetAdmin, sys.CapSysAdmin}

func checkCapabilities(*Kernel) Check {
	var names []string
	for _, c := range wantedCapabilities {
		if Missing(c.String()) != "" {
			names = append(names, c.String())
		}
	}
	switch {
	case names == nil:
		return ok("all")
	case slices.Contains(names, sys.CapBPF.String()):
		return bad(CheckFail, lacking(strings.Join(names, " and ")))
	}
	return bad(CheckWarn, lacking(strings.Join(names, " and ")))
}

func checkUnprivileged(*Kernel) Check {
	n, err := readNumber("/proc/sys/kernel/unprivileged_bpf_disabled")
	switch {
	case err != nil:
		return info("unknown: %v", err)
	case n == 0:
		return info("allowed (kernel.unprivileged_bpf_disabled=0), for socket filters and cgroup_skb")
	case n == 1:
		return info("disabled until the next boot (kernel.unprivileged_bpf_disabled=1)")
	}
	return info("disabled (kernel.unprivileged_bpf_disabled=%d)", n)
}

func checkFiles(*Kernel) Check {
	most, limited := limit("Max open files")
	has := uint64(openFiles())
	switch {
	case !limited:
		return ok("no limit")
	case has+16 > most:
		return bad(CheckWarn, noFiles(sys.EMFILE))
	}
	return ok("%d of %d", has, most)
}

func checkMemlock(k *Kernel) Check {
	most, limited := limit("Max locked memory")
	text := "no limit"
	if limited {
		text = fmt.Sprintf("%d KiB", most>>10)
	}
	switch {
	case !k.ChargesMemlock():
		return ok("%s, not used by this kernel", text)
	case limited && sys.RaiseMemlock() != nil:
		return bad(CheckWarn, Cause{CauseMemlock, fmt.Sprintf("RLIMIT_MEMLOCK is %s, which this kernel charges maps and programs to", text), "ulimit -l unlimited"})
	}
	return ok("%s, which this kernel charges; raised", text)
}

func checkMemory(*Kernel) Check {
	most, used, group, limited := memoryLimit()
	switch {
	case !limited:
		return ok("none")
	case used > most-most/16:
		return bad(CheckWarn, noMemory())
	}
	return info("%d MiB of %d are used in %s", used>>20, most>>20, group)
}

// checkHas tries the thing itself.
func checkHas(k *Kernel, f spec.Feature) Check {
	err := k.Has(f)
	if err == nil {
		return ok("%s can be made", f.What())
	}
	causes := k.Causes(err, capabilitiesOf(f)...)
	if causes == nil {
		causes = []Cause{{CauseBuild, err.Error(), ""}}
	}
	return bad(CheckFail, causes...)
}

func checkLockdown(*Kernel) Check {
	if mode := lockdown(); mode != "" {
		return info("%s", mode)
	}
	return ok("none")
}

func checkModules(k *Kernel) Check {
	list, err := k.SecurityModules()
	if err != nil {
		return info("unknown: %v", err)
	}
	text := strings.Join(list, ", ")
	if !slices.Contains(list, "bpf") {
		return info("%s; programs of LSM hooks would never run without bpf among them", text)
	}
	return ok("%s", text)
}

func checkTypes(k *Kernel) Check {
	types, err := k.Types()
	if err != nil {
		causes := k.Causes(err, sys.CapSysAdmin.String())
		if causes == nil {
			causes = []Cause{noTypes}
		}
		return bad(CheckWarn, causes...)
	}
	modules, err := k.Modules()
	if err != nil {
		return info("of the kernel alone: %v", err)
	}
	var broken []string
	for _, m := range modules {
		if _, err := k.ModuleTypes(m); err != nil && !errors.Is(err, ErrNotSupported) {
			broken = append(broken, m)
		}
	}
	if broken != nil {
		return Check{Result: CheckWarn, Detail: "the types of these modules cannot be read: " + strings.Join(broken, ", ")}
	}
	return ok("%d types, %d modules with types", types.Len(), len(modules))
}

func checkJIT(*Kernel) Check {
	on, err := readNumber("/proc/sys/net/core/bpf_jit_enable")
	if err != nil {
		return info("unknown: %v", err)
	}
	if on == 0 {
		return bad(CheckWarn, Cause{CauseOption, "the JIT is off: programs are slow, and such as call kernel functions cannot be loaded", "sysctl net.core.bpf_jit_enable=1"})
	}
	if hard, err := readNumber("/proc/sys/net/core/bpf_jit_harden"); err == nil {
		return ok("on, hardening %d", hard)
	}
	return ok("on")
}

func checkMount(s sys.FileSystem, without string) Check {
	for _, root := range s.Roots {
		if s.Holds(root) {
			return ok("%s", root)
		}
	}
	e := &sys.MountError{Type: s.Type, Root: s.Roots[0]}
	c := New(Options{}).Causes(e)
	c[0].Text += ": " + without
	return bad(CheckWarn, c...)
}

func checkCgroup(*Kernel) Check {
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(dir + "/cgroup.controllers"); err == nil {
			return ok("version 2 at %s", dir)
		}
	}
	return bad(CheckWarn, Cause{CauseMount, "no version 2 hierarchy is mounted at /sys/fs/cgroup, which programs of cgroups are attached to", "mount -t cgroup2 cgroup2 DIR"})
}

func checkPerf(*Kernel) Check {
	b, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
	if err != nil {
		return bad(CheckWarn, Cause{CauseOption, "the kernel has no perf events: probes and tracepoints cannot be attached", ""})
	}
	return info("kernel.perf_event_paranoid=%s", strings.TrimSpace(string(b)))
}

func checkSymbols(k *Kernel) Check {
	_, hidden, err := k.Symbols("_stext")
	switch {
	case err != nil:
		return info("unknown: %v", err)
	case hidden:
		return info("addresses are hidden from this process (kernel.kptr_restrict, or no CAP_SYSLOG)")
	}
	return ok("shown")
}

// options are what kernels can be built without, and what is not there then.
var options = []struct{ name, without string }{
	{"CONFIG_BPF_SYSCALL", "bpf(2)"}, {"CONFIG_BPF_JIT", "a JIT"}, {"CONFIG_CGROUP_BPF", "programs of cgroups"},
	{"CONFIG_BPF_EVENTS", "tracing"}, {"CONFIG_KPROBES", "kprobes"}, {"CONFIG_UPROBES", "uprobes"}, {"CONFIG_TRACEPOINTS", "tracepoints"},
	{"CONFIG_FPROBE", "kprobes of many functions"}, {"CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "fentry and fexit"},
	{"CONFIG_FUNCTION_ERROR_INJECTION", "fmod_ret"}, {"CONFIG_BPF_LSM", "LSM programs"}, {"CONFIG_DEBUG_INFO_BTF", "types of the kernel"},
	{"CONFIG_DEBUG_INFO_BTF_MODULES", "types of modules"}, {"CONFIG_NET_CLS_BPF", "tc filters"}, {"CONFIG_NET_ACT_BPF", "tc actions"},
	{"CONFIG_XDP_SOCKETS", "AF_XDP"}, {"CONFIG_LWTUNNEL_BPF", "programs of tunnels"}, {"CONFIG_BPF_STREAM_PARSER", "sockmaps"},
	{"CONFIG_NETFILTER_BPF_LINK", "netfilter programs"}, {"CONFIG_NETKIT", "netkit"}, {"CONFIG_MODULES", "modules"},
	{"CONFIG_KALLSYMS", "symbols"}, {"CONFIG_FTRACE_SYSCALLS", "tracepoints of system calls"}, {"CONFIG_PERF_EVENTS", "perf events"},
	{"CONFIG_CGROUPS", "cgroups"},
}

func checkOptions(k *Kernel) Check {
	var lacks []string
	for _, o := range options {
		value, set, err := k.Config(o.name)
		if err != nil {
			return info("unknown: %v", err)
		}
		if !set || value == "n" {
			lacks = append(lacks, o.without)
		}
	}
	if lacks != nil {
		return info("built without %s", strings.Join(lacks, ", "))
	}
	return ok("all that eBPF takes")
}

// Conclude returns the causes that checks found, those that keep everything from being loaded first, each
// once.
func Conclude(checks []Check) []Cause {
	var all []Cause
	for _, r := range []CheckResult{CheckFail, CheckWarn} {
		for _, c := range checks {
			if c.Result != r {
				continue
			}
			for _, cause := range c.Causes {
				if !slices.ContainsFunc(all, func(have Cause) bool { return have.Code == cause.Code && have.Text == cause.Text }) {
					all = append(all, cause)
				}
			}
		}
	}
	return all
}
