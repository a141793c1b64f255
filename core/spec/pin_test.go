package spec

import "testing"

func TestPinPath(t *testing.T) {
	for name, want := range map[string]string{
		"state": "/pins/state", "a-b c": "/pins/a-b c",
		"": "", "..": "", ".rodata": "", "a/b": "", "a\x00": "", PinStaging: "", PinStaging + "-x": "",
	} {
		if got, ok := PinPath("/pins", name); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", name, got, ok)
		}
	}
}
