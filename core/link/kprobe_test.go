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

// TestKprobeRefusals holds that each cause of a refusal has its words: most of them are one EINVAL.
func TestKprobeRefusals(t *testing.T) {
	testenv.NeedConfig(t, "CONFIG_KPROBES")
	c := load(t, counting(spec.Program{Type: spec.ProgramKprobe, AttachTo: traced}, true, 0))
	const forbidden = "; the kernel lets nobody probe it there: it is in kprobes/blacklist of debugfs"
	for _, r := range []struct {
		o    KprobeOptions
		want string
	}{
		{KprobeOptions{Offset: 4, Return: true}, "; a probe at the return of a function takes no offset, and 4 was given"},
		{KprobeOptions{Function: "notify_die", Return: true}, forbidden},
		{KprobeOptions{Function: "init_task", Return: true}, "; it is data, not a function"},
		{KprobeOptions{Function: "start_kernel"}, "; the function cannot be probed there"}, // its code is freed after the boot
		{KprobeOptions{Offset: 1}, "; no instruction of the function begins at offset 1"},
		{KprobeOptions{Offset: 1 << 20}, " bytes, and offset 0x100000 is in another one"},
		{KprobeOptions{Function: "nosuch"}, "; this kernel has no such function, or was built without kprobes"},
	} {
		l, err := Kprobe(c.Program("count"), r.o)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.HasSuffix(err.Error(), r.want) {
			t.Errorf("%+v: %v, want %q", r.o, err, r.want)
		}
	}
}

// TestKprobeAmbiguous names several functions, which kernels refuse that used to take the first.
func TestKprobeAmbiguous(t *testing.T) {
	testenv.NeedConfig(t, "CONFIG_KPROBES")
	testenv.NeedKernel(t, "6.6", "refusing names of several functions")
	c := load(t, counting(spec.Program{Type: spec.ProgramKprobe, AttachTo: traced}, true, 0))
	_, err := Kprobe(c.Program("count"), KprobeOptions{Function: "s_show"})
	if want := "; the kernel has several functions of that name and cannot tell which one is meant"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
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
