package link

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/internal/sys"
)

// kernel reads the version of the running kernel; zeros when it cannot be read.
func kernel() (major, minor int) {
	release, _, err := sys.Uname()
	if err != nil {
		return 0, 0
	}
	return parse(release)
}

func parse(release string) (major, minor int) {
	if n, _ := fmt.Sscanf(release, "%d.%d", &major, &minor); n != 2 {
		return 0, 0
	}
	return major, minor
}

// older reports whether the running kernel is known to be older than version, "6.6".
func older(version string) bool {
	major, minor := kernel()
	return isOlder(major, minor, version)
}

func isOlder(major, minor int, version string) bool {
	wantMajor, wantMinor := parse(version)
	return major != 0 && (major < wantMajor || major == wantMajor && minor < wantMinor)
}

// running is the version of the running kernel for messages.
func running() string {
	major, minor := kernel()
	if major == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", major, minor)
}
