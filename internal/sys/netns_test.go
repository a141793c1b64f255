//go:build linux

package sys

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

func netnsOf(t *testing.T) string {
	t.Helper()
	s, err := os.Readlink(ownNetns)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestInNetns(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ns, err := NewNetns()
	if errors.Is(err, fs.ErrPermission) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	own := netnsOf(t)
	for range 3 {
		var inside string
		if err := InNetns(ns, func() error { inside = netnsOf(t); return nil }); err != nil {
			t.Fatal(err)
		}
		if inside == own || inside == "" {
			t.Errorf("inside %s, outside %s", inside, own)
		}
	}
	if now := netnsOf(t); now != own {
		t.Errorf("left in %s", now)
	}
	if err := InNetns(ns, func() error { runtime.Goexit(); return nil }); err == nil {
		t.Error("a function that ends its goroutine gave no error")
	}
	if err := InNetnsPath("/does/not/exist", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing path: %v", err)
	}
}
