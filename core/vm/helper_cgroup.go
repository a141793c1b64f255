package vm

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

var cgroupHelpers = []helper{
	{asm.HelperGetCurrentCgroupID, cgroupID},
	{asm.HelperGetCurrentAncestorCgroupID, ancestorCgroupID},
	{asm.HelperGetCgroupClassid, noClass},
	{asm.HelperCurrentTaskUnderCgroup, taskUnderCgroup},
	{asm.HelperSkbUnderCgroup, skbUnderCgroup},
}

func cgroupID(m *Machine, _, _, _, _, _ uint64) uint64 { return m.input.Process.Cgroup }

// ancestorCgroupID returns the control group at a level, from the root, 0, down to that of the process.
func ancestorCgroupID(m *Machine, level, _, _, _, _ uint64) uint64 {
	p := &m.input.Process
	switch n := uint64(len(p.Ancestors)); {
	case level < n:
		return p.Ancestors[level]
	case level == n:
		return p.Cgroup
	}
	return 0
}

// noClass says that the process has no class of net_cls.
func noClass(*Machine, uint64, uint64, uint64, uint64, uint64) uint64 { return 0 }

func taskUnderCgroup(m *Machine, p, slot, _, _, _ uint64) uint64 {
	return underCgroup(m, asm.HelperCurrentTaskUnderCgroup, p, slot)
}

// skbUnderCgroup asks for the socket of the packet, which is that of the process.
func skbUnderCgroup(m *Machine, _, p, slot, _, _ uint64) uint64 {
	return underCgroup(m, asm.HelperSkbUnderCgroup, p, slot)
}

func underCgroup(m *Machine, h asm.Helper, p, slot uint64) uint64 {
	mp := m.byHandle(p)
	if mp == nil || mp.spec.Type != spec.MapCgroupArray {
		return m.stopf("%v takes a map of type cgroup_array", h)
	}
	return mp.table.(*cgroups).under(&m.input.Process, slot)
}
