package spec

import (
	"slices"
	"strconv"
)

// Probe is what a program of type kprobe probes. One program type serves them all; what the kernel is not
// told when the program is loaded, only the section says. That many places are probed at once is in
// the attach type.
type Probe uint32

// The kinds of probe, by the sections of libbpf that they come from.
const (
	ProbeNone        Probe = iota // not a probe, or any
	ProbeKprobe                   // at the entry of a kernel function, or in it
	ProbeKretprobe                // at the return of a kernel function
	ProbeKsyscall                 // at the entry of a system call
	ProbeKretsyscall              // at the return of a system call
	ProbeUprobe                   // at the entry of a function of a file, or in it
	ProbeUretprobe                // at the return of a function of a file
	ProbeUSDT                     // at a user-space marker
)

// probeNames is indexed by Probe.
var probeNames = [...]string{"none", "kprobe", "kretprobe", "ksyscall", "kretsyscall", "uprobe", "uretprobe", "usdt"}

// String returns "none", "kprobe", "kretprobe", "ksyscall", "kretsyscall", "uprobe", "uretprobe" or
// "usdt".
func (p Probe) String() string {
	if int(p) < len(probeNames) {
		return probeNames[p]
	}
	return "probe(" + strconv.FormatUint(uint64(p), 10) + ")"
}

// ParseProbe returns the kind of probe of that name.
func ParseProbe(name string) (Probe, bool) {
	i := slices.Index(probeNames[:], name)
	return Probe(max(i, 0)), i >= 0
}

// AtReturn reports whether the probe is at the return of a function or a system call.
func (p Probe) AtReturn() bool {
	return p == ProbeKretprobe || p == ProbeKretsyscall || p == ProbeUretprobe
}

// probeText returns the name of the program's probe, nothing when there is none.
func (p *Program) probeText() string {
	if p.Probe == ProbeNone {
		return ""
	}
	return p.Probe.String()
}
