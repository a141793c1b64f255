//go:build linux

package sys

import "testing"

func TestMonotonic(t *testing.T) {
	a, err := Monotonic()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Monotonic()
	if err != nil || a == 0 || b < a {
		t.Errorf("got %d, then %d, %v", a, b, err)
	}
}
