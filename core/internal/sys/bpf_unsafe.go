//go:build linux

package sys

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loadTries bounds how often a program load is repeated that a signal broke off (EAGAIN).
const loadTries = 5

// bpf is the one entry to bpf(2). Loading a program is repeated when the verifier was interrupted,
// from the second time on with the signals masked that the Go runtime and profilers send.
func bpf(cmd cmd, attr unsafe.Pointer, size uintptr) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
	if e == unix.EAGAIN && cmd == cmdProgLoad {
		defer maskSignals()()
		for try := 1; e == unix.EAGAIN && try < loadTries; try++ {
			r, _, e = unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
		}
	}
	if e != 0 {
		return -1, Errno(e)
	}
	return int(r), nil
}

// bpfFast is bpf for calls that never sleep: it does not tell the scheduler, which saves a quarter
// of the time of a map access.
func bpfFast(cmd cmd, attr unsafe.Pointer, size uintptr) Errno {
	_, _, e := unix.RawSyscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
	return Errno(e)
}

// maskSignals blocks SIGURG and SIGPROF on this thread until the returned function is called.
func maskSignals() (restore func()) {
	runtime.LockOSThread()
	var set, old unix.Sigset_t
	for _, s := range []uint{uint(unix.SIGURG), uint(unix.SIGPROF)} {
		bits := uint(unsafe.Sizeof(set.Val[0])) * 8
		set.Val[(s-1)/bits] |= 1 << ((s - 1) % bits)
	}
	if unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old) != nil {
		return runtime.UnlockOSThread
	}
	return func() {
		// A mask that cannot be restored must not leak to other goroutines: keep the thread locked.
		if unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil) == nil {
			runtime.UnlockOSThread()
		}
	}
}
