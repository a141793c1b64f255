//go:build !linux

package sys

// OpenDir returns ErrNotSupported.
func OpenDir(string) (*FD, error) { return nil, ErrNotSupported }

// OpenDirAt returns ErrNotSupported.
func OpenDirAt(*FD, string) (*FD, error) { return nil, ErrNotSupported }

// MkdirAt returns ErrNotSupported.
func MkdirAt(*FD, string, uint32) error { return ErrNotSupported }

// UnlinkAt returns ErrNotSupported.
func UnlinkAt(*FD, string) error { return ErrNotSupported }

// RmdirAt returns ErrNotSupported.
func RmdirAt(*FD, string) error { return ErrNotSupported }

// LinkAt returns ErrNotSupported.
func LinkAt(*FD, string, *FD, string) error { return ErrNotSupported }

// RenameAt returns ErrNotSupported.
func RenameAt(*FD, string, *FD, string, uint) error { return ErrNotSupported }

// StatAt returns ErrNotSupported.
func StatAt(*FD, string) (FileID, error) { return FileID{}, ErrNotSupported }

// ListDir returns ErrNotSupported.
func ListDir(*FD) ([]string, error) { return nil, ErrNotSupported }

// ReadDir returns ErrNotSupported.
func ReadDir(*FD) ([]string, error) { return nil, ErrNotSupported }

// SetOwnerAt returns ErrNotSupported.
func SetOwnerAt(*FD, string, FileID) error { return ErrNotSupported }

// TryLock returns ErrNotSupported.
func TryLock(*FD) error { return ErrNotSupported }

// HoldsFile returns false.
func (FileSystem) HoldsFile(*FD) bool { return false }
