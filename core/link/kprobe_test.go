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
