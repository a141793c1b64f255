package spec

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// TestFeature holds what features are called, and since when they are said to be there.
func TestFeature(t *testing.T) {
	for _, c := range []struct {
		f           Feature
		kind, name  string
		what, since string
	}{
		{ProgramNetfilter.Feature(), "program_type", "netfilter", "netfilter programs", "6.4"},
		{MapArena.Feature(), "map_type", "arena", "arena maps", "6.9"},
		{MapHash.Feature(), "map_type", "hash", "hash maps", "0.0"},
		{LinkTCX.Feature(), "link_type", "tcx", "tcx links", "6.6"},
		{AttachTypeTCXEgress.Feature(), "attach_type", "tcx_egress", "tcx_egress hooks", "6.6"},
		{ProgramXDP.Calls(asm.HelperLoop), "helper", "xdp/bpf_loop", "calls of bpf_loop by xdp programs", "5.17"},
		{ProgramXDP.Calls(asm.HelperMapLookupElem), "helper", "xdp/bpf_map_lookup_elem", "calls of bpf_map_lookup_elem by xdp programs", "0.0"},
		{ProgramXDP.CallsKfunc("f"), "kfunc", "xdp/f", "calls of kernel function f by xdp programs", "5.13"},
		{BTFFeature(btf.FeatureEnum64), "btf", "enum64", "enum64 in BTF", "6.0"},
		{ISAv4.Feature(), "isa", "v4", "v4 instructions", "6.6"},
		{FlagLink.Feature(), "map_flag", "link", "maps with flag link", "6.4"},
		{FlagXDPFrags.Feature(), "program_flag", "xdp_has_frags", "programs with flag xdp_has_frags", "5.18"},
	} {
		if c.f.Kind.String() != c.kind || c.f.String() != c.name || c.f.What() != c.what || c.f.Since().String() != c.since {
			t.Errorf("got %v %v: %s since %v, want %s %s: %s since %s", c.f.Kind, c.f, c.f.What(), c.f.Since(), c.kind, c.name, c.what, c.since)
		}
	}
	seen := map[string]bool{}
	for _, f := range append(Features(), ProgramXDP.CallsAll()...) {
		key := f.Kind.String() + " " + f.String()
		if seen[key] || strings.HasSuffix(key, " ") || strings.ContainsAny(f.String(), "0123456789") && strings.Contains(key, "type ") && strings.Contains(f.String(), " type ") {
			t.Errorf("%q is not a name, or is that of two features", key)
		}
		seen[key] = true
	}
}
