package kernel

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestSecurityModules asks where securityfs is mounted, or not, and where all of /sys is not.
func TestSecurityModules(t *testing.T) {
	ask := func() []string {
		list, err := New(Options{}).SecurityModules()
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNotMounted) {
			testenv.Skip(t, testenv.Kernel, err.Error())
		}
		if err != nil || !slices.Contains(list, "capability") {
			t.Fatalf("%q, %v", list, err)
		}
		return list
	}
	want := ask()
	if kerneltest.Hide(t, "/sys") {
		if got := ask(); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
