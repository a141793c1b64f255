package secdef

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

// sections has for each name what it must imply, by the lower-case names of type and expected
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
	{"uprobe.s/a:b", "kprobe", "", "a:b", spec.FlagSleepable},
	{"uretprobe.s/a:b", "kprobe", "", "a:b", spec.FlagSleepable},
	{"uprobe.multi/a:b*", "kprobe", "trace_uprobe_multi", "a:b*", 0},
	{"uretprobe.multi/a:b", "kprobe", "trace_uprobe_multi", "a:b", 0},
	{"uprobe.session/a:b", "kprobe", "trace_uprobe_session", "a:b", 0},
	{"uprobe.multi.s/a:b", "kprobe", "trace_uprobe_multi", "a:b", spec.FlagSleepable},
	{"uretprobe.multi.s/a:b", "kprobe", "trace_uprobe_multi", "a:b", spec.FlagSleepable},
	{"uprobe.session.s/a:b", "kprobe", "trace_uprobe_session", "a:b", spec.FlagSleepable},
	{"usdt/a:b:c", "kprobe", "", "a:b:c", 0},
	{"usdt.s/a:b:c", "kprobe", "", "a:b:c", spec.FlagSleepable},
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
	{"tracepoint.s/a/b", "tracepoint", "", "a/b", spec.FlagSleepable},
	{"tp.s/a/b", "tracepoint", "", "a/b", spec.FlagSleepable},
	{"raw_tracepoint/a", "raw_tracepoint", "", "a", 0},
	{"raw_tp/a", "raw_tracepoint", "", "a", 0},
	{"raw_tracepoint.s/a", "raw_tracepoint", "", "a", spec.FlagSleepable},
	{"raw_tp.s/a", "raw_tracepoint", "", "a", spec.FlagSleepable},
	{"raw_tracepoint.w/a", "raw_tracepoint_writable", "", "a", 0},
	{"raw_tp.w/a", "raw_tracepoint_writable", "", "a", 0},
	{"tp_btf/a", "tracing", "trace_raw_tp", "a", 0},
	{"tp_btf.s/a", "tracing", "trace_raw_tp", "a", spec.FlagSleepable},
	{"fentry/nf_conntrack:f", "tracing", "trace_fentry", "nf_conntrack:f", 0},
	{"fentry.s/f", "tracing", "trace_fentry", "f", spec.FlagSleepable},
	{"fexit/f", "tracing", "trace_fexit", "f", 0},
	{"fexit.s/f", "tracing", "trace_fexit", "f", spec.FlagSleepable},
	{"fmod_ret/f", "tracing", "modify_return", "f", 0},
	{"fmod_ret.s/f", "tracing", "modify_return", "f", spec.FlagSleepable},
	{"fsession/f", "tracing", "trace_fsession", "f", 0},
	{"fsession.s/f", "tracing", "trace_fsession", "f", spec.FlagSleepable},
	{"fentry.multi/f*", "tracing", "trace_fentry_multi", "f*", 0},
	{"fentry.multi.s/f*", "tracing", "trace_fentry_multi", "f*", spec.FlagSleepable},
	{"fexit.multi/f*", "tracing", "trace_fexit_multi", "f*", 0},
	{"fexit.multi.s/f*", "tracing", "trace_fexit_multi", "f*", spec.FlagSleepable},
	{"fsession.multi/f*", "tracing", "trace_fsession_multi", "f*", 0},
	{"fsession.multi.s/f*", "tracing", "trace_fsession_multi", "f*", spec.FlagSleepable},
	{"freplace/f", "ext", "", "f", 0},
	{"lsm/file_open", "lsm", "lsm_mac", "file_open", 0},
	{"lsm.s/file_open", "lsm", "lsm_mac", "file_open", spec.FlagSleepable},
	{"lsm_cgroup/socket_bind", "lsm", "lsm_cgroup", "socket_bind", 0},
	{"iter/task", "tracing", "trace_iter", "task", 0},
	{"iter.s/task", "tracing", "trace_iter", "task", spec.FlagSleepable},
	{"syscall", "syscall", "", "", spec.FlagSleepable},
	{"xdp", "xdp", "xdp", "", 0},
	{"xdp.frags", "xdp", "xdp", "", spec.FlagXDPFrags},
	{"xdp/devmap", "xdp", "xdp_devmap", "", 0},
	{"xdp.frags/devmap", "xdp", "xdp_devmap", "", spec.FlagXDPFrags},
	{"xdp/cpumap", "xdp", "xdp_cpumap", "", 0},
	{"xdp.frags/cpumap", "xdp", "xdp_cpumap", "", spec.FlagXDPFrags},
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
	{"struct_ops.s/x", "struct_ops", "", "x", spec.FlagSleepable},
	{"sk_lookup", "sk_lookup", "sk_lookup", "", 0},
	{"netfilter", "netfilter", "netfilter", "", 0},
}

func TestSections(t *testing.T) {
	covered := make(map[string]bool)
	for _, tt := range sections {
		r, to, ok := Match(tt.name)
		if !ok {
			t.Errorf("%s matches nothing", tt.name)
			continue
		}
		covered[r.Pattern] = true
		attach := r.AttachType.String()
		if tt.attach == "" {
			attach = ""
		}
		if r.Type.String() != tt.typ || !strings.HasSuffix(attach, tt.attach) || tt.attach == "" && r.AttachType != 0 || to != tt.to || r.Flags != tt.flags {
			t.Errorf("%s is %v, %v, %q, %#x", tt.name, r.Type, r.AttachType, to, r.Flags)
		}
	}
	for _, r := range Defs {
		if !covered[r.Pattern] {
			t.Errorf("rule %s is not tested", r.Pattern)
		}
	}
	for _, name := range []string{"", "xdp_drop", "xdp/", "xdp/x", "socket/1", "kprobe_x", "tc/", "tcx", "cgroup", "Xdp", "kprobe.x/y", "fentry.multi.x"} {
		if r, _, ok := Match(name); ok {
			t.Errorf("%q matches %s", name, r.Pattern)
		}
	}
}

func TestSectionsPrefix(t *testing.T) {
	for name, want := range map[string]string{
		"socket/2": "socket", "xdp_drop": "xdp", "xdp/devmap_7": "xdp/devmap", "cgroup/sock_x": "cgroup/sock",
		"kprobe.multi_x": "kprobe.multi+", "tcx/ingress/7": "tcx/ingress",
	} {
		if r, ok := MatchPrefix(name); !ok || r.Pattern != want {
			t.Errorf("%q matches %q, want %q", name, r.Pattern, want)
		}
	}
	if _, ok := MatchPrefix("none"); ok {
		t.Error("none matches")
	}
}
