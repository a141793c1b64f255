package spec

import (
	"maps"
	"strings"
	"testing"
)

// The kernels of the lab are far apart: a version between 5.10 and 6.1, 6.1 and 6.12, or 6.12 and
// the newest they cannot tell from its neighbours. So the tables are held against the histories
// that others keep, written here by hand: what eBPF Docs says of types
// (data/feature-versions.yaml), and cilium/ebpf and libbpf of links. Where the latter have but the
// month in which a number came into include/uapi/linux/bpf.h, the version is that of the next merge
// window.

// history has the features of the tables, and some that are as old as Oldest and must not be there.
var history = map[string]Version{
	// eBPF Docs
	"devmap_hash maps":   {5, 4},
	"ringbuf maps":       {5, 8},
	"inode_storage maps": {5, 10},
	"task_storage maps":  {5, 11},
	"bloom_filter maps":  {5, 16},
	"user_ringbuf maps":  {6, 1},
	"cgrp_storage maps":  {6, 2},
	"arena maps":         {6, 9},

	"ext programs":       {5, 6},
	"lsm programs":       {5, 7},
	"sk_lookup programs": {5, 9},
	"syscall programs":   {5, 14},
	"netfilter programs": {6, 4},

	"trace_iter":                     {5, 8},
	"xdp":                            {5, 9},
	"sk_skb_verdict":                 {5, 13},
	"sk_reuseport_select_or_migrate": {5, 14},
	"perf_event":                     {5, 15},
	"trace_kprobe_multi":             {5, 18},
	"lsm_cgroup":                     {6, 0},

	// the kernel functions that came with them, bpf_sock_addr_set_sun_path and bpf_throw
	"cgroup_unix_connect":     {6, 7},
	"cgroup_unix_sendmsg":     {6, 7},
	"cgroup_unix_recvmsg":     {6, 7},
	"cgroup_unix_getpeername": {6, 7},
	"cgroup_unix_getsockname": {6, 7},
	"bpf_throw":               {6, 7},

	// cilium/ebpf and libbpf
	"struct_ops":           {6, 4},
	"netfilter":            {6, 4},
	"tcx_ingress":          {6, 6},
	"tcx_egress":           {6, 6},
	"trace_uprobe_multi":   {6, 6},
	"netkit_primary":       {6, 7},
	"netkit_peer":          {6, 7},
	"trace_kprobe_session": {6, 10},
	"trace_uprobe_session": {6, 13},

	"raw_tracepoint links": {5, 7},
	"cgroup links":         {5, 7},
	"netns links":          {5, 8},
	"xdp links":            {5, 9},
	"tcx links":            {6, 6},

	"tracepoint cookies":     {5, 15},
	"kprobe cookies":         {5, 15},
	"tracing cookies":        {5, 19},
	"raw_tracepoint cookies": {6, 10},

	"perf_event link type":   {5, 15},
	"kprobe_multi link type": {5, 18},
	"struct_ops link type":   {6, 4},
	"netfilter link type":    {6, 4},
	"tcx link type":          {6, 6},
	"uprobe_multi link type": {6, 6},
	"netkit link type":       {6, 7},
	"sockmap link type":      {6, 10},

	"link map flag":             {6, 4},
	"vtype_btf_obj_fd map flag": {6, 9},
	"token_fd map flag":         {6, 9},
	"segv_on_fault map flag":    {6, 9},
	"no_user_conv map flag":     {6, 9},

	"xdp_has_frags program flag":       {5, 18},
	"test_reg_invariants program flag": {6, 8},
	"token_fd program flag":            {6, 9},

	// by the month of the number
	"tracing_multi link type": {7, 2},  // June 2026
	"rb_overwrite map flag":   {6, 19}, // October 2025
	"insn_array maps":         {6, 19}, // November 2025
	"trace_fsession":          {7, 0},  // January 2026
	"rhash maps":              {7, 2},  // June 2026
	"trace_fentry_multi":      {7, 2},  // June 2026, and after 7.1 in both projects
	"trace_fexit_multi":       {7, 2},
	"trace_fsession_multi":    {7, 2},
}

// TestSinceHistory wants every version of the tables in the history, and the other way round.
func TestSinceHistory(t *testing.T) {
	left := maps.Clone(history)
	hold := func(what string, have Version) {
		if want, told := history[what]; !told {
			t.Errorf("%s (%s): no history tells since when", what, have)
		} else if have != want {
			t.Errorf("%s are in the table since %s, and in the history since %s", what, have, want)
		}
		delete(left, what)
	}
	for k, v := range mapTypeSince {
		hold(k.String()+" maps", v)
	}
	for k, v := range programTypeSince {
		hold(k.String()+" programs", v)
	}
	for k, v := range attachTypeSince {
		hold(k.String(), v)
	}
	for _, f := range HookFamilies() {
		if f.Since != (Version{}) {
			hold(f.Name+" links", f.Since)
		}
		if f.CookieSince != (Version{}) {
			hold(f.Name+" cookies", f.CookieSince)
		}
	}
	for l, v := range linkTypeSince {
		hold(l.String()+" link type", v)
	}
	for _, f := range mapFlagFacts {
		if f.since != (Version{}) {
			hold(f.name+" map flag", f.since)
		}
	}
	for _, f := range programFlagFacts {
		if f.since != (Version{}) {
			hold(f.name+" program flag", f.since)
		}
	}
	hold("bpf_throw", exceptionSince)
	for what, v := range left {
		if v.Compare(Oldest) > 0 {
			t.Errorf("%s came with %s and are in no table", what, v)
		}
		if !named(what) {
			t.Errorf("%s: there is nothing of that name", what)
		}
	}
}

// named reports whether a line of the history is about something that there is.
func named(what string) bool {
	name, of, _ := strings.Cut(what, " ")
	ok := false
	switch of {
	case "maps":
		_, ok = ParseMapType(name)
	case "programs":
		_, ok = ParseProgramType(name)
	case "links", "cookies":
		_, ok = ParseHookKind(name)
	case "link type":
		_, ok = ParseLinkType(name)
	case "map flag":
		_, ok = ParseMapFlag(name)
	case "program flag":
		_, ok = ParseProgramFlag(name)
	default:
		_, ok = ParseAttachType(name)
	}
	return ok
}
