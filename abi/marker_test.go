package abi

import (
	"strings"
	"testing"
)

func TestFindMarker(t *testing.T) {
	hash := strings.Repeat("0123456789abcdef", 4)
	tests := []struct {
		module, version string
		ok              bool
	}{
		{"", "", false},
		{"\x00asm junk", "", false},
		{"\x00asm" + "bpfhost-abi:1.2:" + hash + "\x00", "1.2", true},
		{"bpfhost-abi: is where it starts, bpfhost-abi:1.0:" + hash, "1.0", true},
		{"bpfhost-abi:1.0:" + hash[:63], "", false},
		{"bpfhost-abi:1.0:" + strings.ToUpper(hash), "", false},
		{"bpfhost-abi:1:" + hash, "", false},
		{"bpfhost-abi:", "", false},
	}
	for _, tt := range tests {
		v, h, ok := FindMarker([]byte(tt.module))
		if v != tt.version || ok != tt.ok || ok && h != hash {
			t.Errorf("FindMarker(%.40q) = %q, %q, %v", tt.module, v, h, ok)
		}
	}
	if v, h, ok := FindMarker([]byte("x" + Marker())); v != "1.0" || h != Hash() || !ok {
		t.Errorf("FindMarker of Marker() = %q, %q, %v", v, h, ok)
	}
}

func FuzzFindMarker(f *testing.F) {
	f.Add([]byte(Marker()))
	f.Add([]byte("bpfhost-abi:bpfhost-abi:1.0:"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, h, ok := FindMarker(b)
		if ok && !strings.Contains(string(b), markerPrefix+v+":"+h) || ok && len(h) != 64 {
			t.Errorf("found %q %q, which is not there", v, h)
		}
	})
}
