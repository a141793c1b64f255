package sys

import "errors"

// ErrNotMounted says that a file system is not mounted which something takes, so that nothing can be
// known of what the kernel itself has. Errors that wrap it say how to mount it.
var ErrNotMounted = errors.New("not mounted")

// FileSystem is one of those that the kernel shows itself in. What is in it can be read whether it
// is mounted or not, or hidden by another mount: then it is mounted for the call alone, in no one's
// tree, which takes CAP_SYS_ADMIN.
type FileSystem struct {
	Type  string   // "sysfs"
	Roots []string // where it is usually mounted
	magic int64    // of include/uapi/linux/magic.h
}

// The file systems.
var (
	Sysfs      = FileSystem{"sysfs", []string{"/sys"}, 0x62656572}
	Tracefs    = FileSystem{"tracefs", []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}, 0x74726163}
	Debugfs    = FileSystem{"debugfs", []string{"/sys/kernel/debug"}, 0x64626720}
	Securityfs = FileSystem{"securityfs", []string{"/sys/kernel/security"}, 0x73636673}
	BPFfs      = FileSystem{"bpf", []string{"/sys/fs/bpf"}, 0xcafe4a11}
)

// MountError says that a file system is mounted nowhere. It wraps ErrNotMounted and the kernel's
// answer, but not fs.ErrPermission.
type MountError struct {
	Type string // "sysfs"
	Root string // where it should be
	Err  error  // why it could not be mounted for this process alone; nil when that was not tried
}

// Error returns for example "sysfs is not mounted at /sys, and cannot be for this process alone:
// operation not permitted (EPERM); run: mount -t sysfs sysfs /sys".
func (e *MountError) Error() string {
	s := e.Type + " is not mounted at " + e.Root
	if e.Err != nil {
		s += ", and cannot be for this process alone: " + e.Err.Error()
	}
	return s + "; run: mount -t " + e.Type + " " + e.Type + " " + e.Root
}

// Unwrap returns ErrNotMounted and the kernel's answer.
func (e *MountError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrNotMounted}
	}
	return []error{ErrNotMounted, NotPermission(e.Err)}
}
