package testenv

import "testing"

func TestOlder(t *testing.T) {
	for _, c := range []struct {
		have, want string
		older      bool
	}{
		{"5.10.0-32-cloud-amd64", "5.11", true},
		{"6.1.0", "5.19", false},
		{"7.3.4+deb13", "7.3", false},
		{"6.12.107", "6.6", false},
	} {
		if got := older(c.have, c.want); got != c.older {
			t.Errorf("older(%q, %q) is %v", c.have, c.want, got)
		}
	}
}

func TestRequired(t *testing.T) {
	t.Setenv("BPFHOST_REQUIRE", "kernel,clang")
	if !Required(Clang) || Required(Lab) {
		t.Error("BPFHOST_REQUIRE is not read")
	}
}
