package loader

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/internal/sys"
)

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
	var part [3]uint64
	for i := range part {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		v, err := strconv.ParseUint(s[:n], 10, 32)
		if err != nil {
			return 0, false
		}
		part[i] = v
		s = s[n:]
		if !strings.HasPrefix(s, ".") {
			if i == 0 {
				return 0, false
			}
			break
		}
		s = s[1:]
	}
	return uint32(part[0]<<16 | min(part[1], 255)<<8 | min(part[2], 255)), true
}
