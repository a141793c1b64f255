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
	if e := injected(); e != 0 {
		return -1, e
	}
	r, _, e := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
	if e == unix.EAGAIN && cmd == cmdProgLoad {
		mask := maskSignals()
		defer mask.restore()
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

// signalMask is what signals this thread had blocked before.
type signalMask struct {
	old unix.Sigset_t
	set bool
}

// maskSignals blocks SIGURG and SIGPROF on this thread until restore is called.
func maskSignals() (m signalMask) {
	runtime.LockOSThread()
	var set unix.Sigset_t
	for _, s := range [...]uint{uint(unix.SIGURG), uint(unix.SIGPROF)} {
		bits := uint(unsafe.Sizeof(set.Val[0])) * 8
		set.Val[(s-1)/bits] |= 1 << ((s - 1) % bits)
	}
	m.set = unix.PthreadSigmask(unix.SIG_BLOCK, &set, &m.old) == nil
	return m
}

// restore undoes maskSignals. A mask that cannot be restored must not get to other goroutines, so
// the thread stays locked then.
func (m *signalMask) restore() {
	if !m.set || unix.PthreadSigmask(unix.SIG_SETMASK, &m.old, nil) == nil {
		runtime.UnlockOSThread()
	}
}
