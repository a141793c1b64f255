// Package secdef has the names of sections that hold programs, as libbpf defines them (its type
// bpf_sec_def): what type of program, with what expected attach type and flags, a name implies.
package secdef

import (
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
)

const (
	sleepable = spec.FlagSleepable
	frags     = spec.FlagXDPFrags
)

// Def says what a section name implies. A pattern that ends in "+" matches the name alone and
// the name followed by "/" and what to attach to; any other matches exactly.
type Def struct {
	Pattern    string
	Type       spec.ProgramType
	AttachType spec.AttachType
	Flags      spec.ProgramFlags
	Extra      string // what stands after the slash; for people
	Probe      spec.Probe
}

// Defs has every section name of programs that libbpf documents (Documentation/bpf/libbpf/
// program_types.rst of Linux). The first match counts. docs/sections.md is made from it.
var Defs = []Def{
	{"socket", spec.ProgramSocketFilter, 0, 0, "", 0},
	{"sk_reuseport/migrate", spec.ProgramSkReuseport, spec.AttachTypeSkReuseportSelectOrMigrate, 0, "", 0},
	{"sk_reuseport", spec.ProgramSkReuseport, spec.AttachTypeSkReuseportSelect, 0, "", 0},
	{"kprobe+", spec.ProgramKprobe, 0, 0, "function[+offset]", spec.ProbeKprobe},
	{"kretprobe+", spec.ProgramKprobe, 0, 0, "function", spec.ProbeKretprobe},
	{"ksyscall+", spec.ProgramKprobe, 0, 0, "system call", spec.ProbeKsyscall},
	{"kretsyscall+", spec.ProgramKprobe, 0, 0, "system call", spec.ProbeKretsyscall},
	{"uprobe+", spec.ProgramKprobe, 0, 0, "file:function[+offset]", spec.ProbeUprobe},
	{"uretprobe+", spec.ProgramKprobe, 0, 0, "file:function", spec.ProbeUretprobe},
	{"uprobe.s+", spec.ProgramKprobe, 0, sleepable, "file:function[+offset]", spec.ProbeUprobe},
	{"uretprobe.s+", spec.ProgramKprobe, 0, sleepable, "file:function", spec.ProbeUretprobe},
	{"kprobe.multi+", spec.ProgramKprobe, spec.AttachTypeTraceKprobeMulti, 0, "functions, with * and ?", spec.ProbeKprobe},
	{"kretprobe.multi+", spec.ProgramKprobe, spec.AttachTypeTraceKprobeMulti, 0, "functions, with * and ?", spec.ProbeKretprobe},
	{"kprobe.session+", spec.ProgramKprobe, spec.AttachTypeTraceKprobeSession, 0, "functions, with * and ?", spec.ProbeKprobe},
	{"uprobe.multi+", spec.ProgramKprobe, spec.AttachTypeTraceUprobeMulti, 0, "file:functions, with * and ?", spec.ProbeUprobe},
	{"uretprobe.multi+", spec.ProgramKprobe, spec.AttachTypeTraceUprobeMulti, 0, "file:functions, with * and ?", spec.ProbeUretprobe},
	{"uprobe.session+", spec.ProgramKprobe, spec.AttachTypeTraceUprobeSession, 0, "file:functions, with * and ?", spec.ProbeUprobe},
	{"uprobe.multi.s+", spec.ProgramKprobe, spec.AttachTypeTraceUprobeMulti, sleepable, "file:functions, with * and ?", spec.ProbeUprobe},
	{"uretprobe.multi.s+", spec.ProgramKprobe, spec.AttachTypeTraceUprobeMulti, sleepable, "file:functions, with * and ?", spec.ProbeUretprobe},
	{"uprobe.session.s+", spec.ProgramKprobe, spec.AttachTypeTraceUprobeSession, sleepable, "file:functions, with * and ?", spec.ProbeUprobe},
	{"usdt+", spec.ProgramKprobe, 0, 0, "file:provider:name", spec.ProbeUSDT},
	{"usdt.s+", spec.ProgramKprobe, 0, sleepable, "file:provider:name", spec.ProbeUSDT},
	{"tc/ingress", spec.ProgramSchedCls, spec.AttachTypeTCXIngress, 0, "", 0},
	{"tcx/ingress", spec.ProgramSchedCls, spec.AttachTypeTCXIngress, 0, "", 0},
	{"tc/egress", spec.ProgramSchedCls, spec.AttachTypeTCXEgress, 0, "", 0},
	{"tcx/egress", spec.ProgramSchedCls, spec.AttachTypeTCXEgress, 0, "", 0},
	{"netkit/primary", spec.ProgramSchedCls, spec.AttachTypeNetkitPrimary, 0, "", 0},
	{"netkit/peer", spec.ProgramSchedCls, spec.AttachTypeNetkitPeer, 0, "", 0},
	{"tc", spec.ProgramSchedCls, 0, 0, "", 0},
	{"classifier", spec.ProgramSchedCls, 0, 0, "", 0},
	{"action", spec.ProgramSchedAct, 0, 0, "", 0},
	{"tracepoint+", spec.ProgramTracepoint, 0, 0, "category/name", 0},
	{"tp+", spec.ProgramTracepoint, 0, 0, "category/name", 0},
	{"tracepoint.s+", spec.ProgramTracepoint, 0, sleepable, "category/name", 0},
	{"tp.s+", spec.ProgramTracepoint, 0, sleepable, "category/name", 0},
	{"raw_tracepoint+", spec.ProgramRawTracepoint, 0, 0, "tracepoint", 0},
	{"raw_tp+", spec.ProgramRawTracepoint, 0, 0, "tracepoint", 0},
	{"raw_tracepoint.s+", spec.ProgramRawTracepoint, 0, sleepable, "tracepoint", 0},
	{"raw_tp.s+", spec.ProgramRawTracepoint, 0, sleepable, "tracepoint", 0},
	{"raw_tracepoint.w+", spec.ProgramRawTracepointWritable, 0, 0, "tracepoint", 0},
	{"raw_tp.w+", spec.ProgramRawTracepointWritable, 0, 0, "tracepoint", 0},
	{"tp_btf+", spec.ProgramTracing, spec.AttachTypeTraceRawTp, 0, "tracepoint", 0},
	{"tp_btf.s+", spec.ProgramTracing, spec.AttachTypeTraceRawTp, sleepable, "tracepoint", 0},
	{"fentry+", spec.ProgramTracing, spec.AttachTypeTraceFentry, 0, "[module:]function", 0},
	{"fentry.s+", spec.ProgramTracing, spec.AttachTypeTraceFentry, sleepable, "[module:]function", 0},
	{"fexit+", spec.ProgramTracing, spec.AttachTypeTraceFexit, 0, "[module:]function", 0},
	{"fexit.s+", spec.ProgramTracing, spec.AttachTypeTraceFexit, sleepable, "[module:]function", 0},
	{"fmod_ret+", spec.ProgramTracing, spec.AttachTypeModifyReturn, 0, "[module:]function", 0},
	{"fmod_ret.s+", spec.ProgramTracing, spec.AttachTypeModifyReturn, sleepable, "[module:]function", 0},
	{"fsession+", spec.ProgramTracing, spec.AttachTypeTraceFsession, 0, "[module:]function", 0},
	{"fsession.s+", spec.ProgramTracing, spec.AttachTypeTraceFsession, sleepable, "[module:]function", 0},
	{"fentry.multi+", spec.ProgramTracing, spec.AttachTypeTraceFentryMulti, 0, "[module:]functions, with * and ?", 0},
	{"fentry.multi.s+", spec.ProgramTracing, spec.AttachTypeTraceFentryMulti, sleepable, "[module:]functions, with * and ?", 0},
	{"fexit.multi+", spec.ProgramTracing, spec.AttachTypeTraceFexitMulti, 0, "[module:]functions, with * and ?", 0},
	{"fexit.multi.s+", spec.ProgramTracing, spec.AttachTypeTraceFexitMulti, sleepable, "[module:]functions, with * and ?", 0},
	{"fsession.multi+", spec.ProgramTracing, spec.AttachTypeTraceFsessionMulti, 0, "[module:]functions, with * and ?", 0},
	{"fsession.multi.s+", spec.ProgramTracing, spec.AttachTypeTraceFsessionMulti, sleepable, "[module:]functions, with * and ?", 0},
	{"freplace+", spec.ProgramExt, 0, 0, "function of another program", 0},
	{"lsm+", spec.ProgramLSM, spec.AttachTypeLSMMac, 0, "hook", 0},
	{"lsm.s+", spec.ProgramLSM, spec.AttachTypeLSMMac, sleepable, "hook", 0},
	{"lsm_cgroup+", spec.ProgramLSM, spec.AttachTypeLSMCgroup, 0, "hook", 0},
	{"iter+", spec.ProgramTracing, spec.AttachTypeTraceIter, 0, "kind of object", 0},
	{"iter.s+", spec.ProgramTracing, spec.AttachTypeTraceIter, sleepable, "kind of object", 0},
	{"syscall", spec.ProgramSyscall, 0, sleepable, "", 0},
	{"xdp.frags/devmap", spec.ProgramXDP, spec.AttachTypeXDPDevmap, frags, "", 0},
	{"xdp/devmap", spec.ProgramXDP, spec.AttachTypeXDPDevmap, 0, "", 0},
	{"xdp.frags/cpumap", spec.ProgramXDP, spec.AttachTypeXDPCpumap, frags, "", 0},
	{"xdp/cpumap", spec.ProgramXDP, spec.AttachTypeXDPCpumap, 0, "", 0},
	{"xdp.frags", spec.ProgramXDP, spec.AttachTypeXDP, frags, "", 0},
	{"xdp", spec.ProgramXDP, spec.AttachTypeXDP, 0, "", 0},
	{"perf_event", spec.ProgramPerfEvent, 0, 0, "", 0},
	{"lwt_in", spec.ProgramLWTIn, 0, 0, "", 0},
	{"lwt_out", spec.ProgramLWTOut, 0, 0, "", 0},
	{"lwt_xmit", spec.ProgramLWTXmit, 0, 0, "", 0},
	{"lwt_seg6local", spec.ProgramLWTSeg6local, 0, 0, "", 0},
	{"sockops", spec.ProgramSockOps, spec.AttachTypeCgroupSockOps, 0, "", 0},
	{"sk_skb/stream_parser", spec.ProgramSkSkb, spec.AttachTypeSkSkbStreamParser, 0, "", 0},
	{"sk_skb/stream_verdict", spec.ProgramSkSkb, spec.AttachTypeSkSkbStreamVerdict, 0, "", 0},
	{"sk_skb/verdict", spec.ProgramSkSkb, spec.AttachTypeSkSkbVerdict, 0, "", 0},
	{"sk_skb", spec.ProgramSkSkb, 0, 0, "", 0},
	{"sk_msg", spec.ProgramSkMsg, spec.AttachTypeSkMsgVerdict, 0, "", 0},
	{"lirc_mode2", spec.ProgramLircMode2, spec.AttachTypeLircMode2, 0, "", 0},
	{"flow_dissector", spec.ProgramFlowDissector, spec.AttachTypeFlowDissector, 0, "", 0},
	{"cgroup_skb/ingress", spec.ProgramCgroupSkb, spec.AttachTypeCgroupInetIngress, 0, "", 0},
	{"cgroup_skb/egress", spec.ProgramCgroupSkb, spec.AttachTypeCgroupInetEgress, 0, "", 0},
	{"cgroup/skb", spec.ProgramCgroupSkb, 0, 0, "", 0},
	{"cgroup/sock_create", spec.ProgramCgroupSock, spec.AttachTypeCgroupInetSockCreate, 0, "", 0},
	{"cgroup/sock_release", spec.ProgramCgroupSock, spec.AttachTypeCgroupInetSockRelease, 0, "", 0},
	{"cgroup/sock", spec.ProgramCgroupSock, spec.AttachTypeCgroupInetSockCreate, 0, "", 0},
	{"cgroup/post_bind4", spec.ProgramCgroupSock, spec.AttachTypeCgroupInet4PostBind, 0, "", 0},
	{"cgroup/post_bind6", spec.ProgramCgroupSock, spec.AttachTypeCgroupInet6PostBind, 0, "", 0},
	{"cgroup/bind4", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupInet4Bind, 0, "", 0},
	{"cgroup/bind6", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupInet6Bind, 0, "", 0},
	{"cgroup/connect4", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupInet4Connect, 0, "", 0},
	{"cgroup/connect6", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupInet6Connect, 0, "", 0},
	{"cgroup/getpeername4", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupInet4Getpeername, 0, "", 0},
	{"cgroup/getpeername6", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupInet6Getpeername, 0, "", 0},
	{"cgroup/getsockname4", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupInet4Getsockname, 0, "", 0},
	{"cgroup/getsockname6", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupInet6Getsockname, 0, "", 0},
	{"cgroup/sendmsg4", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupUDP4Sendmsg, 0, "", 0},
	{"cgroup/sendmsg6", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupUDP6Sendmsg, 0, "", 0},
	{"cgroup/recvmsg4", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupUDP4Recvmsg, 0, "", 0},
	{"cgroup/recvmsg6", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupUDP6Recvmsg, 0, "", 0},
	{"cgroup/connect_unix", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupUnixConnect, 0, "", 0},
	{"cgroup/sendmsg_unix", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupUnixSendmsg, 0, "", 0},
	{"cgroup/recvmsg_unix", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupUnixRecvmsg, 0, "", 0},
	{"cgroup/getpeername_unix", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupUnixGetpeername, 0, "", 0},
	{"cgroup/getsockname_unix", spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupUnixGetsockname, 0, "", 0},
	{"cgroup/sysctl", spec.ProgramCgroupSysctl, spec.AttachTypeCgroupSysctl, 0, "", 0},
	{"cgroup/getsockopt", spec.ProgramCgroupSockopt, spec.AttachTypeCgroupGetsockopt, 0, "", 0},
	{"cgroup/setsockopt", spec.ProgramCgroupSockopt, spec.AttachTypeCgroupSetsockopt, 0, "", 0},
	{"cgroup/dev", spec.ProgramCgroupDevice, spec.AttachTypeCgroupDevice, 0, "", 0},
	{"struct_ops+", spec.ProgramStructOps, 0, 0, "any text", 0},
	{"struct_ops.s+", spec.ProgramStructOps, 0, sleepable, "any text", 0},
	{"sk_lookup", spec.ProgramSkLookup, spec.AttachTypeSkLookup, 0, "", 0},
	{"netfilter", spec.ProgramNetfilter, spec.AttachTypeNetfilter, 0, "", 0},
}

// Samples has names that the samples of the kernel and old versions of libbpf used, and that only
// the lenient rule knows, beside those that begin like a name of the table.
var Samples = []Def{
	{"xdp_devmap", spec.ProgramXDP, spec.AttachTypeXDPDevmap, 0, "", 0},
	{"xdp_cpumap", spec.ProgramXDP, spec.AttachTypeXDPCpumap, 0, "", 0},
	{"xdp.frags_devmap", spec.ProgramXDP, spec.AttachTypeXDPDevmap, frags, "", 0},
	{"xdp.frags_cpumap", spec.ProgramXDP, spec.AttachTypeXDPCpumap, frags, "", 0},
	{"seccomp", spec.ProgramSocketFilter, 0, 0, "", 0},
	{"ingress", spec.ProgramSchedCls, 0, 0, "", 0},
	{"egress", spec.ProgramSchedCls, 0, 0, "", 0},
	{"prog", spec.ProgramSchedCls, 0, 0, "", 0},
}

// Match finds the definition for a section name and what the name says to attach to.
func Match(name string) (Def, string, bool) { return MatchIn(Defs, name) }

// MatchIn is Match in a list of the caller.
func MatchIn(rules []Def, name string) (Def, string, bool) {
	for i := range rules {
		r := &rules[i]
		base, open := strings.CutSuffix(r.Pattern, "+")
		if name == base {
			return *r, "", true
		}
		if open && strings.HasPrefix(name, base) && name[len(base)] == '/' {
			return *r, name[len(base)+1:], true
		}
	}
	return Def{}, "", false
}

// MatchPrefix finds the definition of the longest pattern that the name begins with, for sections
// such as "socket/2" and "xdp_drop" that the exact rule does not know.
func MatchPrefix(name string) (Def, bool) {
	var best Def
	for _, list := range [][]Def{Defs, Samples} {
		for i := range list {
			r := &list[i]
			if base := strings.TrimSuffix(r.Pattern, "+"); strings.HasPrefix(name, base) && len(r.Pattern) > len(best.Pattern) {
				best = *r
			}
		}
	}
	return best, best.Pattern != ""
}
