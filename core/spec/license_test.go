package spec

import "testing"

func TestGPLCompatible(t *testing.T) {
	for license, want := range map[string]bool{
		"": false, "GPL": true, "GPL v2": true, "Dual BSD/GPL": true, "Dual MIT/GPL": true, "Dual MPL/GPL": true,
		"GPL and additional rights": true, "gpl": false, "GPLv2": false, "GPL-2.0": false, "MIT": false, "Proprietary": false,
	} {
		if got := (&Collection{License: license}).GPLCompatible(); got != want {
			t.Errorf("license %q: %v, want %v", license, got, want)
		}
	}
}
