package host

import (
	"os"
	"testing"
)

// TestMain lets this test program be the process of plugins.
func TestMain(m *testing.M) {
	ChildMain()
	os.Exit(m.Run())
}

// testIsolate is whether the plugins of tests have separate processes: with BPFHOST_TEST_ISOLATE
// in the environment.
func testIsolate() Isolate {
	if os.Getenv("BPFHOST_TEST_ISOLATE") != "" {
		return IsolateAll
	}
	return IsolateNone
}
