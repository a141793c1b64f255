package abi

import "strconv"

// Module is the import module of every host function. The major version is part of the name, so a
// host can offer several side by side.
const Module = "bpfhost_v1"

// The version that this package defines. Additions raise Minor.
const (
	Major = 1
	Minor = 0
)

// Version is a version as bpfhost_abi returns it: major<<16 | minor.
type Version uint32

// Current is the version that this package defines.
const Current Version = Major<<16 | Minor

// Major returns the major part.
func (v Version) Major() uint16 { return uint16(v >> 16) }

// Minor returns the minor part.
func (v Version) Minor() uint16 { return uint16(v) }

// Accepts reports whether a host of version v can run a guest built for version g.
func (v Version) Accepts(g Version) bool { return v.Major() == g.Major() && g.Minor() <= v.Minor() }

// String is the version as people write it, like "1.0".
func (v Version) String() string {
	return strconv.Itoa(int(v.Major())) + "." + strconv.Itoa(int(v.Minor()))
}
