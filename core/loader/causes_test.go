package loader

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kernelLogs is where the kernel lab keeps what kernels said of wrong programs, as CASE.KERNEL.log, and
// in causes.txt what the short form should take from each: case, kernel, slot and cause.
const kernelLogs = "../../internal/lab/testdata/verifier"

// TestCauses holds the short form against the logs of real kernels. BPFHOST_WRITE_CAUSES=1 writes the
// table again; read the diff.
func TestCauses(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(kernelLogs, "*.log"))
	if err != nil || len(files) < 200 {
		t.Fatalf("%d logs, %v", len(files), err)
	}
	var got bytes.Buffer
	for _, f := range files {
		log, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		cause, slot := readLog(string(log))
		name, kernel, _ := strings.Cut(strings.TrimSuffix(filepath.Base(f), ".log"), ".")
		if cause == "" || strings.Contains(cause, "processed ") {
			t.Errorf("%s on %s: cause %q", name, kernel, cause)
		}
		fmt.Fprintf(&got, "%s %s %d %s\n", name, kernel, slot, cause)
	}
	file := filepath.Join(kernelLogs, "causes.txt")
	if os.Getenv("BPFHOST_WRITE_CAUSES") != "" {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Error(d)
	}
}
