package loader

import (
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// jumpMap is the map of a jump table of a program on its way into the kernel, which keeps it from
// there on.
type jumpMap struct {
	table *spec.JumpTable
	fd    *sys.FD
	raw   int // held until closeTables
}

// createTables makes an empty map of each jump table that the code refers to, and puts its
// descriptor there.
func (l *session) createTables(p *prepared) (all []jumpMap, err error) {
	defer func() {
		if err != nil {
			closeTables(all)
			all = nil
		}
	}()
	made := make(map[string]int) // descriptors by name
	for i := range p.Code {
		in := &p.Code[i]
		if in.Ref != asm.RefTable {
			continue
		}
		t := p.Spec.Table(in.Symbol)
		if t == nil || in.Op != asm.OpLoadImm64 {
			return all, fmt.Errorf("instruction %d: opcode %#02x refers to jump table %q, which cannot be", i, uint8(in.Op), in.Symbol)
		}
		raw, ok := made[t.Name]
		if !ok {
			m, err := l.createTable(t, in)
			if err != nil {
				return all, fmt.Errorf("create jump table %q: %w", t.Name, err)
			}
			all = append(all, m)
			raw, made[t.Name] = m.raw, m.raw
		}
		in.ClearRef()
		in.Src, in.Imm = asm.PseudoMapValue, int64(raw)
	}
	return all, nil
}

// createTable makes the map of a table that an instruction refers to.
func (l *session) createTable(t *spec.JumpTable, in *asm.Insn) (jumpMap, error) {
	m := t.Map()
	fd, err := sys.CreateMap(&sys.MapCreate{
		Type: uint32(m.Type), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Name: kernelName(m.Name),
	})
	switch {
	case errors.Is(err, sys.EPERM):
		return jumpMap{}, l.kernel.ExplainCharged(err, sys.CapBPF.String())
	case errors.Is(err, sys.EINVAL):
		what, since := spec.InsnSince(in)
		return jumpMap{}, l.kernel.TooOld([]spec.Requirement{{What: what, Since: since}}, err)
	case err != nil:
		return jumpMap{}, err
	}
	raw, err := fd.Acquire()
	return jumpMap{t, fd, raw}, err
}

// fillTables writes where the places of jump tables were encoded to. The kernel takes no table that
// can still change.
func (p *prepared) fillTables(all []jumpMap) error {
	if len(all) == 0 {
		return nil
	}
	slots := make(map[asm.Label]asm.Slot)
	for i := range p.Code {
		if n := p.Code[i].Label; n != 0 {
			slots[n] = p.slots[i]
		}
	}
	for _, m := range all {
		size := m.table.Map().ValueSize
		for i, n := range m.table.Labels {
			slot, ok := slots[n]
			if !ok {
				return fmt.Errorf("fill jump table %q: entry %d leads nowhere", m.table.Name, i)
			}
			value := native.AppendUint32(make([]byte, 0, size), uint32(slot))[:size]
			if err := sys.UpdateElem(m.fd, native.AppendUint32(nil, uint32(i)), value, 0, false); err != nil {
				return fmt.Errorf("fill jump table %q: %w", m.table.Name, err)
			}
		}
		if err := sys.Freeze(m.fd); err != nil {
			return fmt.Errorf("freeze jump table %q: %w", m.table.Name, err)
		}
	}
	return nil
}

// closeTables closes the descriptors.
func closeTables(all []jumpMap) {
	for _, m := range all {
		m.fd.Release()
		m.fd.Close()
	}
}
