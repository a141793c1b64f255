package loader

import "testing"

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
