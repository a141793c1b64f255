package sim

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

func TestParseRoute(t *testing.T) {
	for _, tt := range []struct {
		text, err string
		want      Route
	}{
		{"10.1.2.3/8=eth1", "", Route{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Interface: "eth1"}},
		{"::/0=e,via=fe80::1,mac=02:00:00:00:00:01", "", Route{Prefix: netip.MustParsePrefix("::/0"), Interface: "e", Gateway: netip.MustParseAddr("fe80::1"), MAC: [6]byte{2, 0, 0, 0, 0, 1}}},
		{"10.0.0.0/8", `"10.0.0.0/8" is not PREFIX=INTERFACE`, Route{}},
		{"10.0.0.0=e", `"10.0.0.0" is not a prefix`, Route{}},
		{"10.0.0.0/8=e,via=::1", `"::1" is not an address of the prefix's family`, Route{}},
		{"10.0.0.0/8=e,mac=1", `"1" is not an Ethernet address`, Route{}},
		{"10.0.0.0/8=e,vai=1", `"vai" is unknown, did you mean "via"`, Route{}},
	} {
		got, err := ParseRoute(tt.text)
		switch {
		case tt.err == "" && (err != nil || got != tt.want):
			t.Errorf("%q: %+v, %v", tt.text, got, err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%q: %v, want %s", tt.text, err, tt.err)
		}
	}
}

// A program redirects to the interface of the route.
func TestRoute(t *testing.T) {
	arrive := packets{{Data: frame(60), Interface: "a"}}
	route, err := ParseRoute("10.0.0.0/8=b,mac=02:00:00:00:00:01")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	b := New(Options{Packets: &arrive, Routes: []Route{route}, Outcome: func(o Outcome) { got = o.Reason + " to " + o.To }})
	p := programOf(t, "p", spec.ProgramXDP, `
	r6 = value[params] ll
	*(u8 *)(r6 + 0) = 2
	*(u8 *)(r6 + 32) = 10
	r2 = r6
	r3 = 64
	r4 = 0
	call bpf_fib_lookup
	if r0 != 0 goto out
	r1 = *(u32 *)(r6 + 8)
	r2 = 0
	call bpf_redirect
out:
	exit`)
	attach(t, b, p, spec.Attach{Program: "p", Kind: spec.HookXDP, Target: "a"}, &spec.Map{Name: "params", Type: spec.MapArray, KeySize: 4, ValueSize: 64, MaxEntries: 1})
	if err := steps(b); err != nil {
		t.Fatal(err)
	}
	if want := "XDP_REDIRECT of p to b"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
