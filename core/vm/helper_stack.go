package vm

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

var stackHelpers = []helper{
	{asm.HelperGetStackid, getStackID},
	{asm.HelperGetStack, getStack},
	{asm.HelperGetTaskStack, getTaskStack},
}

// Flags of stacks (BPF_F_…, include/uapi/linux/bpf.h).
const (
	stackSkip  = 0xff
	stackUser  = 1 << 8
	stackFast  = 1 << 9
	stackReuse = 1 << 10
)

// trace returns the stack that flags ask for, without what they skip, at most n frames; nil when there
// is none.
func trace(m *Machine, flags, n uint64) []byte {
	s := m.input.Stack
	if flags&stackUser != 0 {
		s = m.input.UserStack
	}
	skip := flags & stackSkip
	if skip >= uint64(len(s)) {
		return nil
	}
	var b []byte
	for _, addr := range s[skip:min(skip+n, uint64(len(s)))] {
		b = binary.LittleEndian.AppendUint64(b, addr)
	}
	return b
}

// getStackID puts the stack into a map.
func getStackID(m *Machine, _, p, flags, _, _ uint64) uint64 {
	mp := m.byHandle(p)
	if mp == nil || mp.spec.Type != spec.MapStackTrace {
		return m.stopf("%v takes a map of type stack_trace", asm.HelperGetStackid)
	}
	if flags&^(stackSkip|stackUser|stackFast|stackReuse) != 0 {
		return errno(eINVAL)
	}
	b := trace(m, flags, uint64(mp.spec.ValueSize)/8)
	if b == nil {
		return errno(eFAULT)
	}
	return mp.table.(*stacks).add(b, flags&stackReuse != 0)
}

// getStack copies the stack and returns how many bytes it has.
func getStack(m *Machine, _, buf, size, flags, _ uint64) uint64 {
	size = uint64(uint32(size))
	b := m.write(buf, size)
	if b == nil {
		return 0
	}
	clear(b)
	if flags&^(stackSkip|stackUser) != 0 || size%8 != 0 {
		return errno(eINVAL)
	}
	frames := trace(m, flags, size/8)
	if frames == nil {
		return errno(eFAULT)
	}
	return uint64(copy(b, frames))
}

// getTaskStack knows the stack of the current task only.
func getTaskStack(m *Machine, task, buf, size, flags, _ uint64) uint64 {
	if b := m.write(buf, uint64(uint32(size))); task != currentTask(m, 0, 0, 0, 0, 0) && b != nil {
		clear(b)
		return errno(eFAULT)
	}
	return getStack(m, 0, buf, size, flags, 0)
}
