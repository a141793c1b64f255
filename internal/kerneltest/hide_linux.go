package kerneltest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// hiddenEnv tells the process that Hide starts what is hidden from it.
const hiddenEnv = "BPFHOST_TEST_HIDDEN"

// Hide runs the test again in a process that sees nothing below a directory, "/sys", and reports
// what comes of it. It is true in that process, where the test goes on. It takes CAP_SYS_ADMIN.
func Hide(t *testing.T, dir string) bool {
	t.Helper()
	if os.Getenv(hiddenEnv) == dir {
		for _, m := range []struct {
			fstype, target string
			flags          uintptr
		}{{"", "/", syscall.MS_REC | syscall.MS_PRIVATE}, {"tmpfs", dir, syscall.MS_RDONLY}} {
			if err := syscall.Mount("none", m.target, m.fstype, m.flags, ""); err != nil {
				t.Fatalf("mount %s: %v", m.target, err)
			}
		}
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	cmd.Env = append(os.Environ(), hiddenEnv+"="+dir, testenv.RaceEnv+"="+testenv.RaceOptions())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM):
		testenv.Skip(t, testenv.Kernel, err.Error())
	case err != nil:
		t.Errorf("without %s: %v\n%s", dir, err, out)
	case strings.Contains(string(out), "--- SKIP: "):
		t.Skipf("without %s: %s", dir, out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("without %s the test did not run:\n%s", dir, out)
	}
	return false
}
