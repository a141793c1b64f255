package kernel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestFeature holds what features are called, and since when they are said to be there.
func TestFeature(t *testing.T) {
	for _, c := range []struct {
		f           kernel.Feature
		kind, name  string
		what, since string
	}{
		{kernel.ProgramType(spec.ProgramNetfilter), "program_type", "netfilter", "netfilter programs", "6.4"},
		{kernel.MapType(spec.MapArena), "map_type", "arena", "arena maps", "6.9"},
		{kernel.MapType(spec.MapHash), "map_type", "hash", "hash maps", "0.0"},
		{kernel.LinkType(spec.LinkTCX), "link_type", "tcx", "tcx links", "6.6"},
		{kernel.AttachType(spec.AttachTypeTCXEgress), "attach_type", "tcx_egress", "tcx_egress hooks", "6.6"},
		{kernel.HelperOf(spec.ProgramXDP, asm.HelperLoop), "helper", "xdp/bpf_loop", "calls of bpf_loop by xdp programs", "5.17"},
		{kernel.HelperOf(spec.ProgramXDP, asm.HelperMapLookupElem), "helper", "xdp/bpf_map_lookup_elem", "calls of bpf_map_lookup_elem by xdp programs", "0.0"},
		{kernel.KfuncOf(spec.ProgramXDP, "f"), "kfunc", "xdp/f", "calls of kernel function f by xdp programs", "5.13"},
		{kernel.BTFFeature(btf.FeatureEnum64), "btf", "enum64", "enum64 in BTF", "6.0"},
		{kernel.ISALevels()[3], "isa", "v4", "v4 instructions", "6.6"},
		{kernel.MapFlag(spec.FlagLink), "map_flag", "link", "maps with flag link", "6.4"},
		{kernel.ProgramFlag(spec.FlagXDPFrags), "program_flag", "xdp_has_frags", "programs with flag xdp_has_frags", "5.18"},
	} {
		if c.f.Kind.String() != c.kind || c.f.String() != c.name || c.f.What() != c.what || c.f.Since().String() != c.since {
			t.Errorf("got %v %v: %s since %v, want %s %s: %s since %s", c.f.Kind, c.f, c.f.What(), c.f.Since(), c.kind, c.name, c.what, c.since)
		}
	}
	seen := map[string]bool{}
	for _, f := range append(kernel.Features(), kernel.HelpersOf(spec.ProgramXDP)...) {
		key := f.Kind.String() + " " + f.String()
		if seen[key] || strings.HasSuffix(key, " ") || strings.ContainsAny(f.String(), "0123456789") && strings.Contains(key, "type ") && strings.Contains(f.String(), " type ") {
			t.Errorf("%q is not a name, or is that of two features", key)
		}
		seen[key] = true
	}
}

// TestLack asks kernels that are said to be old, or built without something, what they lack and why.
func TestLack(t *testing.T) {
	needKernel(t)
	old := kernel.New(kernel.Options{Version: 5<<16 | 10<<8, Config: map[string]string{}})
	defer old.Close()
	none := kernel.MapType(4711)
	if err := old.Has(none); err == nil || err.Error() != "this kernel has no map type 4711 maps" || !errors.Is(err, kernel.ErrNotSupported) {
		t.Errorf("%v", err)
	}
	now := kernel.New(kernel.Options{Config: map[string]string{}})
	defer now.Close()
	var option *kernel.OptionError
	for _, f := range kernel.Features(kernel.FeatureProgramType, kernel.FeatureMapType) {
		if err := now.Has(f); errors.As(err, &option) && !strings.Contains(err.Error(), option.Option) {
			t.Errorf("%v: %v", f, err)
		}
	}
}
