//go:build linux

package sys

import "golang.org/x/sys/unix"

// auditArch is the number of the architecture (include/uapi/linux/audit.h).
const auditArch = unix.AUDIT_ARCH_AARCH64

// moreFileCalls are calls on files that other architectures do not have, or call otherwise.
var moreFileCalls = []uintptr{unix.SYS_FSTATAT}
