//go:build linux && (amd64 || arm64)

package sys

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// filteredEnv has a process of TestFilterCalls make one call after it filtered its calls.
const filteredEnv = "BPFHOST_TEST_FILTERED"

// filtered are calls with what comes of them: an error number, or -1 for a process that is killed.
var filtered = map[string]struct {
	call func() syscall.Errno
	want syscall.Errno
}{
	"futex":   {func() syscall.Errno { return call(unix.SYS_FUTEX, 0, 0xff, 0) }, unix.ENOSYS}, // the kernel's answer
	"threads": {threads, 0},
	"signal":  {func() syscall.Errno { return call(unix.SYS_TGKILL, uintptr(os.Getpid()), uintptr(unix.Gettid()), 0) }, 0},
	"open":    {func() syscall.Errno { return call(unix.SYS_OPENAT, 0, 0, 0) }, unix.EPERM},
	"kill":    {func() syscall.Errno { return call(unix.SYS_KILL, uintptr(os.Getpid()), 0, 0) }, unix.EPERM},
	"other":   {func() syscall.Errno { return call(unix.SYS_TGKILL, 1, 1, 0) }, unix.EPERM},
	"prctl":   {func() syscall.Errno { return call(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1, 0) }, unix.EPERM},
	"filter":  {func() syscall.Errno { return call(unix.SYS_SECCOMP, 0, 0, 0) }, unix.EPERM},
	"memfd":   {func() syscall.Errno { return call(unix.SYS_MEMFD_CREATE, 0, 0, 0) }, unix.EPERM},
	"clone3":  {func() syscall.Errno { return call(unix.SYS_CLONE3, 0, 0, 0) }, unix.ENOSYS},
	"fork":    {func() syscall.Errno { return call(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0) }, killed},
	"unshare": {func() syscall.Errno {
		return call(unix.SYS_CLONE, unix.CLONE_THREAD|unix.CLONE_VM|unix.CLONE_SIGHAND|unix.CLONE_NEWUTS, 0, 0)
	}, killed},
	"execve": {func() syscall.Errno { return call(unix.SYS_EXECVE, 0, 0, 0) }, killed},
	"socket": {func() syscall.Errno { return call(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM, 0) }, killed},
	"bpf":    {func() syscall.Errno { return call(unix.SYS_BPF, 0, 0, 0) }, killed},
	"ptrace": {func() syscall.Errno { return call(unix.SYS_PTRACE, 0, 0, 0) }, killed},
	"x32":    {func() syscall.Errno { return call(0x4000_0000|unix.SYS_GETPID, 0, 0, 0) }, killed},
}

const killed = ^syscall.Errno(0)

func call(nr, a, b, c uintptr) syscall.Errno {
	_, _, e := unix.RawSyscall(nr, a, b, c)
	return e
}

// threads starts some and has the collector stop them.
func threads() syscall.Errno {
	done, end := make(chan bool), make(chan bool)
	for range 4 {
		go func() {
			runtime.LockOSThread()
			done <- true
			<-end
		}()
		<-done
	}
	runtime.GC()
	close(end)
	return 0
}

// TestFilterCalls makes calls in processes that filtered theirs.
func TestFilterCalls(t *testing.T) {
	if name := os.Getenv(filteredEnv); name != "" {
		if err := DropPrivilegesThread(); err != nil {
			t.Fatal(err)
		}
		if err := FilterCalls(false, false); err != nil {
			t.Fatal(err)
		}
		os.Exit(int(filtered[name].call()))
	}
	for name, tt := range filtered {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestFilterCalls$")
			cmd.Env = append(os.Environ(), filteredEnv+"="+name, testenv.RaceEnv+"="+testenv.RaceOptions())
			out, err := cmd.CombinedOutput()
			var failed *exec.ExitError
			if err != nil && !errors.As(err, &failed) {
				t.Fatal(err)
			}
			got := fmt.Sprint(cmd.ProcessState)
			want := fmt.Sprintf("exit status %d", tt.want)
			if tt.want == killed {
				want = "signal: bad system call"
			}
			if got != want {
				t.Errorf("%s, want %s\n%s", got, want, out)
			}
		})
	}
}
