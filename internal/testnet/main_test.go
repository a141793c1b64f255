package testnet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestMain fails when a test leaves a descriptor open.
func TestMain(m *testing.M) {
	open := sys.Trace()
	code := m.Run()
	for _, fd := range open() {
		fmt.Fprintln(os.Stderr, "left open:", fd)
		code = 1
	}
	os.Exit(code)
}

// newNet makes a network, or skips without the privileges for it.
func newNet(t testing.TB) *Net {
	t.Helper()
	n, err := New()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, sys.ErrNotSupported) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}
