package spec

import "testing"

// TestISA holds since when the sets are there, and what belongs to them.
func TestISA(t *testing.T) {
	for i, want := range map[ISA]string{ISAv1: "v1 0.0", ISAv2: "v2 0.0", ISAv3: "v3 0.0", ISAv4: "v4 6.6", ISAAtomic: "atomic 5.12",
		ISAMayGoto: "may_goto 6.9", ISALoadAcquire: "load_acquire 6.15", 99: "instruction set 99 0.0"} {
		if got := i.String() + " " + i.Since().String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, i := range ISAs()[4:] {
		for _, in := range i.Example() {
			if got, ok := isaOf(&in); ok && got != i {
				t.Errorf("an instruction of %v is one of %v", i, got)
			}
		}
	}
}
