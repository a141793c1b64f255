package btf

import "testing"

// TestKernelValid validates the types of the running kernel.
func TestKernelValid(t *testing.T) {
	if err := vmlinux(t).Validate(); err != nil {
		t.Error(err)
	}
}
