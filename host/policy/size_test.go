package policy

import (
	"math"
	"testing"
)

func TestParseSize(t *testing.T) {
	for _, tt := range []struct {
		text string
		want uint64
		ok   bool
	}{
		{"0", 0, true}, {"65536", 65536, true}, {"1_000", 1000, true}, {"64KiB", 65536, true}, {"16 MiB", 16 << 20, true},
		{"3B", 3, true}, {"2GiB", 2 << 30, true}, {"16777215TiB", 16777215 << 40, true},
		{"", 0, false}, {"KiB", 0, false}, {"-1", 0, false}, {"+1", 0, false}, {"1.5MiB", 0, false}, {"16MB", 0, false},
		{"0x10", 0, false}, {"_1", 0, false}, {"1_", 0, false}, {"1__0", 0, false}, {"5e8", 0, false},
		{"16777216TiB", 0, false}, {"18446744073709551616", 0, false},
	} {
		got, ok := ParseSize(tt.text)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q: %d, %v; want %d, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for size, want := range map[uint64]string{
		0: "0 B", 1: "1 B", 1023: "1023 B", 1024: "1 KiB", 84_000: "82.0 KiB", 262_144: "256 KiB", 1 << 30: "1 GiB",
		5 << 40: "5 TiB", math.MaxUint64: "more than fits 64 bits",
	} {
		if got := formatSize(size); got != want {
			t.Errorf("%d: %s, want %s", size, got, want)
		}
	}
}
