package link

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestKprobe(t *testing.T) {
	testenv.NeedConfig(t, "CONFIG_KPROBES")
	for _, ret := range []bool{false, true} {
		c := load(t, counting(spec.Program{Type: spec.ProgramKprobe, AttachTo: traced}, true, 0))
		fires(t, c, func(p *loader.Program) (Link, error) { return Kprobe(p, KprobeOptions{Return: ret}) })
	}
}

func TestKprobeTarget(t *testing.T) {
	for s, want := range map[string]KprobeOptions{
		"do_unlinkat":      {Function: "do_unlinkat"},
		"do_unlinkat+16":   {Function: "do_unlinkat", Offset: 16},
		"do_unlinkat+0x10": {Function: "do_unlinkat", Offset: 16},
	} {
		if got, err := kprobeTarget(s); err != nil || got != want {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	if _, err := kprobeTarget("f+x"); err == nil {
		t.Error("a bad offset was accepted")
	}
}
