package kernel

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Version returns the kernel's version as KERNEL_VERSION(major, minor, patch) of C code does.
func (k *Kernel) Version() (uint32, error) { return k.version() }

// Running returns the version without the patch level; zero when it is unknown.
func (k *Kernel) Running() spec.Version {
	v, err := k.version()
	if err != nil {
		return spec.Version{}
	}
	return spec.VersionOf(v)
}

// Before reports whether the kernel is known to be older than a version.
func (k *Kernel) Before(v spec.Version) bool {
	r := k.Running()
	return r.Major != 0 && r.Compare(v) < 0
}

// memcgSince is the first version that charges maps and programs to a memory cgroup.
var memcgSince = spec.Version{Major: 5, Minor: 11}

// ChargesMemlock reports whether the kernel charges maps and programs to RLIMIT_MEMLOCK (before Linux
// 5.11).
func (k *Kernel) ChargesMemlock() bool { return k.Before(memcgSince) }

// version reads the version of the running kernel as a number that C code compares with
// KERNEL_VERSION: major<<16 + minor<<8 + patch.
func version() (uint32, error) {
	release, text, err := sys.Uname()
	if err != nil {
		return 0, fmt.Errorf("read kernel version: %w", err)
	}
	// Ubuntu and Debian count the patch level elsewhere, as libbpf's users expect it.
	if b, err := os.ReadFile("/proc/version_signature"); err == nil {
		if f := strings.Fields(string(b)); len(f) == 3 {
			release = f[2]
		}
	} else if _, debian, ok := strings.Cut(text, "Debian "); ok {
		release = debian
	}
	v, ok := parseVersion(release)
	if !ok {
		return 0, fmt.Errorf("read kernel version: cannot read %q", release)
	}
	return v, nil
}

// parseVersion reads "6.1.55-1" or "6.18.44-fc"; the patch level may be missing.
func parseVersion(s string) (uint32, bool) {
	v, ok := spec.ParseVersion(s)
	if !ok || v.Major > 0xffff {
		return 0, false
	}
	patch := uint64(0)
	if part := strings.SplitN(s, ".", 3); len(part) == 3 {
		digits := part[2]
		if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
			digits = digits[:end]
		}
		if n, err := strconv.ParseUint(digits, 10, 32); err == nil {
			patch = n
		}
	}
	return uint32(v.Major)<<16 | uint32(min(v.Minor, 255))<<8 | uint32(min(patch, 255)), true
}
