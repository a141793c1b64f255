package wasmtest

import (
	"bytes"
	"testing"
)

// TestLEB has the examples of the specification's references (DWARF 4, figure 22 and 23).
func TestLEB(t *testing.T) {
	for v, want := range map[int][]byte{0: {0}, 2: {2}, 127: {0x7f}, 128: {0x80, 1}, 12857: {0xb9, 0x64}} {
		if got := ULEB(v); !bytes.Equal(got, want) {
			t.Errorf("unsigned %d is %x, want %x", v, got, want)
		}
	}
	for v, want := range map[int64][]byte{2: {2}, -2: {0x7e}, 127: {0xff, 0}, -127: {0x81, 0x7f}, 128: {0x80, 1}, -128: {0x80, 0x7f}} {
		if got := SLEB(v); !bytes.Equal(got, want) {
			t.Errorf("signed %d is %x, want %x", v, got, want)
		}
	}
}
