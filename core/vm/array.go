package vm

import (
	"encoding/binary"
	"math"

	"github.com/bpfhost/bpfhost/core/spec"
)

// array is an array, and one with a value for each CPU. 8 bytes that belong to nothing follow each
// value, so that what runs past one is seen.
type array struct {
	mem       *memory
	values    uint64 // address of the first value
	stride    uint64 // of values
	perCPU    uint64 // of the values of a CPU
	entries   uint32
	valueSize uint64
	private   bool // each CPU has values
	key       [4]byte
	freed     func(value, size uint64) // what to call with a value that is replaced; nil is nothing
}

func newArray(m *Machine, s *spec.Map, data []byte) (table, error) {
	a := &array{mem: &m.mem, entries: s.MaxEntries, valueSize: uint64(s.ValueSize)}
	a.stride = (a.valueSize+7)&^7 + 8
	a.perCPU = a.stride * uint64(a.entries)
	cpus := uint64(1)
	if s.Type.PerCPU() {
		cpus, a.private = uint64(m.options.CPUs), true
	}
	var err error
	size := a.perCPU * cpus
	if uint64(a.entries) > m.mem.limit/(a.stride*cpus) {
		size = math.MaxUint64 // which there is not, as the error says
	}
	if a.values, err = m.mem.alloc(size, FaultMap, s.Name); err != nil {
		return nil, err
	}
	readOnly := s.Flags&spec.FlagReadOnlyProg != 0
	for i := range uint64(a.entries) * cpus {
		m.mem.own(a.values+i*a.stride, a.valueSize, readOnly)
	}
	copy(m.mem.at(a.values, a.valueSize), data)
	return a, nil
}

func (a *array) lookup(cpu int, key []byte) uint64 {
	i := binary.LittleEndian.Uint32(key)
	if i >= a.entries {
		return 0
	}
	return a.values + a.perCPU*a.own(cpu) + uint64(i)*a.stride
}

// own returns which of the arrays is that of a CPU.
func (a *array) own(cpu int) uint64 {
	if a.private {
		return uint64(cpu)
	}
	return 0
}

func (a *array) update(cpu int, key, value []byte, flags uint64) int {
	addr := a.lookup(cpu, key)
	switch {
	case flags > Exist:
		return eINVAL
	case addr == 0:
		return eBIG
	case flags == NoExist:
		return eEXIST
	}
	copy(a.mem.at(addr, a.valueSize), value)
	if a.freed != nil {
		a.freed(addr, a.valueSize)
	}
	return errnoNone
}

func (a *array) remove([]byte) int { return eINVAL }

func (a *array) slots() int { return int(a.entries) }

func (a *array) slot(i int) ([]byte, bool) {
	binary.LittleEndian.PutUint32(a.key[:], uint32(i))
	return a.key[:], true
}

func (a *array) find(key []byte) int {
	if i := binary.LittleEndian.Uint32(key); i < a.entries {
		return int(i)
	}
	return -1
}

func (a *array) keyAddr(int) uint64 { return 0 }
