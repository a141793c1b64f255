package kernel

import (
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

func TestParseVersion(t *testing.T) {
	for s, want := range map[string]uint32{
		"6.18.44-fc-v657":      6<<16 | 18<<8 | 44,
		"5.10.0-30-amd64":      5<<16 | 10<<8,
		"6.1.55-1 (2023-09)":   6<<16 | 1<<8 | 55,
		"4.19.300":             4<<16 | 19<<8 | 255,
		"7.0-rc1":              7 << 16,
		"6.6":                  6<<16 | 6<<8,
		"6":                    0,
		"":                     0,
		"linux":                0,
		"6.x":                  0,
		"99999999999999999.1.": 0,
	} {
		if got, ok := parseVersion(s); got != want || ok != (want != 0) {
			t.Errorf("%q: %#x, %v, want %#x", s, got, ok, want)
		}
	}
}

func TestUnknownVersion(t *testing.T) {
	k := New(Options{})
	k.version = func() (uint32, error) { return 0, errors.New("unknown") }
	if k.Before(spec.Version{Major: 99}) || k.Running().Major != 0 {
		t.Error("a kernel of unknown version is old")
	}
}

func TestBefore(t *testing.T) {
	for _, c := range []struct {
		running uint32
		than    spec.Version
		older   bool
	}{
		{5<<16 | 10<<8, spec.Version{Major: 6, Minor: 6}, true},
		{6<<16 | 6<<8 | 40, spec.Version{Major: 6, Minor: 6}, false},
		{7 << 16, spec.Version{Major: 6, Minor: 10}, false},
		{5<<16 | 10<<8, spec.Version{}, false},
	} {
		k := fake(c.running)
		if got := k.Before(c.than); got != c.older {
			t.Errorf("%s before %s: %v", k.Running(), c.than, got)
		}
	}
}
