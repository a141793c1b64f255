package isolate

import (
	"os"
	"testing"
)

// TestMain lets this test program be the child of its guests.
func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}
