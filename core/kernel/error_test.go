package kernel

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

func TestNotBuilt(t *testing.T) {
	k := New(Options{Config: map[string]string{"CONFIG_BPF_LSM": "y", "CONFIG_BPF_EVENTS": "n"}})
	for option, want := range map[string]string{
		"CONFIG_BPF_LIRC_MODE2": "such programs need CONFIG_BPF_LIRC_MODE2, which this kernel was built without",
		"CONFIG_BPF_EVENTS":     "such programs need CONFIG_BPF_EVENTS, which this kernel was built without",
		"CONFIG_BPF_LSM":        "",
		"":                      "",
	} {
		err := k.NotBuilt("such programs", option, sys.EINVAL)
		switch {
		case want == "" && err != sys.EINVAL:
			t.Errorf("%q: %v", option, err)
		case want != "" && (err.Error() != want || !errors.Is(err, ErrNotSupported) || !errors.Is(err, sys.EINVAL)):
			t.Errorf("%q: %v, want %s", option, err, want)
		}
	}
	k.config = func() (map[string]string, error) { return nil, ErrNotSupported }
	err := k.NotBuilt("such programs", "CONFIG_X", sys.EINVAL)
	if want := sys.EINVAL.Error() + "; perhaps this kernel was built without CONFIG_X"; err.Error() != want || errors.Is(err, ErrNotSupported) {
		t.Errorf("unknown: %v, want %s", err, want)
	}
}

func TestExplain(t *testing.T) {
	old, now := fake(5<<16|10<<8), fake(6<<16|12<<8)
	if err := now.ExplainCharged(sys.EINVAL, "CAP_BPF"); err != sys.EINVAL {
		t.Errorf("another errno became %v", err)
	}
	err := now.ExplainCharged(sys.EPERM, "CAP_BPF")
	if !errors.Is(err, ErrPermission) || !errors.Is(err, fs.ErrPermission) || !errors.Is(err, sys.EPERM) {
		t.Errorf("%v does not wrap its causes", err)
	}
	for k, want := range map[*Kernel]string{old: "RLIMIT_MEMLOCK", now: "forbid it"} {
		if got := k.ExplainCharged(sys.EPERM).Error(); !strings.Contains(got, want) {
			t.Errorf("nothing is missing: %q, want %q", got, want)
		}
	}
	if err := Explain(sys.EPERM); !errors.Is(err, ErrPermission) || !strings.Contains(err.Error(), "forbid it") {
		t.Errorf("a call that makes nothing: %v", err)
	}
}

func TestCapabilities(t *testing.T) {
	for p := spec.ProgramUnspec; p <= spec.ProgramNetfilter; p++ {
		if names := p.Capabilities(); len(byName(names)) != len(names) {
			t.Errorf("%v programs: %v has a name that is not known", p, names)
		}
	}
	for m := spec.MapUnspec; m <= spec.MapArena; m++ {
		if names := m.Capabilities(); len(byName(names)) != len(names) {
			t.Errorf("%v maps: %v has a name that is not known", m, names)
		}
	}
}
