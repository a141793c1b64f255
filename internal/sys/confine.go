//go:build linux

package sys

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lastCapability is beyond every capability that there may be.
const lastCapability = 63

// PrivateDir is where MountPrivate mounts: a folder that there is, because a child is started from
// it, and hides what it would see of processes.
const PrivateDir = "/proc"

// MountPrivate mounts an empty file system in memory over PrivateDir, for this process, which must be
// in a mount namespace of its own. It holds size bytes at most and belongs to a user.
func MountPrivate(size uint64, uid, gid int) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", wrapErrno(err))
	}
	how := fmt.Sprintf("size=%d,nr_inodes=64,mode=0700,uid=%d,gid=%d", size, uid, gid)
	if err := unix.Mount("private", PrivateDir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, how); err != nil {
		return fmt.Errorf("mount private files: %w", wrapErrno(err))
	}
	return nil
}

// EnterPrivate makes what MountPrivate mounted the root of this process, which then has no other
// files.
func EnterPrivate() error {
	if err := unix.Chdir(PrivateDir); err != nil {
		return fmt.Errorf("enter empty root: %w", wrapErrno(err))
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return coverRoot()
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil { // the old root is mounted over the new one
		return fmt.Errorf("unmount old root: %w", wrapErrno(err))
	}
	return wrapErrno(unix.Chdir("/"))
}

// coverRoot moves what is mounted on the working directory over the root, for a root that cannot be
// changed because it is the kernel's first.
func coverRoot() error {
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("cover root: %w", wrapErrno(err))
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("change root: %w", wrapErrno(err))
	}
	return wrapErrno(unix.Chdir("/"))
}

// BecomeThread makes this thread run as a user, with no other groups. It is for a thread that
// executes another program next.
func BecomeThread(uid, gid int) error {
	if _, _, e := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); e != 0 {
		return fmt.Errorf("drop groups: %w", Errno(e))
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(gid), uintptr(gid), uintptr(gid)); e != 0 {
		return fmt.Errorf("set group: %w", Errno(e))
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); e != 0 {
		return fmt.Errorf("set user: %w", Errno(e))
	}
	return nil
}

// BoundThread keeps programs that this thread executes from getting capabilities, whoever owns them.
// Where it may not, it has none either.
func BoundThread() {
	for c := range uintptr(lastCapability + 1) {
		_ = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
	}
	const noRoot = 1<<0 | 1<<1 // SECBIT_NOROOT and its lock
	_ = unix.Prctl(unix.PR_SET_SECUREBITS, noRoot, 0, 0, 0)
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
}

// DropPrivilegesThread takes every capability from this thread, for good. It is for a thread that
// executes another program next.
func DropPrivilegesThread() error {
	var none [2]unix.CapUserData
	if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", wrapErrno(err))
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", wrapErrno(err))
	}
	return nil
}

// Limits are limits of this process and what it executes. What is 0 is not limited.
type Limits struct {
	Memory    uint64 // of its own that it may use, beyond what it has now, in bytes
	Shared    uint64 // address space for memory that it shares, besides, in bytes
	File      uint64 // of a file that it writes, in bytes
	Files     uint64 // descriptors
	Processes uint64 // threads
}

// SetLimits limits this process, and forbids it to dump its memory. It reads /proc.
func SetLimits(l Limits) error {
	space, data, err := memoryUse()
	if err != nil {
		return err
	}
	const slack = 256 << 20 // what a Go program reserves more or less of
	for _, r := range []struct {
		what  string
		which int
		most  uint64
	}{
		{"core files", unix.RLIMIT_CORE, 0},
		{"memory", unix.RLIMIT_DATA, data + l.Memory},
		{"address space", unix.RLIMIT_AS, space + l.Memory + l.Shared + slack},
		{"file size", unix.RLIMIT_FSIZE, l.File},
		{"descriptors", unix.RLIMIT_NOFILE, l.Files},
		{"threads", unix.RLIMIT_NPROC, l.Processes},
	} {
		if r.most == 0 && r.which != unix.RLIMIT_CORE {
			continue
		}
		if err := lowerLimit(r.which, r.most); err != nil {
			return fmt.Errorf("limit %s: %w", r.what, err)
		}
	}
	return nil
}

// lowerLimit sets a limit of this process, unless it is lower already.
func lowerLimit(which int, most uint64) error {
	var have unix.Rlimit
	if err := unix.Getrlimit(which, &have); err != nil {
		return wrapErrno(err)
	}
	most = min(most, have.Max)
	return wrapErrno(unix.Setrlimit(which, &unix.Rlimit{Cur: most, Max: most}))
}

// memoryUse returns the address space and the writable memory of this process, in bytes.
func memoryUse() (space, data uint64, err error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0, err
	}
	f := strings.Fields(string(b))
	if len(f) < 6 {
		return 0, 0, fmt.Errorf("/proc/self/statm has %d fields", len(f))
	}
	pages, err := strconv.ParseUint(f[0], 10, 64)
	if err != nil {
		return 0, 0, err
	}
	writable, err := strconv.ParseUint(f[5], 10, 64)
	page := uint64(os.Getpagesize())
	return pages * page, writable * page, err
}

// CloseOnExec closes every descriptor from one on when this process executes another program. It
// reads /proc.
func CloseOnExec(from int) error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list descriptors: %w", err)
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n >= from {
			unix.CloseOnExec(n)
		}
	}
	return nil
}

// DieWith has the kernel kill this process when its parent ends, and keeps others of its user from
// looking into it.
func DieWith() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("die with the parent: %w", wrapErrno(err))
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make process private: %w", wrapErrno(err))
	}
	return nil
}

// OwnProgram opens the program of this process, for Execute.
func OwnProgram() (*FD, error) {
	raw, err := unix.Open("/proc/self/exe", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open own program: %w", wrapErrno(err))
	}
	return NewFD(raw)
}

// Execute replaces this process by a program, with what its calling thread has of privileges. It
// returns only if that fails.
func Execute(program *FD, args, env []string) error {
	raw, err := program.Acquire()
	if err != nil {
		return err
	}
	defer program.Release()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return fmt.Errorf("execute program: %w", executeRaw(raw, args, env))
}
