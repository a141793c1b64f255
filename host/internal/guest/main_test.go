package guest

import (
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/host/internal/isolate"
)

// TestMain lets this test program be the process of guests.
func TestMain(m *testing.M) {
	isolate.Main()
	os.Exit(m.Run())
}
