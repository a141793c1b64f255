package vm

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
)

// stackBuildID is BPF_F_STACK_BUILD_ID (include/uapi/linux/bpf.h).
const stackBuildID = 1 << 5

// stacks is a map of stack traces: a hash map whose keys are the ids of stacks, which are numbers of
// buckets in the kernel. Programs cannot read it.
type stacks struct {
	*hash
	buckets uint64
}

func newStacks(m *Machine, s *spec.Map, _ []byte) (table, error) {
	if s.Flags&stackBuildID != 0 {
		return nil, refuse("build ids of stacks are not simulated")
	}
	if s.KeySize != 4 || s.ValueSize == 0 || s.ValueSize%8 != 0 || s.MaxEntries == 0 {
		return nil, fmt.Errorf("key of %d bytes, value of %d and %d entries: type %v takes 4, a multiple of 8 and at least 1", s.KeySize, s.ValueSize, s.MaxEntries, s.Type)
	}
	t, err := newHash(m, s, nil)
	if err != nil {
		return nil, err
	}
	n := uint64(1)
	for n < uint64(s.MaxEntries) {
		n *= 2
	}
	return &stacks{t.(*hash), n}, nil
}

func (s *stacks) update(int, []byte, []byte, uint64) int { return eINVAL }

// add puts a stack into the map and returns its id or a negative error number (__bpf_get_stackid,
// kernel/bpf/stackmap.c).
func (s *stacks) add(value []byte, reuse bool) uint64 {
	id := mix(1, value) & (s.buckets - 1)
	key := binary.LittleEndian.AppendUint32(nil, uint32(id))
	full := make([]byte, s.valueSize)
	copy(full, value)
	if addr := s.hash.lookup(0, key); addr != 0 {
		if string(s.mem.at(addr, s.valueSize)) == string(full) {
			return id
		}
		if !reuse {
			return errno(eEXIST)
		}
	}
	if s.hash.update(0, key, full, Any) != errnoNone {
		return errno(eNOMEM)
	}
	return id
}
