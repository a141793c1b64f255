package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// secureDir makes sure that path is a directory that only this user can reach, creating it if it is
// missing, and returns its absolute path. The error wraps ErrCacheDir if it is not.
func secureDir(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("open compile cache: %w", err)
	}
	if _, err := os.Lstat(abs); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(abs, 0o700); err != nil {
			return "", fmt.Errorf("create compile cache: %w", err)
		}
	}
	info, err := os.Lstat(abs)
	if err != nil {
		return "", fmt.Errorf("open compile cache: %w", err)
	}
	if reason := unsafeDir(info); reason != "" {
		return "", fmt.Errorf("%w: %s %s", ErrCacheDir, printable(abs), reason)
	}
	// Links above it are fine as long as the directories they lead to are.
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("open compile cache: %w", err)
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		info, err := os.Lstat(dir)
		if err != nil {
			return "", fmt.Errorf("open compile cache: %w", err)
		}
		if reason := unsafeParent(info); reason != "" {
			return "", fmt.Errorf("%w: %s above it %s", ErrCacheDir, printable(dir), reason)
		}
		if dir == filepath.Dir(dir) {
			return real, nil
		}
	}
}

// unsafeDir says what is wrong with the directory itself; empty is nothing.
func unsafeDir(info fs.FileInfo) string {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return "is a symbolic link"
	case !info.IsDir():
		return "is not a directory"
	case !OwnedBy(info, os.Geteuid()):
		return "belongs to another user"
	case hasModes && info.Mode().Perm()&0o077 != 0:
		return fmt.Sprintf("can be reached by others (mode %04o, wants 0700)", info.Mode().Perm())
	}
	return ""
}

// unsafeParent says why others could replace what is in the directory; empty is nothing.
func unsafeParent(info fs.FileInfo) string {
	switch {
	case !OwnedBy(info, os.Geteuid()) && !OwnedBy(info, 0):
		return "belongs to another user"
	case hasModes && info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0:
		return fmt.Sprintf("can be written by others (mode %04o)", info.Mode().Perm())
	}
	return ""
}
