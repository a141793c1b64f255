package spec

import "testing"

func TestDefaultAttach(t *testing.T) {
	tests := []struct {
		p    Program
		kind AttachKind
		ok   bool
	}{
		{Program{Type: ProgramXDP, Section: "xdp"}, AttachXDP, false},
		{Program{Type: ProgramXDP, AttachType: AttachTypeXDPCpumap}, AttachNone, false},
		{Program{Type: ProgramSchedCls, AttachType: AttachTypeTCXIngress}, AttachTCX, false},
		{Program{Type: ProgramSchedCls, AttachType: AttachTypeNetkitPeer}, AttachNone, false},
		{Program{Type: ProgramCgroupSkb}, AttachCgroup, false},
		{Program{Type: ProgramTracepoint, AttachTo: "sched/sched_switch"}, AttachTracepoint, true},
		{Program{Type: ProgramTracepoint}, AttachTracepoint, false},
		{Program{Type: ProgramRawTracepoint, AttachTo: "sys_enter"}, AttachRawTracepoint, true},
		{Program{Type: ProgramTracing, AttachType: AttachTypeTraceFentry, AttachTo: "f"}, AttachTracing, true},
		{Program{Type: ProgramTracing, AttachType: AttachTypeTraceIter, AttachTo: "task"}, AttachNone, false},
		{Program{Type: ProgramTracing, AttachType: AttachTypeTraceFexitMulti, AttachTo: "tcp_*"}, AttachNone, false},
		{Program{Type: ProgramLSM, AttachType: AttachTypeLSMMac, AttachTo: "file_open"}, AttachTracing, true},
		{Program{Type: ProgramLSM, AttachType: AttachTypeLSMCgroup, AttachTo: "file_open"}, AttachCgroup, false},
		{Program{Type: ProgramKprobe, Section: "?kprobe/f", AttachTo: "f"}, AttachKprobe, true},
		{Program{Type: ProgramKprobe, AttachTo: "f"}, AttachKprobe, true},
		{Program{Type: ProgramKprobe, Section: "uprobe/f", AttachTo: "f"}, AttachNone, false},
		{Program{Type: ProgramKprobe, Section: "kprobe.multi/f", AttachType: AttachTypeTraceKprobeMulti, AttachTo: "f"}, AttachNone, false},
		{Program{Type: ProgramSkLookup}, AttachNetns, false},
		{Program{Type: ProgramSyscall}, AttachNone, false},
	}
	for _, tt := range tests {
		a, ok := DefaultAttach(&tt.p)
		if a.Kind != tt.kind || ok != tt.ok || ok && a.Target != tt.p.AttachTo {
			t.Errorf("%v %q: got %v %q, %v", tt.p.Type, tt.p.Section, a.Kind, a.Target, ok)
		}
	}
}

func TestAttachKindNames(t *testing.T) {
	for k := AttachNone; int(k) < len(attachKindNames); k++ {
		if got, ok := ParseAttachKind(k.String()); !ok || got != k {
			t.Errorf("%v is parsed as %v", k, got)
		}
	}
	if _, ok := ParseAttachKind("x"); ok {
		t.Error("x is a kind")
	}
	if AttachKind(77).String() != "attach_kind(77)" {
		t.Error(AttachKind(77))
	}
}
