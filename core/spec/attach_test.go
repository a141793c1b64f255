package spec

import "testing"

func TestDefaultAttach(t *testing.T) {
	tests := []struct {
		p    Program
		kind HookKind
		ok   bool
	}{
		{Program{Type: ProgramXDP, Section: "xdp"}, HookXDP, false},
		{Program{Type: ProgramXDP, AttachType: AttachTypeXDPCpumap}, HookNone, false},
		{Program{Type: ProgramSchedCls, AttachType: AttachTypeTCXIngress}, HookTCX, false},
		{Program{Type: ProgramSchedCls, AttachType: AttachTypeNetkitPeer}, HookNone, false},
		{Program{Type: ProgramCgroupSkb}, HookCgroup, false},
		{Program{Type: ProgramTracepoint, AttachTo: "sched/sched_switch"}, HookTracepoint, true},
		{Program{Type: ProgramTracepoint}, HookTracepoint, false},
		{Program{Type: ProgramRawTracepoint, AttachTo: "sys_enter"}, HookRawTracepoint, true},
		{Program{Type: ProgramTracing, AttachType: AttachTypeTraceFentry, AttachTo: "f"}, HookTracing, true},
		{Program{Type: ProgramTracing, AttachType: AttachTypeTraceIter, AttachTo: "task"}, HookNone, false},
		{Program{Type: ProgramTracing, AttachType: AttachTypeTraceFexitMulti, AttachTo: "tcp_*"}, HookNone, false},
		{Program{Type: ProgramLSM, AttachType: AttachTypeLSMMac, AttachTo: "file_open"}, HookTracing, true},
		{Program{Type: ProgramLSM, AttachType: AttachTypeLSMCgroup, AttachTo: "file_open"}, HookCgroup, false},
		{Program{Type: ProgramKprobe, Section: "?kprobe/f", Probe: ProbeKprobe, AttachTo: "f"}, HookKprobe, true},
		{Program{Type: ProgramKprobe, Probe: ProbeKretprobe, AttachTo: "f"}, HookKprobe, true},
		{Program{Type: ProgramKprobe, AttachTo: "f"}, HookKprobe, true},
		{Program{Type: ProgramKprobe, Section: "kprobe/f", AttachTo: "f"}, HookNone, false}, // the name says nothing
		{Program{Type: ProgramKprobe, Section: "uprobe/f", Probe: ProbeUprobe, AttachTo: "f"}, HookNone, false},
		{Program{Type: ProgramKprobe, Section: "kprobe.multi/f", Probe: ProbeKprobe, AttachType: AttachTypeTraceKprobeMulti, AttachTo: "f"}, HookNone, false},
		{Program{Type: ProgramSkLookup}, HookNetns, false},
		{Program{Type: ProgramSocketFilter, Section: "socket"}, HookSocket, false},
		{Program{Type: ProgramSyscall}, HookNone, false},
	}
	for _, tt := range tests {
		a, ok := DefaultAttach(&tt.p)
		if a.Kind != tt.kind || ok != tt.ok || ok && a.Target != tt.p.AttachTo {
			t.Errorf("%v %q: got %v %q, %v", tt.p.Type, tt.p.Section, a.Kind, a.Target, ok)
		}
	}
}
