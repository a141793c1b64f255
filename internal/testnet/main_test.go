package testnet

import (
	"testing"

	"github.com/bpfhost/bpfhost/internal/kerneltest"
)

// TestMain fails when a test leaves a descriptor open.
func TestMain(m *testing.M) {
	kerneltest.Main(m)
}

// newNet makes a network, or skips without the privileges for it.
func newNet(t testing.TB) *Net {
	t.Helper()
	n, err := New()
	kerneltest.Check(t, err)
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}
