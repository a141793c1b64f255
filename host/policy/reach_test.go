package policy

import (
	"regexp"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestReach: what reaches far passes the built-in policy only if it is requested by name, and any
// policy that grants it without by_name.
func TestReach(t *testing.T) {
	kfunc := func(name string) Access { return Access{Kind: KindKfunc, Name: name} }
	wild := requests(t, "helper *", "helper probe_*", "helper bpf_probe_read_kerne?", "kfunc *", "attach *", "attach kprobe:do_*",
		"attach cgroup:/sys/*", "attach tracing:vmlinux:*")
	open := parse(t, `{programs: {helpers: ["*"], kfuncs: ["*"]},
attach: {cgroup: ["*"], kprobe: ["*"], tracing: ["*"], tracepoint: ["*"], raw_tracepoint: ["*"], xdp: ["*"], netns: ["*"]}}`)
	for _, tt := range []struct {
		a    Access
		name string // the request that names it
		want Reach
	}{
		{Helper(asm.HelperProbeRead), "helper bpf_probe_read", ReachMemory},
		{Helper(asm.HelperProbeReadKernel), "helper probe_read_kernel", ReachMemory},
		{Helper(asm.HelperProbeReadUserStr), "helper bpf_probe_read_user_str", ReachMemory},
		{Helper(asm.HelperCopyFromUser), "helper bpf_copy_from_user", ReachMemory},
		{Helper(asm.HelperCopyFromUserTask), "helper bpf_copy_from_user_task", ReachMemory},
		{Helper(asm.HelperTracePrintk), "helper bpf_trace_printk", ReachMemory},
		{Helper(asm.HelperSnprintf), "helper bpf_snprintf", ReachMemory},
		{Helper(asm.HelperSnprintfBTF), "helper bpf_snprintf_btf", ReachMemory},
		{kfunc("bpf_probe_read_user_dynptr"), "kfunc bpf_probe_read_user_dynptr", ReachMemory},
		{kfunc("bpf_rdonly_cast___x"), "kfunc bpf_rdonly_cast", ReachMemory},
		{kfunc("bpf_strlen"), "kfunc bpf_strlen", ReachMemory},
		{hook(spec.HookKprobe, "do_unlinkat"), "attach kprobe:do_unlinkat", ReachMachine},
		{hook(spec.HookTracing, "bprm_check_security___x"), "attach tracing:bprm_check_security", ReachMachine},
		{hook(spec.HookTracepoint, "sched/sched_switch"), "attach tracepoint:sched/sched_switch", ReachMachine},
		{hook(spec.HookRawTracepoint, "sys_enter"), "attach *:sys_enter", ReachMachine},
		{hook(spec.HookCgroup, "/sys/fs/cgroup"), "attach cgroup:/sys/fs/cgroup", ReachMachine},
		{hook(spec.HookCgroup, "/sys/fs/cgroup/unified"), "attach cgroup:/sys/fs/cgroup/unified", ReachMachine},
		{hook(spec.HookCgroup, "/proc/self/root/sys/fs/cgroup"), "attach cgroup:/proc/self/root/sys/fs/cgroup", ReachMachine},
		{hook(spec.HookCgroup, "/mnt/root"), "attach cgroup:/mnt/root", ReachMachine},
		{hook(spec.HookCgroup, "/sys/fs/cgroup/app"), "", ""},
		{hook(spec.HookXDP, "eth0"), "", ""},
		{hook(spec.HookNetns, "/run/netns/a"), "", ""},
		{Helper(asm.HelperMapLookupElem), "", ""},
		{Helper(asm.HelperGetCurrentTask), "", ""},
		{kfunc("bpf_dynptr_slice"), "", ""},
		{MapRW("counts"), "", ""},
	} {
		if got := tt.a.Reach(); got != tt.want {
			t.Errorf("%s: reach %q, want %q", tt.a, got, tt.want)
		}
		if tt.want == "" {
			continue
		}
		if d := open.Decision(wild, tt.a); !d.Allowed || d.Reach != tt.want {
			t.Errorf("a policy without by_name: %+v", d)
		}
		if d := BuiltIn().Decision(wild, tt.a); d.Allowed || d.Rule != Unrequested || d.Reason == "" {
			t.Errorf("built-in, by wildcard: %+v", d)
		}
		if d := BuiltIn().Decision(requests(t, tt.name), tt.a); !d.Allowed || d.Reach != tt.want {
			t.Errorf("built-in, %s: %+v", tt.name, d)
		}
	}
}

// TestReachOfNames finds names whose reach is in them, such as a new way to read user memory, without
// their mark.
func TestReachOfNames(t *testing.T) {
	far := regexp.MustCompile(`probe_read|copy_from_user|printf|printk|_bstr$|rdonly_cast`)
	found := 0
	for n, row := range classTable() {
		if (n.kind == ClassHelper || n.kind == ClassKfunc) && far.MatchString(n.name) {
			found++
			if row.reach != ReachMemory {
				t.Errorf("%s %s: reach %q", n.kind, n.name, row.reach)
			}
		}
		if n.kind == ClassHook && row.reach == "" && !regexp.MustCompile(`^(cgroup|netns|socket|tcx|xdp)$`).MatchString(n.name) {
			t.Errorf("nobody said that %s hooks do not see the whole machine", n.name)
		}
	}
	if found < 20 {
		t.Errorf("%d names", found)
	}
}
