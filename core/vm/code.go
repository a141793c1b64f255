package vm

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// codeAddr is or-ed to the index of an instruction to make its address, which is outside of memory.
const codeAddr = 0xc0de << 32

// tableKey names a jump table: names are unique within a program only.
type tableKey struct {
	start int
	name  string
}

// program is a program in the code of the machine.
type program struct {
	spec   *spec.Program
	index  int // in Machine.programs
	start  int
	poison func(i int) string
	jumps  []int // where jump tables lead to, sorted
}

// programAt returns the program that an instruction of the code belongs to.
func (m *Machine) programAt(pc int) *program {
	i, found := slices.BinarySearchFunc(m.programs, pc, func(p program, pc int) int { return p.start - pc })
	if !found {
		i--
	}
	return &m.programs[i]
}

// poisonAt says why the instruction was replaced.
func (p *program) poisonAt(pc int) string { return p.poison(pc - p.start) }

// tables puts the jump tables of the program into memory: the address of an instruction each.
func (d *decoder) tables() error {
	p := &d.m.programs[len(d.m.programs)-1]
	for _, t := range d.p.Tables {
		n := uint64(len(t.Labels)) * 8
		addr, err := d.m.mem.alloc(n, FaultMap, t.Name)
		if err != nil {
			return err
		}
		d.m.mem.own(addr, n, true)
		for i, l := range t.Labels {
			to, ok := d.labels[l]
			if !ok {
				return fmt.Errorf("entry %d of jump table %q goes to no place of the program", i, t.Name)
			}
			p.jumps = append(p.jumps, int(to))
			binary.LittleEndian.PutUint64(d.m.mem.at(addr+uint64(i)*8, 8), codeAddr|uint64(to))
		}
		d.m.tables[tableKey{d.start, t.Name}] = addr
	}
	slices.Sort(p.jumps)
	return nil
}

// gotox returns where a jump through a register goes. It may only go where jump tables of the
// program lead.
func (m *Machine) gotox(pc int, target uint64) (to int, ok bool) {
	to = int(uint32(target))
	if target>>32 == codeAddr>>32 {
		_, ok = slices.BinarySearch(m.programAt(pc).jumps, to)
	}
	if !ok {
		m.stop(pc, Fault{Kind: FaultJump, Detail: fmt.Sprintf("%#x is in no jump table", target)})
		return 0, false
	}
	if m.fuel--; m.fuel < 0 {
		m.stop(pc, Fault{Kind: FaultFuel})
		return 0, false
	}
	return to, true
}

// callee returns the function that a helper is to call back.
func (m *Machine) callee(f uint64) (pc int, ok bool) {
	pc = int(uint32(f))
	if f>>32 != codeAddr>>32 || pc >= len(m.code) || !m.functions[pc] {
		m.stop(m.pc, Fault{Kind: FaultJump, Detail: fmt.Sprintf("%#x is not a function", f)})
		return 0, false
	}
	return pc, true
}

// noteFunctions notes which instructions have their address loaded.
func (m *builder) noteFunctions() {
	for i := range m.code {
		if in := &m.code[i]; in.op == opMov64 && in.src == zeroReg && in.imm>>32 == codeAddr>>32 {
			m.functions[int(uint32(in.imm))] = true
		}
	}
}

// tailCall returns where the program in a slot of a program array starts, or -1 if there is none or
// too many tail calls were made.
func (m *Machine) tailCall(handle, index uint64) int {
	mp := m.byHandle(handle)
	if mp == nil || mp.spec.Type != spec.MapProgArray {
		m.stopf("%v takes a map of type prog_array", asm.HelperTailCall)
		return -1
	}
	slots := mp.table.(*slots)
	index = uint64(uint32(index))
	if index >= uint64(len(slots.at)) || slots.at[index] < 0 {
		return -1
	}
	if m.tailCalls == maxTailCalls {
		return -1
	}
	m.tailCalls++
	if m.fuel--; m.fuel < 0 {
		m.stop(m.pc, Fault{Kind: FaultFuel})
		return -1
	}
	return m.programs[slots.at[index]].start
}
