package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
)

// JumpTable is a list of places in a function that gotox goes to: instructions load its address
// ([asm.RefTable]), add eight times an index, and load from there where to go (Linux 6.19). A
// loader makes a map of type insn_array of it. All places are in one function.
type JumpTable struct {
	Name   string
	Labels []asm.Label // by index
}

// Table returns the jump table of that name, or nil. The pointer is into p.Tables.
func (p *Program) Table(name string) *JumpTable {
	for i := range p.Tables {
		if p.Tables[i].Name == name {
			return &p.Tables[i]
		}
	}
	return nil
}

// Map returns the map that a loader makes of the table.
func (t *JumpTable) Map() *Map {
	return &Map{Name: t.Name, Type: MapInsnArray, KeySize: 4, ValueSize: insnArrayValue, MaxEntries: uint32(len(t.Labels))}
}

// insnArrayValue is the size of a value of such a map (struct bpf_insn_array_value,
// include/uapi/linux/bpf.h of Linux 6.19): it begins with the slot of the instruction; the rest is
// the kernel's.
const insnArrayValue = 16

// RenameTable makes the instructions from begin up to end, without it, refer to the jump table of another
// name. The tables themselves stay as they are.
func (p *Program) RenameTable(begin, end int, from, to string) {
	if from == to {
		return
	}
	p.Insns.Edit(func(insns []Insn) {
		for i := begin; i < end; i++ {
			if in := &insns[i]; in.Ref == asm.RefTable && in.Symbol == from {
				in.Symbol = to
			}
		}
	})
}

// cloneTables copies tables that may be changed.
func cloneTables(ts []JumpTable) []JumpTable {
	out := slices.Clone(ts)
	for i := range out {
		out[i].Labels = slices.Clone(out[i].Labels)
	}
	return out
}

// checkTables returns the tables by name. It refuses tables of one name, and those with a place that
// is not in the program or in another function than the rest.
func (p *Program) checkTables(places *placer) (map[string]*JumpTable, error) {
	if len(p.Tables) == 0 {
		return nil, nil
	}
	byName := make(map[string]*JumpTable, len(p.Tables))
	for k := range p.Tables {
		t := &p.Tables[k]
		if t.Name == "" || len(t.Labels) == 0 {
			return nil, fmt.Errorf("jump table %s is empty or has no name", show(t.Name))
		}
		if byName[t.Name] != nil {
			return nil, fmt.Errorf("two jump tables are named %s", show(t.Name))
		}
		byName[t.Name] = t
		first, _ := places.of(t.Labels[0])
		for i, l := range t.Labels {
			at, ok := places.of(l)
			switch {
			case l == 0 || !ok:
				return nil, fmt.Errorf("jump table %s: label %s of entry %d is not defined", show(t.Name), p.labelName(l), i)
			case at.fn != first.fn:
				return nil, fmt.Errorf("jump table %s: entry %d is in another function than the first", show(t.Name), i)
			}
		}
	}
	return byName, nil
}

// usedTables are the names of the tables that instructions refer to.
func usedTables(each func(func(in *Insn))) map[string]bool {
	used := make(map[string]bool)
	each(func(in *Insn) {
		if in.Ref == asm.RefTable {
			used[in.Symbol] = true
		}
	})
	return used
}

// relabelTables puts new labels in place of old ones. Tables with a label that has none any more go
// away: nothing refers to them.
func (p *Program) relabelTables(now func(asm.Label) (asm.Label, bool)) {
	p.Tables = slices.DeleteFunc(p.Tables, func(t JumpTable) bool {
		for i, l := range t.Labels {
			to, ok := now(l)
			if !ok {
				return true
			}
			t.Labels[i] = to
		}
		return false
	})
}

// tablesText returns the tables as text, places by the index of their instruction: labels that are
// only renumbered are not a change.
func (p *Program) tablesText() string {
	if len(p.Tables) == 0 {
		return ""
	}
	at := make(map[asm.Label]int)
	for i, m := range p.Insns.marks() {
		at[m.label] = i
	}
	var b strings.Builder
	for i, t := range p.Tables {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(name(t.Name))
		for _, l := range t.Labels {
			fmt.Fprintf(&b, " %d", at[l])
		}
	}
	return b.String()
}

// appendTables appends a line for each table, with its labels as the code shows them.
func (p *Program) appendTables(dst []byte) []byte {
	if len(p.Tables) == 0 {
		return dst
	}
	names := p.plainLabels()
	for _, t := range p.Tables {
		text := name(t.Name)
		for _, l := range t.Labels {
			if n := names[l]; n != "" {
				text += " " + name(n)
			} else {
				text += fmt.Sprintf(" L%d", l)
			}
		}
		dst = appendLine(append(dst, '\t'), "table", text)
	}
	return dst
}
