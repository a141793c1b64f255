package elf

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

// sections has for each name what it must stand for, by the lower-case names of type and expected
// attach type, and what it says to attach to. Written from libbpf's documentation, not from rules.
var sections = []struct {
	name, typ, attach, to string
	flags                 spec.ProgramFlags
}{
	{"socket", "socket_filter", "", "", 0},
	{"sk_reuseport", "sk_reuseport", "sk_reuseport_select", "", 0},
	{"sk_reuseport/migrate", "sk_reuseport", "sk_reuseport_select_or_migrate", "", 0},
	{"kprobe", "kprobe", "", "", 0},
	{"kprobe/do_unlinkat+0x10", "kprobe", "", "do_unlinkat+0x10", 0},
	{"kretprobe/f", "kprobe", "", "f", 0},
	{"ksyscall/openat", "kprobe", "", "openat", 0},
	{"kretsyscall/openat", "kprobe", "", "openat", 0},
	{"kprobe.multi/tcp_*", "kprobe", "trace_kprobe_multi", "tcp_*", 0},
	{"kretprobe.multi/*", "kprobe", "trace_kprobe_multi", "*", 0},
	{"kprobe.session/x", "kprobe", "trace_kprobe_session", "x", 0},
	{"uprobe//bin/sh:main", "kprobe", "", "/bin/sh:main", 0},
	{"uretprobe/libc.so.6:malloc", "kprobe", "", "libc.so.6:malloc", 0},
	{"uprobe.s/a:b", "kprobe", "", "a:b", sleepable},
	{"uretprobe.s/a:b", "kprobe", "", "a:b", sleepable},
	{"uprobe.multi/a:b*", "kprobe", "trace_uprobe_multi", "a:b*", 0},
	{"uretprobe.multi/a:b", "kprobe", "trace_uprobe_multi", "a:b", 0},
	{"uprobe.session/a:b", "kprobe", "trace_uprobe_session", "a:b", 0},
	{"uprobe.multi.s/a:b", "kprobe", "trace_uprobe_multi", "a:b", sleepable},
	{"uretprobe.multi.s/a:b", "kprobe", "trace_uprobe_multi", "a:b", sleepable},
	{"uprobe.session.s/a:b", "kprobe", "trace_uprobe_session", "a:b", sleepable},
	{"usdt/a:b:c", "kprobe", "", "a:b:c", 0},
	{"usdt.s/a:b:c", "kprobe", "", "a:b:c", sleepable},
	{"tc", "sched_cls", "", "", 0},
	{"classifier", "sched_cls", "", "", 0},
	{"action", "sched_act", "", "", 0},
	{"tc/ingress", "sched_cls", "tcx_ingress", "", 0},
	{"tcx/ingress", "sched_cls", "tcx_ingress", "", 0},
	{"tc/egress", "sched_cls", "tcx_egress", "", 0},
	{"tcx/egress", "sched_cls", "tcx_egress", "", 0},
	{"netkit/primary", "sched_cls", "netkit_primary", "", 0},
	{"netkit/peer", "sched_cls", "netkit_peer", "", 0},
	{"tracepoint/sched/sched_switch", "tracepoint", "", "sched/sched_switch", 0},
	{"tp/a/b", "tracepoint", "", "a/b", 0},
	{"tracepoint.s/a/b", "tracepoint", "", "a/b", sleepable},
	{"tp.s/a/b", "tracepoint", "", "a/b", sleepable},
	{"raw_tracepoint/a", "raw_tracepoint", "", "a", 0},
	{"raw_tp/a", "raw_tracepoint", "", "a", 0},
	{"raw_tracepoint.s/a", "raw_tracepoint", "", "a", sleepable},
	{"raw_tp.s/a", "raw_tracepoint", "", "a", sleepable},
	{"raw_tracepoint.w/a", "raw_tracepoint_writable", "", "a", 0},
	{"raw_tp.w/a", "raw_tracepoint_writable", "", "a", 0},
	{"tp_btf/a", "tracing", "trace_raw_tp", "a", 0},
	{"tp_btf.s/a", "tracing", "trace_raw_tp", "a", sleepable},
	{"fentry/nf_conntrack:f", "tracing", "trace_fentry", "nf_conntrack:f", 0},
	{"fentry.s/f", "tracing", "trace_fentry", "f", sleepable},
	{"fexit/f", "tracing", "trace_fexit", "f", 0},
	{"fexit.s/f", "tracing", "trace_fexit", "f", sleepable},
	{"fmod_ret/f", "tracing", "modify_return", "f", 0},
	{"fmod_ret.s/f", "tracing", "modify_return", "f", sleepable},
	{"fsession/f", "tracing", "trace_fsession", "f", 0},
	{"fsession.s/f", "tracing", "trace_fsession", "f", sleepable},
	{"fentry.multi/f*", "tracing", "trace_fentry_multi", "f*", 0},
	{"fentry.multi.s/f*", "tracing", "trace_fentry_multi", "f*", sleepable},
	{"fexit.multi/f*", "tracing", "trace_fexit_multi", "f*", 0},
	{"fexit.multi.s/f*", "tracing", "trace_fexit_multi", "f*", sleepable},
	{"fsession.multi/f*", "tracing", "trace_fsession_multi", "f*", 0},
	{"fsession.multi.s/f*", "tracing", "trace_fsession_multi", "f*", sleepable},
	{"freplace/f", "ext", "", "f", 0},
	{"lsm/file_open", "lsm", "lsm_mac", "file_open", 0},
	{"lsm.s/file_open", "lsm", "lsm_mac", "file_open", sleepable},
	{"lsm_cgroup/socket_bind", "lsm", "lsm_cgroup", "socket_bind", 0},
	{"iter/task", "tracing", "trace_iter", "task", 0},
	{"iter.s/task", "tracing", "trace_iter", "task", sleepable},
	{"syscall", "syscall", "", "", sleepable},
	{"xdp", "xdp", "xdp", "", 0},
	{"xdp.frags", "xdp", "xdp", "", frags},
	{"xdp/devmap", "xdp", "xdp_devmap", "", 0},
	{"xdp.frags/devmap", "xdp", "xdp_devmap", "", frags},
	{"xdp/cpumap", "xdp", "xdp_cpumap", "", 0},
	{"xdp.frags/cpumap", "xdp", "xdp_cpumap", "", frags},
	{"perf_event", "perf_event", "", "", 0},
	{"lwt_in", "lwt_in", "", "", 0},
	{"lwt_out", "lwt_out", "", "", 0},
	{"lwt_xmit", "lwt_xmit", "", "", 0},
	{"lwt_seg6local", "lwt_seg6local", "", "", 0},
	{"sockops", "sock_ops", "cgroup_sock_ops", "", 0},
	{"sk_skb", "sk_skb", "", "", 0},
	{"sk_skb/stream_parser", "sk_skb", "sk_skb_stream_parser", "", 0},
	{"sk_skb/stream_verdict", "sk_skb", "sk_skb_stream_verdict", "", 0},
	{"sk_skb/verdict", "sk_skb", "sk_skb_verdict", "", 0},
	{"sk_msg", "sk_msg", "sk_msg_verdict", "", 0},
	{"lirc_mode2", "lirc_mode2", "lirc_mode2", "", 0},
	{"flow_dissector", "flow_dissector", "flow_dissector", "", 0},
	{"cgroup_skb/ingress", "cgroup_skb", "cgroup_inet_ingress", "", 0},
	{"cgroup_skb/egress", "cgroup_skb", "cgroup_inet_egress", "", 0},
	{"cgroup/skb", "cgroup_skb", "", "", 0},
	{"cgroup/sock_create", "cgroup_sock", "cgroup_inet_sock_create", "", 0},
	{"cgroup/sock", "cgroup_sock", "cgroup_inet_sock_create", "", 0},
	{"cgroup/sock_release", "cgroup_sock", "cgroup_inet_sock_release", "", 0},
	{"cgroup/post_bind4", "cgroup_sock", "cgroup_inet4_post_bind", "", 0},
	{"cgroup/post_bind6", "cgroup_sock", "cgroup_inet6_post_bind", "", 0},
	{"cgroup/bind4", "cgroup_sock_addr", "cgroup_inet4_bind", "", 0},
	{"cgroup/bind6", "cgroup_sock_addr", "cgroup_inet6_bind", "", 0},
	{"cgroup/connect4", "cgroup_sock_addr", "cgroup_inet4_connect", "", 0},
	{"cgroup/connect6", "cgroup_sock_addr", "cgroup_inet6_connect", "", 0},
	{"cgroup/sendmsg4", "cgroup_sock_addr", "cgroup_udp4_sendmsg", "", 0},
	{"cgroup/sendmsg6", "cgroup_sock_addr", "cgroup_udp6_sendmsg", "", 0},
	{"cgroup/recvmsg4", "cgroup_sock_addr", "cgroup_udp4_recvmsg", "", 0},
	{"cgroup/recvmsg6", "cgroup_sock_addr", "cgroup_udp6_recvmsg", "", 0},
	{"cgroup/getpeername4", "cgroup_sock_addr", "cgroup_inet4_getpeername", "", 0},
	{"cgroup/getpeername6", "cgroup_sock_addr", "cgroup_inet6_getpeername", "", 0},
	{"cgroup/getsockname4", "cgroup_sock_addr", "cgroup_inet4_getsockname", "", 0},
	{"cgroup/getsockname6", "cgroup_sock_addr", "cgroup_inet6_getsockname", "", 0},
	{"cgroup/connect_unix", "cgroup_sock_addr", "cgroup_unix_connect", "", 0},
	{"cgroup/sendmsg_unix", "cgroup_sock_addr", "cgroup_unix_sendmsg", "", 0},
	{"cgroup/recvmsg_unix", "cgroup_sock_addr", "cgroup_unix_recvmsg", "", 0},
	{"cgroup/getpeername_unix", "cgroup_sock_addr", "cgroup_unix_getpeername", "", 0},
	{"cgroup/getsockname_unix", "cgroup_sock_addr", "cgroup_unix_getsockname", "", 0},
	{"cgroup/sysctl", "cgroup_sysctl", "cgroup_sysctl", "", 0},
	{"cgroup/getsockopt", "cgroup_sockopt", "cgroup_getsockopt", "", 0},
	{"cgroup/setsockopt", "cgroup_sockopt", "cgroup_setsockopt", "", 0},
	{"cgroup/dev", "cgroup_device", "cgroup_device", "", 0},
	{"struct_ops", "struct_ops", "", "", 0},
	{"struct_ops.s/x", "struct_ops", "", "x", sleepable},
	{"sk_lookup", "sk_lookup", "sk_lookup", "", 0},
	{"netfilter", "netfilter", "netfilter", "", 0},
}

func TestSections(t *testing.T) {
	covered := make(map[string]bool)
	for _, tt := range sections {
		r, to, ok := match(tt.name)
		if !ok {
			t.Errorf("%s matches nothing", tt.name)
			continue
		}
		covered[r.pattern] = true
		attach := r.attach.String()
		if tt.attach == "" {
			attach = ""
		}
		if r.typ.String() != tt.typ || !strings.HasSuffix(attach, tt.attach) || tt.attach == "" && r.attach != 0 || to != tt.to || r.flags != tt.flags {
			t.Errorf("%s is %v, %v, %q, %#x", tt.name, r.typ, r.attach, to, r.flags)
		}
	}
	for _, r := range rules {
		if !covered[r.pattern] {
			t.Errorf("rule %s is not tested", r.pattern)
		}
	}
	for _, name := range []string{"", "xdp_drop", "xdp/", "xdp/x", "socket/1", "kprobe_x", "tc/", "tcx", "cgroup", "Xdp", "kprobe.x/y", "fentry.multi.x"} {
		if r, _, ok := match(name); ok {
			t.Errorf("%q matches %s", name, r.pattern)
		}
	}
}

func TestSectionsLenient(t *testing.T) {
	for name, want := range map[string]string{
		"socket/2": "socket", "xdp_drop": "xdp", "xdp/devmap_7": "xdp/devmap", "cgroup/sock_x": "cgroup/sock",
		"kprobe.multi_x": "kprobe.multi+", "tcx/ingress/7": "tcx/ingress",
	} {
		if r, ok := matchPrefix(name); !ok || r.pattern != want {
			t.Errorf("%q matches %q, want %q", name, r.pattern, want)
		}
	}
	if _, ok := matchPrefix("none"); ok {
		t.Error("none matches")
	}
	const text = "section xdp_drop\n.func drop\nr0 = 1\nexit\nsection ?kprobe/f\n.func probe\nr0 = 0\nexit"
	b := elftest.MustBytes(text)
	c, err := LoadBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Program("drop"); p.Type != 0 || len(c.Notes) != 1 || c.Notes[0].Code != NoteUnknown {
		t.Errorf("exact: %v, notes %+v", p.Type, c.Notes)
	}
	if p := c.Program("probe"); !p.Optional || p.Type != spec.ProgramKprobe || p.AttachTo != "f" || p.Section != "?kprobe/f" {
		t.Errorf("optional program: %+v", p)
	}
	if c, err = (LoadOptions{Lenient: true}).LoadBytes(b); err != nil {
		t.Fatal(err)
	}
	if p := c.Program("drop"); p.Type != spec.ProgramXDP || len(c.Notes) != 1 || c.Notes[0].Code != NoteLenient {
		t.Errorf("lenient: %v, notes %+v", p.Type, c.Notes)
	}
}

// TestSectionsOfFunctions reads what compilers make with a section for each function: those of .text are libraries,
// used or not.
func TestSectionsOfFunctions(t *testing.T) {
	c, err := LoadBytes(elftest.MustBytes("section xdp\n.func drop\ncall used\nexit\nsection .text.used\n.func used\nr0 = 1\nexit\nsection .text.unused\n.func unused\nr0 = 1\nexit"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Programs) != 1 || c.Programs[0].FindFunc("used") < 0 || len(c.Notes) > 0 || c.Check() != nil {
		t.Errorf("%d programs, notes %v, %v", len(c.Programs), c.Notes, c.Check())
	}
}
