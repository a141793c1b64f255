package sys

import (
	"os"
	"strconv"
	"strings"
)

// Capability is a Linux capability (include/uapi/linux/capability.h).
type Capability uint

// The capabilities that BPF takes.
const (
	CapSetGID   Capability = 6
	CapSetUID   Capability = 7
	CapNetAdmin Capability = 12
	CapNetRaw   Capability = 13
	CapSysAdmin Capability = 21
	CapPerfmon  Capability = 38
	CapBPF      Capability = 39
)

// String returns the name with its prefix.
func (c Capability) String() string {
	switch c {
	case CapSetGID:
		return "CAP_SETGID"
	case CapSetUID:
		return "CAP_SETUID"
	case CapNetAdmin:
		return "CAP_NET_ADMIN"
	case CapNetRaw:
		return "CAP_NET_RAW"
	case CapSysAdmin:
		return "CAP_SYS_ADMIN"
	case CapPerfmon:
		return "CAP_PERFMON"
	case CapBPF:
		return "CAP_BPF"
	}
	return "capability " + strconv.Itoa(int(c))
}

// MissingCapabilities names those of want that this thread does not have, "CAP_BPF and
// CAP_PERFMON"; empty when it has all or nothing is known.
func MissingCapabilities(want ...Capability) string {
	b, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return ""
	}
	return missing(effective(string(b)), want)
}

// Privileged reports whether this thread has any capability.
func Privileged() bool {
	b, err := os.ReadFile("/proc/thread-self/status")
	return err == nil && effective(string(b)) != 0
}

// effective reads the capabilities of the status file of a thread as a bit set; all of them when
// the file does not say.
func effective(status string) uint64 {
	for line := range strings.Lines(status) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			if n, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64); err == nil {
				return n
			}
		}
	}
	return ^uint64(0)
}

// missing names what is not in have. CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, which were
// split off from it.
func missing(have uint64, want []Capability) string {
	var names []string
	for _, c := range want {
		if have&(1<<c) == 0 && (have&(1<<CapSysAdmin) == 0 || c != CapBPF && c != CapPerfmon) {
			names = append(names, c.String())
		}
	}
	return strings.Join(names, " and ")
}
