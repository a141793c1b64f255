package vm

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
)

// cgroups is a map of control groups, by their ids; 0 is none. Programs ask it by helpers only.
type cgroups struct{ ids []uint64 }

func newCgroups(_ *Machine, s *spec.Map, _ []byte) (table, error) {
	const most = 1 << 24
	if s.MaxEntries > most {
		return nil, fmt.Errorf("%d entries are more than %d", s.MaxEntries, most)
	}
	return &cgroups{make([]uint64, s.MaxEntries)}, nil
}

func (c *cgroups) lookup(int, []byte) uint64              { return 0 }
func (c *cgroups) update(int, []byte, []byte, uint64) int { return eINVAL }
func (c *cgroups) slots() int                             { return 0 }
func (c *cgroups) slot(int) (key []byte, ok bool)         { return nil, false }
func (c *cgroups) find([]byte) int                        { return -1 }
func (c *cgroups) keyAddr(int) uint64                     { return 0 }
func (c *cgroups) remove(key []byte) int {
	i := binary.LittleEndian.Uint32(key)
	switch {
	case i >= uint32(len(c.ids)):
		return eBIG
	case c.ids[i] == 0:
		return eNOENT
	}
	c.ids[i] = 0
	return errnoNone
}

// SetCgroup puts a control group, by its id, into a slot of a map of type cgroup_array; 0 clears it.
func (mp *Map) SetCgroup(slot uint32, id uint64) error {
	c, ok := mp.table.(*cgroups)
	switch {
	case !ok:
		return fmt.Errorf("set cgroup of map %q: type %v holds no control groups", mp.spec.Name, mp.spec.Type)
	case slot >= uint32(len(c.ids)):
		return fmt.Errorf("set cgroup of map %q: it has %d slots, no slot %d", mp.spec.Name, len(c.ids), slot)
	}
	c.ids[slot] = id
	return nil
}

// under reports in a helper's result whether the current process is in the control group of a slot, or
// below it.
func (c *cgroups) under(p *Process, slot uint64) uint64 {
	slot = uint64(uint32(slot))
	switch {
	case slot >= uint64(len(c.ids)):
		return errno(eBIG)
	case c.ids[slot] == 0:
		return errno(eAGAIN)
	}
	for _, id := range append(p.Ancestors[:len(p.Ancestors):len(p.Ancestors)], p.Cgroup) {
		if id == c.ids[slot] {
			return 1
		}
	}
	return 0
}
