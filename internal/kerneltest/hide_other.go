//go:build !linux

package kerneltest

import "testing"

// Hide skips the test.
func Hide(t *testing.T, dir string) bool {
	t.Helper()
	t.Skipf("needs Linux: hides %s", dir)
	return false
}
