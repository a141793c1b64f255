package link

import "testing"

func TestIsOlder(t *testing.T) {
	for _, c := range []struct {
		release, version string
		older            bool
	}{
		{"5.10.0-30-cloud-amd64", "6.6", true},
		{"6.5.13", "6.6", true},
		{"6.6.0", "6.6", false},
		{"6.18.44-fc", "6.6", false},
		{"7.0-rc1", "6.10", false},
		{"nonsense", "6.6", false},
	} {
		major, minor := parse(c.release)
		if got := isOlder(major, minor, c.version); got != c.older {
			t.Errorf("%s before %s: %v", c.release, c.version, got)
		}
	}
}
