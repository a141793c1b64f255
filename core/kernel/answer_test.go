package kernel_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// TestHas asks for all features but calls, and holds the answers against since when kernels are said to
// have them: what is younger than this kernel it lacks, and what is not it has, unless it was built
// without, or something else than its version forbids to ask.
func TestHas(t *testing.T) {
	needKernel(t)
	k := kernel.New(kernel.Options{})
	defer k.Close()
	features := spec.Features()
	if len(features) < 180 {
		t.Errorf("%d features", len(features))
	}
	has := 0
	for i, err := range k.HasAll(features) {
		f := features[i]
		old := k.Before(f.Since())
		var tooOld *kernel.FeatureError
		var option *kernel.OptionError
		switch {
		case err == nil && !old:
			has++
		case err == nil:
			t.Errorf("%v %v is there, and said to be since %v", f.Kind, f, f.Since())
		case !errors.Is(err, kernel.ErrNotSupported):
			t.Logf("%v %v: %v", f.Kind, f, err)
			if !errors.Is(err, kernel.ErrPermission) {
				t.Errorf("%v %v: %v", f.Kind, f, err)
			}
		case old && (!errors.As(err, &tooOld) || tooOld.MinKernel != f.Since().String()):
			t.Errorf("%v %v since %v: %v", f.Kind, f, f.Since(), err)
		case !old && !errors.As(err, &option):
			t.Errorf("%v %v since %v: %v", f.Kind, f, f.Since(), err)
		}
	}
	if has < 120 {
		t.Errorf("the kernel has but %d of %d", has, len(features))
	}
	for _, f := range []spec.Feature{spec.ProgramType(4711).Feature(), spec.MapType(4711).Feature(), spec.AttachTypeNone.Feature(),
		spec.LinkType(4711).Feature(), spec.MapFlags(1 << 30).Feature(), spec.ProgramFlags(1 << 30).Feature(), {Kind: spec.FeatureISA, Number: 99}, {}} {
		if err := k.Has(f); err == nil {
			t.Errorf("%v %v is there", f.Kind, f)
		}
	}
}

// laterRefused are helpers that kernels let probes call, but whose maps they refuse them.
var laterRefused = []asm.Helper{
	asm.HelperSpinLock, asm.HelperSpinUnlock, asm.HelperTimerInit, asm.HelperTimerStart, asm.HelperTimerCancel, asm.HelperTimerSetCallback,
}

// TestHasHelpers holds who can call which helper against the table of package asm.
func TestHasHelpers(t *testing.T) {
	needKernel(t)
	k := kernel.New(kernel.Options{})
	defer k.Close()
	wrong := t.Logf
	if k.Running() == (spec.Version{Major: 6, Minor: 18}) {
		wrong = t.Errorf // the table is that of Linux 6.18
	}
	types := []spec.ProgramType{spec.ProgramXDP, spec.ProgramSchedCls, spec.ProgramKprobe, spec.ProgramSkLookup, spec.ProgramCgroupSockAddr}
	if _, err := k.Types(); err == nil {
		types = append(types, spec.ProgramTracing)
	}
	for _, p := range types {
		features, has := p.CallsAll(), 0
		for i, err := range k.HasAll(features) {
			h := asm.Helper(features[i].Number)
			info, _ := h.Info()
			switch since := features[i].Since(); {
			case err != nil && !errors.Is(err, kernel.ErrNotSupported):
				t.Errorf("%v: %v", features[i], err)
			case err == nil && k.Before(since):
				t.Errorf("%v is there, and said to be since %v", features[i], since)
			case err == nil:
				if has++; info.In(uint32(p)) != asm.Yes && !slices.Contains(laterRefused, h) {
					wrong("%v: the kernel allows it, the table says %v", features[i], info.In(uint32(p)))
				}
			}
		}
		if has < 30 {
			t.Errorf("programs of type %v can call %d helpers", p, has)
		}
	}
	for _, h := range []asm.Helper{asm.HelperSkbLoadBytes, asm.HelperCopyFromUser} { // of another type, and one that sleeps
		if err := k.Has(spec.ProgramXDP.Calls(h)); !errors.Is(err, kernel.ErrNotSupported) {
			t.Errorf("XDP programs call %v: %v", h, err)
		}
	}
	if err := k.Has(spec.ProgramSyscall.Calls(asm.HelperCopyFromUser)); (err == nil) == k.Before(spec.ProgramSyscall.Since()) {
		t.Errorf("syscall programs call bpf_copy_from_user: %v", err)
	}
}

// TestHasKfunc asks for kernel functions that programs may call, may not call, and that there are not.
func TestHasKfunc(t *testing.T) {
	needKernel(t)
	k := kernel.New(kernel.Options{})
	defer k.Close()
	if _, err := k.Types(); err != nil {
		kerneltest.Check(t, err)
	}
	for _, c := range []struct {
		program spec.ProgramType
		name    string
		since   spec.Version // zero is never
	}{
		{spec.ProgramXDP, "bpf_rdonly_cast", spec.Version{Major: 6, Minor: 2}},
		{spec.ProgramXDP, "bpf_dynptr_from_xdp", spec.Version{Major: 6, Minor: 4}},
		{spec.ProgramSchedCls, "bpf_dynptr_from_xdp", spec.Version{}},
		{spec.ProgramXDP, "schedule", spec.Version{}},
		{spec.ProgramXDP, "bpf_no_such_function", spec.Version{}},
		{spec.ProgramXDP, "no_such_module:bpf_rdonly_cast", spec.Version{}},
	} {
		err := k.Has(c.program.CallsKfunc(c.name))
		if want := c.since.Major != 0 && !k.Before(c.since); (err == nil) != want || err != nil && !errors.Is(err, kernel.ErrNotSupported) {
			t.Errorf("%v calls %s: %v, want it since %v on %v", c.program, c.name, err, c.since, k.Running())
		}
	}
}

// TestHasExhausted holds that a want of descriptors is no answer, and that answers are kept.
func TestHasExhausted(t *testing.T) {
	needKernel(t)
	k := kernel.New(kernel.Options{})
	defer k.Close()
	asked := 0
	for _, f := range []spec.Feature{spec.MapArray.Feature(), spec.ProgramXDP.Feature(), spec.ProgramXDP.Calls(asm.HelperRedirect),
		spec.LinkCgroup.Feature(), spec.ISAv1.Feature()} {
		sys.Inject(func() sys.Errno { return sys.EMFILE })
		err := k.Has(f)
		sys.Inject(nil)
		if !errors.Is(err, sys.EMFILE) || errors.Is(err, kernel.ErrNotSupported) {
			t.Errorf("%v without descriptors: %v", f, err)
		}
		if err := k.Has(f); err != nil {
			t.Errorf("%v: %v", f, err)
		}
		sys.Inject(func() sys.Errno { asked++; return sys.EPERM })
		err = k.Has(f)
		sys.Inject(nil)
		if err != nil || asked != 0 {
			t.Errorf("%v was asked for again: %v", f, err)
		}
	}
	sys.Inject(func() sys.Errno { return sys.EPERM })
	err := k.Has(spec.MapHash.Feature())
	sys.Inject(nil)
	if !errors.Is(err, kernel.ErrPermission) {
		t.Errorf("not permitted: %v", err)
	}
}

// TestHasTogether asks from several goroutines at once.
func TestHasTogether(t *testing.T) {
	needKernel(t)
	k := kernel.New(kernel.Options{})
	defer k.Close()
	features := spec.Features(spec.FeatureMapType, spec.FeatureISA)
	var g sync.WaitGroup
	texts := make([]string, 4)
	for i := range texts {
		g.Go(func() { texts[i] = fmt.Sprint(k.HasAll(features)) })
	}
	g.Wait()
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("%s, and %s", text, texts[0])
		}
	}
}
