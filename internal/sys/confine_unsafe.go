//go:build linux

package sys

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// executeRaw executes the program of a descriptor.
func executeRaw(raw int, args, env []string) error {
	argv, err := syscall.SlicePtrFromStrings(args)
	if err != nil {
		return err
	}
	envp, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	empty := [1]byte{}
	_, _, e := unix.RawSyscall6(unix.SYS_EXECVEAT, uintptr(raw), uintptr(unsafe.Pointer(&empty)),
		uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envp[0])), unix.AT_EMPTY_PATH, 0)
	runtime.KeepAlive(argv)
	runtime.KeepAlive(envp)
	return Errno(e)
}

// installFilter puts a filter over all threads of this process.
func installFilter(program []unix.SockFilter) error {
	f := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	r, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&f)))
	runtime.KeepAlive(program)
	switch {
	case e != 0:
		return Errno(e)
	case r != 0:
		return EAGAIN // a thread that has another filter
	}
	return nil
}

// Offset returns where part lies in whole, in bytes, and whether it does.
func Offset(whole, part []byte) (int, bool) {
	if len(part) == 0 {
		return 0, false
	}
	from, at := uintptr(unsafe.Pointer(unsafe.SliceData(whole))), uintptr(unsafe.Pointer(unsafe.SliceData(part)))
	if at < from || at-from > uintptr(len(whole)) || uintptr(len(part)) > uintptr(len(whole))-(at-from) {
		return 0, false
	}
	return int(at - from), true
}
