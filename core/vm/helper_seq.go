package vm

import "github.com/bpfhost/bpfhost/core/asm"

var seqHelpers = []helper{
	{asm.HelperSeqPrintf, seqPrintf},
	{asm.HelperSeqWrite, seqWrite},
}

// maxSeq is how many bytes an iterator can write in a run: the buffer of its file (PAGE_SIZE << 3).
const maxSeq = 32 << 10

// seqPrintf prints to the file that an iterator is read through: Result.Output.
func seqPrintf(m *Machine, _, format, size, data, n uint64) uint64 {
	args, f := m.read(data, uint64(uint32(n))&^7), text(m, format, uint64(uint32(size)))
	if args == nil || f == nil {
		return 0
	}
	var err int
	if m.line, err = m.appendf(m.line[:0], f, fromMemory(args)); err != errnoNone {
		return errno(err)
	}
	return writeSeq(m, m.line)
}

func seqWrite(m *Machine, _, data, n, _, _ uint64) uint64 {
	b := m.read(data, uint64(uint32(n)))
	if b == nil {
		return 0
	}
	return writeSeq(m, b)
}

// writeSeq adds all of the bytes or none.
func writeSeq(m *Machine, b []byte) uint64 {
	if len(m.seq)+len(b) > maxSeq {
		return errno(eOVERFLOW)
	}
	m.seq = append(m.seq, b...)
	return 0
}
