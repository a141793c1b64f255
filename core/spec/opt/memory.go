package opt

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Memory is what never changes of the data of a collection, for all of its programs. It is out of
// date when maps or variables are added, removed or renamed.
type Memory struct {
	names      *spec.Index
	order      asm.ByteOrder
	configured map[string]bool // see spec.Collection.Configured
}

// NewMemory returns the constant memory of a collection.
func NewMemory(c *spec.Collection) *Memory { return &Memory{spec.NewIndex(c), c.Order, c.Configured()} }

// Constants returns what is known of the values of registers of a program of the collection, whose
// graph is g. Constant memory is what Fold takes for it. CO-RE results, addresses of kernel symbols
// and what lies in other frozen data sections, as .kconfig, are known when the program is loaded
// ([cfg.ValueFixed]).
func (m *Memory) Constants(p *spec.Program, g *cfg.Graph) *cfg.Constants {
	return m.constants(g, p.Insns.Slice())
}

func (m *Memory) constants(g *cfg.Graph, insns []spec.Insn) *cfg.Constants {
	return g.Constants(cfg.ConstOptions{
		Unknown: func(i int) bool { return insns[i].Core != nil },
		Fixed: func(i int) bool {
			switch in := &insns[i]; in.Ref {
			case asm.RefNone:
				return in.Core != nil
			case asm.RefKsym, asm.RefKfunc:
				return true
			case asm.RefMapValue, asm.RefVar:
				data, _ := m.section(in)
				return isFrozen(data)
			}
			return false
		},
		Load: func(base int, off int64, size asm.Size) (uint64, bool) {
			data, at := m.section(&insns[base])
			if !isFrozen(data) || data.Pinning != spec.PinNone || m.configured[data.Name] {
				return 0, false
			}
			return readNumber(data, m.order, at+off, size)
		},
	})
}

// section returns the map and the offset in it that an instruction loads the address of; nil if there
// is none.
func (m *Memory) section(in *spec.Insn) (*spec.Map, int64) {
	if in.Ref != asm.RefVar {
		return m.names.Map(in.Symbol), in.Imm
	}
	v := m.names.Var(in.Symbol)
	if v == nil {
		return nil, 0
	}
	return m.names.Map(v.Map), in.Imm + int64(v.Offset)
}

// isFrozen reports whether the bytes of a map, which may be nil, stay the same once it is loaded.
func isFrozen(m *spec.Map) bool {
	return m != nil && m.Freeze && m.Flags&spec.FlagReadOnlyProg != 0 && m.Type == spec.MapArray && m.MaxEntries == 1
}

// readNumber returns bytes of the first value of a map as a number.
func readNumber(m *spec.Map, order asm.ByteOrder, off int64, size asm.Size) (uint64, bool) {
	n := int64(size.Bytes())
	if off < 0 || off+n > int64(m.ValueSize) {
		return 0, false
	}
	var b [8]byte
	if m.Data != nil {
		if off+n > int64(len(m.Data)) {
			return 0, false
		}
		copy(b[:], m.Data[off:off+n])
	}
	if order == asm.BigEndian {
		return binary.BigEndian.Uint64(b[:]) >> (64 - 8*n), true
	}
	return binary.LittleEndian.Uint64(b[:]), true
}
