package sys

// FileID is what a name in a directory leads to. Two names of one file have the same FileID.
type FileID struct {
	Device uint64
	Inode  uint64
	Mount  uint64 // id of the mount; 0 before Linux 5.8
	Mode   uint32 // type and permissions, as in stat(2)
	UID    uint32
	GID    uint32
}

// IsDir reports whether it is a directory.
func (i FileID) IsDir() bool { return i.Mode&0o170000 == 0o040000 }

// Same reports whether both are the same file.
func (i FileID) Same(j FileID) bool { return i.Device == j.Device && i.Inode == j.Inode }

// How RenameAt treats a name that is taken (include/uapi/linux/fs.h).
const (
	RenameReplace  = 0      // it goes, if it is a file or an empty directory
	RenameNew      = 1 << 0 // EEXIST (RENAME_NOREPLACE)
	RenameExchange = 1 << 1 // both change places (RENAME_EXCHANGE); in a bpf file system from Linux 5.16 on
)
