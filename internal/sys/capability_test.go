package sys

import "testing"

func TestMissing(t *testing.T) {
	want := []Capability{CapBPF, CapPerfmon, CapNetAdmin}
	for _, c := range []struct {
		status, missing string
	}{
		{"Name:\tx\nCapEff:\t0000000000000000\n", "CAP_BPF and CAP_PERFMON and CAP_NET_ADMIN"},
		{"CapEff:\t000001ffffffffff\n", ""},
		{"CapEff:\t0000000000200000\n", "CAP_NET_ADMIN"},
		{"CapEff:\t0000008000001000\n", "CAP_PERFMON"},
		{"CapEff:\tnonsense\n", ""},
		{"", ""},
	} {
		if got := missing(effective(c.status), want); got != c.missing {
			t.Errorf("%q: %q, want %q", c.status, got, c.missing)
		}
	}
	if got := missing(effective("CapEff:\t0000000000001000\n"), []Capability{CapNetAdmin, CapNetRaw}); got != "CAP_NET_RAW" {
		t.Errorf("packet sockets: %q", got)
	}
	if got := Capability(63).String(); got != "capability 63" {
		t.Errorf("unknown: %q", got)
	}
}
