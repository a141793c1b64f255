package btf

import (
	"errors"
	"testing"
)

// TestKernelValid validates the types of the running kernel.
func TestKernelValid(t *testing.T) {
	if err := vmlinux(t).Validate(); err != nil {
		t.Error(err)
	}
}

var errEnough = errors.New("enough")

// enough returns a function that fails when it is called once more than so many times.
func enough(times int) func() error {
	return func() error {
		if times--; times < 0 {
			return errEnough
		}
		return nil
	}
}

// Whoever has no time for a large table can end its validation anywhere.
func TestValidateWhile(t *testing.T) {
	var b Builder
	for range 3 * perCheck {
		b.Add(&Int{Name: "int", Size: 4, Bits: 32})
	}
	types := build(t, &b)
	for _, tt := range []struct {
		times int
		want  error
	}{{0, errEnough}, {2, errEnough}, {4, errEnough}, {100, nil}} {
		if err := types.ValidateWhile(enough(tt.times)); err != tt.want {
			t.Errorf("after %d times: %v, want %v", tt.times, err, tt.want)
		}
	}
}
