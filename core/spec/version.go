package spec

import (
	"cmp"
	"fmt"
)

// Version is a version of Linux without the patch level. The zero Version means that none is known or
// wanted.
type Version struct{ Major, Minor int }

// Oldest is the oldest version that package core/loader works with.
var Oldest = Version{5, 10}

// String returns "6.9".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// VersionOf returns the version of a number that KERNEL_VERSION(major, minor, patch) of C code makes.
func VersionOf(code uint32) Version { return Version{int(code >> 16), int(code >> 8 & 0xff)} }

// Compare returns a negative number when v is older than w, zero when they are the same, and otherwise
// a positive number.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor))
}

// ParseVersion reads the version that text starts with, "6.9" or "6.1.55-1", and returns false when
// it starts with none.
func ParseVersion(text string) (Version, bool) {
	var v Version
	if n, _ := fmt.Sscanf(text, "%d.%d", &v.Major, &v.Minor); n != 2 || v.Major < 0 || v.Minor < 0 {
		return Version{}, false
	}
	return v, true
}
