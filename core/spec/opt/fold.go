package opt

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Folded is one thing that Fold did.
type Folded struct {
	Program string
	Insn    int    // index of the instruction before
	Kind    string // "load", "taken" or "never taken"
	Value   uint64 // of a load: what it reads
}

// Fold replaces loads of constants by what they read and conditions that are thereby known by
// jumps, in all programs, and reports what it did. Constant is what lies in a frozen data section
// (.rodata) that programs cannot write, with the value that it has now: change variables before,
// not after. A section that is pinned, or that the loader writes configuration into, is not constant.
//
// A load becomes a move, a condition that always holds a goto, and one that never holds goes away.
// Instructions with a CO-RE record are not known before they are patched and stay. What cannot be
// reached any more stays too: see Prune. On error nothing has changed.
func Fold(c *spec.Collection) ([]Folded, error) {
	var out []Folded
	frozen := frozenMaps(c)
	programs := make([]*spec.Program, len(c.Programs))
	for i, p := range c.Programs {
		q := p.Clone()
		done, err := fold(q, c, frozen)
		if err != nil {
			return nil, fmt.Errorf("fold program %s: %w", quote.Quoted(p.Name), err)
		}
		programs[i] = q
		out = append(out, done...)
	}
	for i, q := range programs {
		*c.Programs[i] = *q
	}
	return out, nil
}

// frozenMaps returns the maps whose bytes never change, and are those of the spec.
func frozenMaps(c *spec.Collection) map[string]*spec.Map {
	out := make(map[string]*spec.Map)
	for _, m := range c.Maps {
		if isFrozen(m) && m.Pinning == spec.PinNone && !c.Configured(m) {
			out[m.Name] = m
		}
	}
	return out
}

// isFrozen reports whether the bytes of a map stay the same once it is loaded.
func isFrozen(m *spec.Map) bool {
	return m.Freeze && m.Flags&spec.FlagReadOnlyProg != 0 && m.Type == spec.MapArray && m.MaxEntries == 1
}

func fold(p *spec.Program, c *spec.Collection, frozen map[string]*spec.Map) ([]Folded, error) {
	if p.Insns.Len() == 0 {
		return nil, nil
	}
	g, err := Graph(p)
	if err != nil {
		return nil, err
	}
	insns := p.Insns.Slice()
	k := constantsOf(g, insns, c, frozen)
	var out []Folded
	gone := make([]bool, len(insns))
	for b := range g.Blocks {
		k.Block(b, func(i int, before *[asm.R10]cfg.Value) {
			if f, ok := foldInsn(k, i, &insns[i], before); ok {
				f.Program = p.Name
				gone[i] = f.Kind == neverTaken
				out = append(out, f)
			}
		})
	}
	p.Insns = spec.NewInsns(insns...)
	return out, p.DeleteSet(gone)
}

// Constants returns what is known of the values of registers of a program of the collection, whose
// graph is g. Constant memory is what Fold takes for it. CO-RE results, addresses of kernel symbols
// and what lies in other frozen data sections, as .kconfig, are known when the program is loaded
// ([cfg.ValueFixed]).
func Constants(c *spec.Collection, p *spec.Program, g *cfg.Graph) *cfg.Constants {
	return constantsOf(g, p.Insns.Slice(), c, frozenMaps(c))
}

func constantsOf(g *cfg.Graph, insns []spec.Insn, c *spec.Collection, frozen map[string]*spec.Map) *cfg.Constants {
	vars := make(map[string]*spec.Var, len(c.Vars))
	for _, v := range c.Vars {
		vars[v.Name] = v
	}
	fixed := make(map[string]bool)
	for _, m := range c.Maps {
		fixed[m.Name] = isFrozen(m)
	}
	return g.Constants(cfg.ConstOptions{
		Unknown: func(i int) bool { return insns[i].Core != nil },
		Fixed: func(i int) bool {
			switch in := &insns[i]; in.Ref {
			case asm.RefNone:
				return in.Core != nil
			case asm.RefKsym, asm.RefKfunc:
				return true
			case asm.RefMapValue:
				return fixed[in.Symbol]
			case asm.RefVar:
				v := vars[in.Symbol]
				return v != nil && fixed[v.Map]
			}
			return false
		},
		Load: func(base int, off int64, size asm.Size) (uint64, bool) {
			in := &insns[base]
			name := in.Symbol
			off += in.Imm
			if in.Ref == asm.RefVar {
				v := vars[name]
				if v == nil {
					return 0, false
				}
				name = v.Map
				off += int64(v.Offset)
			}
			return readNumber(frozen[name], c.Order, off, size)
		},
	})
}

// The kinds of Folded.
const (
	foldedLoad = "load"
	taken      = "taken"
	neverTaken = "never taken"
)

// foldInsn replaces one instruction if its outcome is known.
func foldInsn(k *cfg.Constants, i int, in *spec.Insn, before *[asm.R10]cfg.Value) (Folded, bool) {
	f := Folded{Insn: i}
	if n, ok := k.Load(i, before); ok {
		label := in.Label
		in.Insn = move(in.Dst, n)
		in.Label = label
		f.Kind, f.Value = foldedLoad, n
		return f, true
	}
	yes, known := k.Branch(i, before)
	switch {
	case !known || in.Ref != asm.RefLabel:
		return f, false
	case yes:
		label := in.Label
		in.Insn = asm.Jump(in.Target)
		in.Label = label
		f.Kind = taken
	default:
		f.Kind = neverTaken
	}
	return f, true
}

// move builds the shortest instruction that sets a register to a number.
func move(dst asm.Reg, n uint64) asm.Insn {
	switch {
	case n == uint64(int64(int32(n))):
		return asm.Mov64Imm(dst, int32(n))
	case n <= math.MaxUint32:
		return asm.Mov32Imm(dst, int32(n))
	}
	return asm.LoadImm64(dst, int64(n))
}

// readNumber returns bytes of the first value of a map, which may be nil, as a number.
func readNumber(m *spec.Map, order asm.ByteOrder, off int64, size asm.Size) (uint64, bool) {
	n := int64(size.Bytes())
	if m == nil || off < 0 || off+n > int64(m.ValueSize) {
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
