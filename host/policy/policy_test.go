package policy

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestBuiltIn holds the built-in default against the list of rights that it must not grant,
// whatever a plugin requests.
func TestBuiltIn(t *testing.T) {
	p := BuiltIn()
	if p.Name() != "built-in default" {
		t.Errorf("name %q", p.Name())
	}
	w := requests(t, "program *", "program ext", "program lsm", "program syscall", "program struct_ops",
		"helper *", "helper bpf_probe_write_user", "helper bpf_override_return", "helper bpf_send_signal", "helper bpf_send_signal_thread",
		"helper bpf_sys_bpf", "helper bpf_sys_close", "helper bpf_kallsyms_lookup_name", "helper bpf_btf_find_by_name_kind", "helper #9999",
		"kfunc *", "kfunc crash_kexec", "kfunc bpf_send_signal_task", "map *", "map-rw *", "object edit", "sleepable", "modify_return",
		"attach xdp:*", "attach tcx:*", "attach cgroup:*", "attach tracepoint:*", "attach raw_tracepoint:*", "attach tracing:*",
		"attach kprobe:*", "attach netns:*", "attach tracepoint:sched/sched_switch", "pin-read *", "pin-write *", "pin-share *")
	right := func(name string) Access { return Access{Kind: KindRight, Name: name} }
	pin := func(path string) Access { return Access{Kind: KindPinWrite, Name: path} }
	for _, s := range []Access{
		ProgramType(spec.ProgramExt), ProgramType(spec.ProgramLSM), ProgramType(spec.ProgramSyscall), ProgramType(spec.ProgramStructOps),
		right(RightFreplace), right(RightSyscall), right(RightStructOps), right(RightModifyReturn),
		Helper(asm.HelperProbeWriteUser), Helper(asm.HelperOverrideReturn), Helper(asm.HelperSendSignal), Helper(asm.HelperSendSignalThread),
		Helper(asm.HelperSysBpf), Helper(asm.HelperSysClose), Helper(asm.HelperKallsymsLookupName), Helper(asm.HelperBTFFindByNameKind), Helper(9999),
		{Kind: KindKfunc, Name: "crash_kexec"}, {Kind: KindKfunc, Name: "bpf_send_signal_task"}, {Kind: KindNumeric, Name: "map #5"},
		{Kind: KindPinShare, Name: "counts"}, pin(""),
		pin("/sys/fs/bpf/other"), pin("/sys/fs/bpf/bpfhost"), pin("/sys/fs/bpf/bpfhost/../x"), pin("/sys/fs/bpf/bpfhost2/x"),
		Helper(asm.HelperProbeReadKernel), Helper(asm.HelperCopyFromUser), hook(spec.HookCgroup, "/sys/fs/cgroup"),
		hook(spec.HookTracepoint, "sched/sched_wakeup"), hook(spec.HookKprobe, "do_unlinkat"), hook(spec.HookTracing, "tcp_connect"),
		{Kind: KindPrograms, Value: 257}, {Kind: KindMaps, Value: 257}, {Kind: KindInsns, Value: 1_000_001},
		{Kind: KindBytes, Value: 1 << 29}, {Kind: KindTotalBytes, Value: 1 << 30},
	} {
		if v := p.Decision(w, s); v.Allowed || v.Line != 0 {
			t.Errorf("built-in: %+v", v)
		}
	}
	for _, s := range []Access{
		ProgramType(spec.ProgramXDP), ProgramType(spec.ProgramTracing), right(RightSleepable), Helper(asm.HelperMapLookupElem),
		{Kind: KindKfunc, Name: "bpf_dynptr_slice"}, MapType(spec.MapRingbuf), MapRW("counts"), ObjectEdit("drops"),
		hook(spec.HookXDP, "eth0"), hook(spec.HookCgroup, "/sys/fs/cgroup/a/b"), hook(spec.HookTracepoint, "sched/sched_switch"),
		{Kind: KindNetns, Name: "/run/netns/a"}, pin("/sys/fs/bpf/bpfhost/x/y"), {Kind: KindTotalBytes, Value: 1 << 29},
		{Kind: KindObject, Name: "drops"}, {Kind: KindPlugin, Name: "any"},
	} {
		if v := p.Decision(w, s); !v.Allowed {
			t.Errorf("built-in: %v", v.Err())
		}
		if v := p.Decision(requests(t), s); v.Allowed && s.Kind != KindNetns && s.Kind != KindTotalBytes && s.Kind != KindObject && s.Kind != KindPlugin {
			t.Errorf("granted without a request: %+v", v)
		}
	}
}

// TestListPaths finds kinds of hooks that the language does not know.
func TestListPaths(t *testing.T) {
	for _, f := range spec.HookFamilies() {
		if listPaths[attachKey(f.Name)] != "attach."+f.Name {
			t.Errorf("attach.%s is not in listPaths", f.Name)
		}
	}
}
