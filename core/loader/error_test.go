package loader

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

func TestFeatureError(t *testing.T) {
	e := &FeatureError{Feature: "arena maps", MinKernel: "6.9", Running: "6.1", Err: sys.EINVAL}
	if got, want := e.Error(), "arena maps need Linux 6.9, this is 6.1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(e, ErrNotSupported) || !errors.Is(e, sys.EINVAL) {
		t.Error("does not wrap its causes")
	}
	if got, want := (&FeatureError{Feature: "x", MinKernel: "6.9"}).Error(), "x need Linux 6.9"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestExplain(t *testing.T) {
	old, now := fakeKernel(5<<16|10<<8), fakeKernel(6<<16|12<<8)
	if err := now.explain(sys.EINVAL, sys.CapBPF); err != sys.EINVAL {
		t.Errorf("another errno became %v", err)
	}
	err := now.explain(sys.EPERM, sys.CapBPF)
	if !errors.Is(err, ErrPermission) || !errors.Is(err, fs.ErrPermission) || !errors.Is(err, sys.EPERM) {
		t.Errorf("%v does not wrap its causes", err)
	}
	for k, want := range map[*Kernel]string{old: "RLIMIT_MEMLOCK", now: "lockdown"} {
		if got := k.explain(sys.EPERM).Error(); !strings.Contains(got, want) {
			t.Errorf("nothing is missing: %q, want %q", got, want)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for p := spec.ProgramUnspec; p <= spec.ProgramNetfilter; p++ {
		if names := p.Capabilities(); len(capabilities(names)) != len(names) {
			t.Errorf("%v programs: %v has a name that is not known", p, names)
		}
	}
	for m := spec.MapUnspec; m <= spec.MapArena; m++ {
		if names := m.Capabilities(); len(capabilities(names)) != len(names) {
			t.Errorf("%v maps: %v has a name that is not known", m, names)
		}
	}
}

// fakeKernel is a kernel of which only the version is known.
func fakeKernel(version uint32) *Kernel {
	k := NewKernel()
	k.version = func() (uint32, error) { return version, nil }
	k.cpus = func() (int, error) { return 4, nil }
	return k
}
