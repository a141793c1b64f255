package kerneltest

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"testing"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// recorder notes how a test would have ended.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.skipped = true; runtime.Goexit() }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; runtime.Goexit() }

func TestCheck(t *testing.T) {
	t.Setenv("BPFHOST_REQUIRE", "")
	for _, tt := range []struct {
		name            string
		err             error
		skipped, failed bool
	}{
		{"none", nil, false, false},
		{"privileges", fmt.Errorf("load: %w", fs.ErrPermission), true, false},
		{"errno", sys.EPERM, true, false},
		{"old kernel", fmt.Errorf("load: %w", sys.ErrNotSupported), true, false},
		{"other", errors.New("broken"), false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, done := &recorder{TB: t}, make(chan struct{})
			go func() {
				defer close(done)
				Check(r, tt.err)
			}()
			<-done
			if r.skipped != tt.skipped || r.failed != tt.failed {
				t.Errorf("skipped %v, failed %v", r.skipped, r.failed)
			}
		})
	}
	t.Run("required", func(t *testing.T) {
		t.Setenv("BPFHOST_REQUIRE", "kernel")
		r, done := &recorder{TB: t}, make(chan struct{})
		go func() {
			defer close(done)
			Check(r, fs.ErrPermission)
		}()
		if <-done; !r.failed {
			t.Error("a skip of what is required is not a failure")
		}
	})
}
