//go:build unix

package sandbox

import (
	"io/fs"
	"syscall"
)

// hasModes says that permission bits mean something here.
const hasModes = true

// OwnedBy reports whether a file belongs to a user.
func OwnedBy(info fs.FileInfo, uid int) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && uid >= 0 && st.Uid == uint32(uid)
}
