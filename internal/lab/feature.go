package lab

import (
	"fmt"
	"slices"
	"strings"
)

// Feature is what the machines of the lab have, and others in the field lack. A Machine can be
// booted without.
type Feature string

// The features.
const (
	BPFLSM Feature = "bpf-lsm" // bpf among the active security modules (lsm=): programs of LSM hooks are called
	Sysfs  Feature = "sys"     // /sys, with tracefs, securityfs, bpffs and cgroup2 below it
	BTF    Feature = "btf"     // /sys/kernel/btf: the types of the kernel and of modules. The kernel itself still has them
)

// Features are all of them.
var Features = []Feature{BPFLSM, Sysfs, BTF}

// ParseFeatures reads names that are separated by commas. The error lists the names there are.
func ParseFeatures(list string) ([]Feature, error) {
	var fs []Feature
	for name := range strings.SplitSeq(list, ",") {
		f := Feature(name)
		if !slices.Contains(Features, f) {
			return nil, fmt.Errorf("find feature %q: there are %s", name, joinFeatures(Features, ", "))
		}
		fs = append(fs, f)
	}
	return fs, nil
}

func joinFeatures(fs []Feature, sep string) string {
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = string(f)
	}
	return strings.Join(names, sep)
}

// Name returns the kernel's name and what the machine lacks, e.g. "6.12" or "6.12-sys-btf". Tests
// in the machine find it in BPFHOST_LAB.
func (m Machine) Name() string {
	if len(m.Without) == 0 {
		return m.Image.Kernel.Name
	}
	return m.Image.Kernel.Name + "-" + joinFeatures(m.Without, "-")
}

// noMitigations makes emulated machines faster. "mitigations=off" would do more: with it kernels from
// 6.7 on accept what takes CAP_PERFMON from processes that lack it (bpf_bypass_spec_v1 of the kernel's
// include/linux/bpf.h).
const noMitigations = "nopti nospectre_v1 nospectre_v2 spec_store_bypass_disable=off retbleed=off"

// commandLine returns what the kernel is told at boot
// (Documentation/admin-guide/kernel-parameters.txt).
func (m Machine) commandLine() string {
	lsm := "lockdown,capability"
	if !slices.Contains(m.Without, BPFLSM) {
		lsm += ",bpf"
	}
	return "console=ttyS0 panic=-1 quiet lsm=" + lsm + " " + noMitigations + " cryptomgr.notests no_timer_check"
}
