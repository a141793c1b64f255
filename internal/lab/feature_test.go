package lab

import (
	"slices"
	"strings"
	"testing"
)

func TestParseFeatures(t *testing.T) {
	if fs, err := ParseFeatures("btf,bpf-lsm"); err != nil || !slices.Equal(fs, []Feature{BTF, BPFLSM}) {
		t.Errorf("%v, %v", fs, err)
	}
	for _, list := range []string{"", "btf,", "BTF"} {
		if _, err := ParseFeatures(list); err == nil || !strings.Contains(err.Error(), "there are bpf-lsm, sys, btf") {
			t.Errorf("%q: %v", list, err)
		}
	}
}

func TestCommandLine(t *testing.T) {
	m := Machine{Image: &Image{Kernel: Kernel{Name: "6.1"}}}
	if got := m.commandLine(); !strings.Contains(got, " lsm=lockdown,capability,bpf ") || m.Name() != "6.1" {
		t.Errorf("%s: %s", m.Name(), got)
	}
	if got := m.commandLine(); strings.Contains(got, "mitigations=off") {
		t.Errorf("CAP_PERFMON is not asked for: %s", got)
	}
	m.Without = []Feature{BPFLSM, BTF}
	if got := m.commandLine(); !strings.Contains(got, " lsm=lockdown,capability ") || m.Name() != "6.1-bpf-lsm-btf" {
		t.Errorf("%s: %s", m.Name(), got)
	}
}

// TestMachineWithout boots one kernel without each feature, and looks for all of them.
func TestMachineWithout(t *testing.T) {
	img := need(t, "6.12")
	const look = `echo $BPFHOST_LAB
grep -q bpf /sys/kernel/security/lsm 2>/dev/null && echo bpf-lsm
[ -e /sys/kernel ] && echo sys
[ -e /sys/kernel/btf/vmlinux ] && [ -e /sys/kernel/btf/veth ] && echo btf
exit 0`
	for _, c := range []struct {
		without []Feature
		want    string
	}{
		{nil, "6.12\nbpf-lsm\nsys\nbtf\n"},
		{[]Feature{BPFLSM}, "6.12-bpf-lsm\nsys\nbtf\n"},
		{[]Feature{BTF}, "6.12-btf\nbpf-lsm\nsys\n"},
		{[]Feature{Sysfs}, "6.12-sys\n"},
	} {
		m := Machine{Image: img, Without: c.without}
		t.Run(m.Name(), func(t *testing.T) {
			checkBoot(t.Context(), t, m, look, c.want)
		})
	}
}
