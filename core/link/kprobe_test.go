package link

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestKprobe(t *testing.T) {
	testenv.NeedConfig(t, "CONFIG_KPROBES")
	for _, ret := range []bool{false, true} {
		c := load(t, counting(spec.Program{Type: spec.ProgramKprobe, AttachTo: traced}, true, 0))
		fires(t, c, func(p *loader.Program) (Link, error) { return Kprobe(p, KprobeOptions{Return: ret}) })
	}
}

// TestKprobeHiddenSys attaches where /sys is not mounted, and says what the kernel lacks where it
// has no kprobes.
func TestKprobeHiddenSys(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramKprobe, AttachTo: traced}, true, 0))
	attach := func(p *loader.Program) (Link, error) { return Kprobe(p, KprobeOptions{Return: true}) }
	if !kerneltest.Hide(t, "/sys") {
		return
	}
	l, err := attach(c.Program("count"))
	var lacks *kernel.OptionError
	if errors.As(err, &lacks) {
		if want := "kprobes need CONFIG_KPROBE_EVENTS, which this kernel was built without"; !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		testenv.NeedConfig(t, "CONFIG_KPROBES") // else the kernel has them
	}
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	fires(t, c, attach)
}
