//go:build linux && (amd64 || arm64)

package sys

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// runCalls are what a Go program needs that computes, exchanges messages and has its memory
// collected: memory, threads, signals, clocks. clone and tgkill are looked at more closely.
var runCalls = []uintptr{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_FUTEX, unix.SYS_CLOSE, unix.SYS_LSEEK, unix.SYS_PREAD64, unix.SYS_FSTAT, unix.SYS_FCNTL,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
	unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_RESTART_SYSCALL,
	unix.SYS_CLOCK_GETTIME, unix.SYS_GETTIMEOFDAY, unix.SYS_CLOCK_GETRES, unix.SYS_GETRANDOM,
	unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_SET_TID_ADDRESS,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
	unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
}

// fileCalls are what is needed besides to read and write files.
var fileCalls = []uintptr{
	unix.SYS_OPENAT, unix.SYS_STATX, unix.SYS_GETDENTS64, unix.SYS_READLINKAT,
	unix.SYS_MKDIRAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_FCHMODAT,
	unix.SYS_PWRITE64, unix.SYS_FTRUNCATE, unix.SYS_FSYNC,
	unix.SYS_GETEUID, unix.SYS_GETUID, unix.SYS_GETCWD,
}

// killCalls are what only somebody makes who took the process over.
var killCalls = []uintptr{
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_BPF, unix.SYS_SOCKET, unix.SYS_CONNECT, unix.SYS_BIND,
	unix.SYS_MOUNT, unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
	unix.SYS_SETUID, unix.SYS_SETRESUID, unix.SYS_SETGID, unix.SYS_SETRESGID, unix.SYS_CAPSET,
	unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
}

// FilterCalls lets every thread of this process make only the system calls that a Go program
// needs to compute and to exchange messages, with files those on files, and with again that for
// another filter, which can only take more away. Others fail with EPERM; those of another
// architecture, and those that only an attacker makes, kill the process. It needs no privilege,
// only that new ones are forbidden, see DropPrivilegesThread.
func FilterCalls(files, again bool) error {
	allowed := slices.Clone(runCalls)
	if files {
		allowed = slices.Concat(allowed, fileCalls, moreFileCalls)
	}
	if again {
		allowed = append(allowed, unix.SYS_SECCOMP)
	}
	if err := installFilter(callFilter(auditArch, uint32(unix.Getpid()), allowed)); err != nil {
		return fmt.Errorf("install filter of system calls: %w", err)
	}
	return nil
}

// ForbidBPF lets every bpf(2) of this process, and of what it executes, fail. It is for tests.
func ForbidBPF() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return wrapErrno(err)
	}
	return installFilter([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: dataNumber},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_BPF},
		{Code: unix.BPF_RET | unix.BPF_K, K: retEPERM},
		{Code: unix.BPF_RET | unix.BPF_K, K: retAllow},
	})
}

// Offsets in struct seccomp_data (include/uapi/linux/seccomp.h), for a little-endian machine.
const (
	dataNumber = 0
	dataArch   = 4
	dataArg0   = 16
)

// Answers of a filter.
const (
	retAllow = unix.SECCOMP_RET_ALLOW
	retKill  = unix.SECCOMP_RET_KILL_PROCESS
	retEPERM = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	// A C library then makes threads with clone, whose flags can be looked at.
	retENOSYS = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// callFilter makes the filter, in classic BPF.
func callFilter(arch, pid uint32, allowed []uintptr) []unix.SockFilter {
	load := func(off uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
	}
	ret := func(v uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: v} }
	// unless skips n instructions unless the accumulator is k.
	unless := func(k uint32, n uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: n, K: k}
	}
	const foreign = 0x4000_0000 // calls of the x32 ABI have numbers from here on
	p := []unix.SockFilter{
		load(dataArch), {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: arch}, ret(retKill),
		load(dataNumber), {Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, Jf: 1, K: foreign}, ret(retKill),
	}
	for _, nr := range allowed {
		p = append(p, unless(uint32(nr), 1), ret(retAllow))
	}
	// Threads, but neither processes nor namespaces.
	const thread = unix.CLONE_THREAD | unix.CLONE_VM | unix.CLONE_SIGHAND
	const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	p = append(p, unless(unix.SYS_CLONE, 5), load(dataArg0),
		unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: thread | namespaces},
		unless(thread, 1), ret(retAllow), ret(retKill))
	// Signals to its own threads: the Go runtime preempts with them.
	p = append(p, unless(unix.SYS_TGKILL, 4), load(dataArg0), unless(pid, 1), ret(retAllow), ret(retEPERM))
	p = append(p, unless(unix.SYS_CLONE3, 1), ret(retENOSYS))
	for _, nr := range killCalls {
		p = append(p, unless(uint32(nr), 1), ret(retKill))
	}
	return append(p, ret(retEPERM))
}
