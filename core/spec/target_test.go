package spec

import (
	"strings"
	"testing"
)

func TestResolveTarget(t *testing.T) {
	typed := &Program{Type: ProgramTracing, AttachTo: "vmlinux:tcp_connect"}
	traced := &Program{Type: ProgramTracepoint, AttachTo: "sched/sched_switch"}
	ops := &Program{Type: ProgramStructOps, AttachTo: "tcp_congestion_ops___x.ssthresh"}
	other := &Program{Type: ProgramXDP, AttachTo: "elsewhere"}
	for _, tt := range []struct {
		p    *Program
		a    Attach
		want string // of the target, and of what it is in
	}{
		{other, Attach{Kind: HookXDP, Target: "eth0", Netns: "/run/netns/a"}, "eth0 in /run/netns/a"},
		{other, Attach{Kind: HookTCX, Target: "eth0"}, "eth0"},
		{other, Attach{Kind: HookSocket, Target: "eth0", Netns: "/run/netns/a"}, "eth0 in /run/netns/a"},
		{other, Attach{Kind: HookSocket}, "the target is missing: interface"},
		{other, Attach{Kind: HookXDP, Target: "eth0:x"}, `"eth0:x" is not the name of an interface`},
		{other, Attach{Kind: HookTCX, Target: ".."}, "is not the name of an interface"},
		{other, Attach{Kind: HookXDP}, "the target is missing: interface"},
		{other, Attach{Kind: HookCgroup, Target: "/sys/fs/cgroup/a"}, "/sys/fs/cgroup/a"},
		{other, Attach{Kind: HookCgroup}, "the target is missing: path of a cgroup"},
		{other, Attach{Kind: HookCgroup, Target: "/a", Netns: "/n"}, `network namespace "/n" is named, but cgroup targets are in none`},
		{traced, Attach{Kind: HookTracepoint}, "sched/sched_switch"},
		{traced, Attach{Kind: HookTracepoint, Target: "syscalls/sys_enter_openat"}, "syscalls/sys_enter_openat"},
		{traced, Attach{Kind: HookTracepoint, Target: "/"}, `target "/" is not category/name`},
		{traced, Attach{Kind: HookTracepoint, Target: "a/b/c"}, "is not category/name"},
		{traced, Attach{Kind: HookTracepoint, Target: "../b"}, "is not category/name"},
		{traced, Attach{Kind: HookRawTracepoint, Target: "sys_enter"}, "sys_enter"},
		{typed, Attach{Kind: HookTracing}, "tcp_connect"},
		{typed, Attach{Kind: HookTracing, Target: "vmlinux:tcp_connect"}, "tcp_connect"},
		{typed, Attach{Kind: HookTracing, Target: "tcp_close"}, `target "tcp_close" is not "vmlinux:tcp_connect", which the program is loaded for`},
		{&Program{AttachTo: "nf-tables:nft_do_chain"}, Attach{Kind: HookTracing}, "nf_tables:nft_do_chain"},
		{&Program{AttachTo: ":f"}, Attach{Kind: HookTracing}, "names no module before the colon"},
		{&Program{AttachTo: "m:"}, Attach{Kind: HookTracing}, "names no function"},
		{&Program{}, Attach{Kind: HookTracing}, "names no function"},
		{&Program{AttachTo: "f"}, Attach{Kind: HookKprobe}, "f"},
		{&Program{AttachTo: "f"}, Attach{Kind: HookKprobe, Target: "m:g+0x10"}, "m:g+0x10"},
		{&Program{AttachTo: "f"}, Attach{Kind: HookKprobe, Target: "+0"}, "names no function"},
		{&Program{AttachTo: "f"}, Attach{Kind: HookKprobe, Target: "g+x"}, `"x" is not an offset in target "g+x"`},
		{other, Attach{Kind: HookNetns, Target: "/run/netns/a"}, "/run/netns/a"},
		{other, Attach{Kind: HookNetns, Netns: "/run/netns/a"}, "/run/netns/a"},
		{other, Attach{Kind: HookNetns, Target: "/run/netns/a", Netns: "/run/netns/b"}, "is the target, and"},
		{other, Attach{Kind: HookNetns}, "the host's own is /proc/self/ns/net"},
		{ops, Attach{Kind: HookStructOps, Target: "cong"}, "tcp_congestion_ops/cong"},
		{&Program{Name: "p"}, Attach{Kind: HookStructOps, Target: "cong"}, `program "p" does not say which struct of the kernel it implements`},
		{ops, Attach{Kind: HookStructOps}, "the target is missing: map of type struct_ops"},
		{traced, Attach{Kind: HookRawTracepoint, Target: "sys_enter\x00_process_exec"}, `target "sys_enter\x00_process_exec" has a control character`},
		{traced, Attach{Kind: HookKprobe, Target: "f\x00g"}, "has a control character"},
		{other, Attach{Kind: HookXDP, Target: "eth0", Netns: "/run/netns/a\n"}, `target "/run/netns/a\n" has a control character`},
	} {
		got, err := ResolveTarget(tt.p, tt.a)
		text := got.String()
		if got.Interface != "" && got.Netns != "" {
			text += " in " + got.Netns
		}
		if err != nil {
			if got != (Target{}) {
				t.Errorf("%v: %+v beside %v", tt.a, got, err)
			}
			text = err.Error()
		}
		if text != tt.want && (err == nil || !strings.Contains(text, tt.want)) {
			t.Errorf("%+v of %q: %s, want %s", tt.a, tt.p.AttachTo, text, tt.want)
		}
	}
}
