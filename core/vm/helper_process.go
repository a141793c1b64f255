package vm

import "github.com/bpfhost/bpfhost/core/asm"

var processHelpers = []helper{
	{asm.HelperGetSmpProcessorID, cpuID},
	{asm.HelperGetNumaNodeID, numaNode},
	{asm.HelperGetCurrentPIDTGID, pidTGID},
	{asm.HelperGetCurrentUIDGID, uidGID},
	{asm.HelperGetCurrentComm, comm},
	{asm.HelperGetCurrentTask, currentTask},
	{asm.HelperGetCurrentTaskBTF, currentTask},
	{asm.HelperGetNsCurrentPIDTGID, nsPIDTGID},
}

func cpuID(m *Machine, _, _, _, _, _ uint64) uint64 { return uint64(m.input.CPU) }

func numaNode(*Machine, uint64, uint64, uint64, uint64, uint64) uint64 { return 0 }

func pidTGID(m *Machine, _, _, _, _, _ uint64) uint64 {
	p := &m.input.Process
	return uint64(p.TGID)<<32 | uint64(p.PID)
}

func uidGID(m *Machine, _, _, _, _, _ uint64) uint64 {
	p := &m.input.Process
	return uint64(p.GID)<<32 | uint64(p.UID)
}

// comm writes the name of the process, with zeros up to the end.
func comm(m *Machine, buf, size, _, _, _ uint64) uint64 {
	const longest = 15 // TASK_COMM_LEN without the zero
	size = uint64(uint32(size))
	b := m.write(buf, size)
	if len(b) == 0 {
		return errno(eINVAL)
	}
	name := m.input.Process.Comm
	name = name[:min(len(name), longest, len(b)-1)]
	clear(b[copy(b, name):])
	return 0
}

// currentTask returns the task_struct of the process. Where the caller placed none it is an address that
// programs can compare, and keep things with, but not read.
func currentTask(m *Machine, _, _, _, _, _ uint64) uint64 {
	if t := m.input.Process.Task; t != 0 {
		return t
	}
	return m.noTask
}

// nsPIDTGID writes struct bpf_pidns_info. There is one namespace of processes, whatever its device and
// inode are called.
func nsPIDTGID(m *Machine, _, _, info, size, _ uint64) uint64 {
	b := m.write(info, uint64(uint32(size)))
	if b == nil {
		return 0
	}
	clear(b)
	if len(b) != 8 {
		return errno(eINVAL)
	}
	putUint(b[:4], uint64(m.input.Process.PID))
	putUint(b[4:], uint64(m.input.Process.TGID))
	return 0
}
