package loader

import (
	"os"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
)

// capability is a Linux capability (include/uapi/linux/capability.h).
type capability uint

const (
	capNetAdmin capability = 12
	capSysAdmin capability = 21
	capPerfmon  capability = 38
	capBPF      capability = 39
)

// String returns the name with its prefix.
func (c capability) String() string {
	switch c {
	case capNetAdmin:
		return "CAP_NET_ADMIN"
	case capSysAdmin:
		return "CAP_SYS_ADMIN"
	case capPerfmon:
		return "CAP_PERFMON"
	case capBPF:
		return "CAP_BPF"
	}
	return "capability " + strconv.Itoa(int(c))
}

// effective returns the capabilities of this thread as a bit set; all of them where that is unknown.
func effective() uint64 {
	b, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return ^uint64(0)
	}
	return parseEffective(string(b))
}

func parseEffective(status string) uint64 {
	for line := range strings.Lines(status) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			if n, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64); err == nil {
				return n
			}
		}
	}
	return ^uint64(0)
}

// needs lists what loading a program of a type takes (kernel/bpf/syscall.c, bpf_prog_load).
func needs(t spec.ProgramType) []capability {
	switch t {
	case spec.ProgramSocketFilter:
		return []capability{capBPF}
	case spec.ProgramKprobe, spec.ProgramTracepoint, spec.ProgramPerfEvent, spec.ProgramRawTracepoint,
		spec.ProgramRawTracepointWritable, spec.ProgramTracing, spec.ProgramLSM:
		return []capability{capBPF, capPerfmon}
	case spec.ProgramExt:
		return []capability{capBPF, capPerfmon, capNetAdmin}
	case spec.ProgramStructOps, spec.ProgramSyscall:
		return []capability{capBPF, capPerfmon}
	}
	return []capability{capBPF, capNetAdmin}
}
