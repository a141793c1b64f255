package vm

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
)

// slots is a program array: indices of programs of the machine, -1 where there is none.
type slots struct{ at []int32 }

func newProgArray(_ *Machine, s *spec.Map, _ []byte) (table, error) {
	const most = 1 << 24
	if s.MaxEntries > most {
		return nil, fmt.Errorf("%d entries are more than %d", s.MaxEntries, most)
	}
	p := &slots{make([]int32, s.MaxEntries)}
	for i := range p.at {
		p.at[i] = -1
	}
	return p, nil
}

// Programs cannot read or write the array: it is for tail calls.

func (p *slots) lookup(int, []byte) uint64              { return 0 }
func (p *slots) update(int, []byte, []byte, uint64) int { return eINVAL }
func (p *slots) slots() int                             { return 0 }
func (p *slots) slot(int) (key []byte, ok bool)         { return nil, false }
func (p *slots) find([]byte) int                        { return -1 }
func (p *slots) keyAddr(int) uint64                     { return 0 }
func (p *slots) remove(key []byte) int {
	i := binary.LittleEndian.Uint32(key)
	if i >= uint32(len(p.at)) {
		return eBIG
	}
	if p.at[i] < 0 {
		return eNOENT
	}
	p.at[i] = -1
	return errnoNone
}

// SetProgram puts a program of the machine into a slot of a program array; an empty name clears it.
func (mp *Map) SetProgram(slot uint32, name string) error {
	p, ok := mp.table.(*slots)
	switch {
	case !ok:
		return fmt.Errorf("set program of map %q: type %v holds no programs", mp.spec.Name, mp.spec.Type)
	case slot >= uint32(len(p.at)):
		return fmt.Errorf("set program of map %q: it has %d slots, no slot %d", mp.spec.Name, len(p.at), slot)
	case name == "":
		p.at[slot] = -1
		return nil
	}
	i, ok := mp.machine.byName[name]
	if !ok {
		return fmt.Errorf("set program of map %q: the machine has no program %q", mp.spec.Name, name)
	}
	p.at[slot] = int32(i)
	return nil
}

// fillObjects puts programs and maps into the maps that the collection says.
func (m *builder) fillObjects() error {
	for _, mp := range m.ordered {
		for _, v := range mp.spec.Values {
			var err error
			if mp.spec.Type.HoldsMaps() {
				key := make([]byte, max(mp.spec.KeySize, 4))
				binary.LittleEndian.PutUint32(key, v.Key)
				err = mp.SetMap(key[:mp.spec.KeySize], v.Name)
			} else {
				err = mp.SetProgram(v.Key, v.Name)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
