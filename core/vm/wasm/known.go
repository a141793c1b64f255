package wasm

import (
	"math"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
)

// value is what is known of a register.
type value struct {
	kind valueKind
	null bool  // of an object: it may also be NULL, and then off is 0
	off  int64 // the number, or the offset from what kind says
	id   int32 // of an object: the call that returned it
	size int64 // of an object, in bytes
	ro   bool  // programs must not write to it
}

// valueKind says what is known.
type valueKind uint8

const (
	kindAny     valueKind = iota // nothing
	kindNumber                   // a number
	kindFrame                    // from the end of the stack frame
	kindContext                  // from the start of the context
	kindData                     // from the start of the packet
	kindDataEnd                  // the end of the packet
	kindValue                    // from the start of a value of a map, which stays
	kindRecord                   // from the start of a record of a ring, until one is released
)

// known is what is known before an instruction.
type known struct {
	regs   [asm.R10 + 1]value
	packet int64 // how many bytes from the start of the packet on there are at least
}

// merge forgets what does not hold for other too. It reports whether there was something.
func (k *known) merge(other *known) bool {
	changed := false
	for r := range k.regs {
		a, b := &k.regs[r], other.regs[r]
		b.null = b.null || a.null // which of the two does not matter
		a0 := *a
		a0.null = b.null
		if a0 != b {
			a0 = value{}
		}
		if a0 != *a {
			*a, changed = a0, true
		}
	}
	if other.packet < k.packet {
		k.packet, changed = other.packet, true
	}
	return changed
}

// forget forgets the values of some kinds.
func (k *known) forget(kinds ...valueKind) {
	for r := range k.regs {
		for _, kind := range kinds {
			if k.regs[r].kind == kind {
				k.regs[r] = value{}
			}
		}
	}
}

// movePacket forgets where the packet is.
func (k *known) movePacket() {
	k.forget(kindData, kindDataEnd)
	k.packet = 0
}

// notNull notes that the object that a call returned is there.
func (k *known) notNull(id int32) {
	for r := range k.regs {
		if v := &k.regs[r]; (v.kind == kindValue || v.kind == kindRecord) && v.id == id {
			v.null = false
		}
	}
}

// analysis finds what is known in a function.
type analysis struct {
	p    *Program
	g    *cfg.Graph
	in   []known // by block, from the first of the function on
	seen []bool
	base int
}

// analyse returns what is known before each block of a function. Blocks that control does not reach
// from its start are not to be asked for.
func analyse(p *Program, g *cfg.Graph, index int, order []int32) *analysis {
	f := &g.Funcs[index]
	a := &analysis{p: p, g: g, in: make([]known, f.Blocks), seen: make([]bool, f.Blocks), base: f.Block}
	first := &a.in[0]
	first.regs[asm.R10] = value{kind: kindFrame}
	if index == 0 {
		first.regs[asm.R1] = value{kind: kindContext}
	}
	a.seen[0] = true
	for changed := true; changed; {
		changed = false
		for _, b := range order {
			if a.seen[int(b)-a.base] && a.block(int(b)) {
				changed = true
			}
		}
	}
	return a
}

// block passes what is known after a block on. It reports whether that was new.
func (a *analysis) block(b int) bool {
	k := a.in[b-a.base]
	bl := &a.g.Blocks[b]
	for i := bl.Start; i < bl.End; i++ {
		a.step(&k, i)
	}
	changed := false
	succs := a.g.Succs(b)
	for i, to := range succs {
		after := k
		if len(succs) == 2 && succs[0] != succs[1] {
			refine(&after, &a.g.Insns[bl.End-1], i == 1)
		}
		n := int(to) - a.base
		if !a.seen[n] {
			a.seen[n], a.in[n], changed = true, after, true
		} else if a.in[n].merge(&after) {
			changed = true
		}
	}
	return changed
}

// refine adds what a condition says, where the jump is taken or not.
func refine(k *known, in *asm.Insn, taken bool) {
	if in.Op.Class() != asm.ClassJmp {
		return
	}
	d := k.regs[in.Dst&15%11]
	op := in.Op.Jump()
	switch in.Op.Format() {
	case asm.FormatCondImm:
		if in.Imm == 0 && (op == asm.NotEqual && taken || op == asm.Equal && !taken) && d.null {
			k.notNull(d.id)
		}
	case asm.FormatCondReg:
		s := k.regs[in.Src&15%11]
		if s.kind == kindData && d.kind == kindDataEnd { // the other way round
			d, s = s, d
			op = map[asm.JumpOp]asm.JumpOp{asm.Less: asm.Greater, asm.LessEq: asm.GreaterEq, asm.Greater: asm.Less, asm.GreaterEq: asm.LessEq}[op]
		}
		if d.kind != kindData || s.kind != kindDataEnd || s.off != 0 || d.off > math.MaxUint16 {
			return
		}
		if (op == asm.Greater || op == asm.GreaterEq) && !taken || (op == asm.Less || op == asm.LessEq) && taken {
			k.packet = max(k.packet, d.off)
		}
	}
}

// step changes what is known before an instruction to what is known after it.
func (a *analysis) step(k *known, i int) {
	in := &a.g.Insns[i]
	if a.p.poisoned(i) {
		return
	}
	switch in.Op.Format() {
	case asm.FormatCall:
		a.call(k, i, in)
		return
	case asm.FormatAbs, asm.FormatInd:
		k.regs[asm.R0] = value{}
		return
	case asm.FormatAtomic:
		k.regs[asm.R0] = value{}
		k.regs[in.Src] = value{}
		if asm.AtomicOp(in.Imm) == asm.LoadAcquire {
			k.regs[in.Dst] = value{}
		}
		k.regs[asm.R10] = value{kind: kindFrame}
		return
	case asm.FormatLoad64:
		k.regs[in.Dst] = value{kind: kindNumber, off: int64(a.p.value(in, i))}
		return
	case asm.FormatLoad:
		k.regs[in.Dst] = a.loaded(k, in)
		return
	case asm.FormatLoadSX:
		k.regs[in.Dst] = value{}
		return
	}
	if c := in.Op.Class(); c == asm.ClassALU || c == asm.ClassALU64 {
		k.regs[in.Dst] = computed(k, in)
	}
}

// loaded returns what is known of a number from memory: in the context are pointers to the packet.
func (a *analysis) loaded(k *known, in *asm.Insn) value {
	p := k.regs[in.Src]
	if p.kind != kindContext || in.Op.Size() != asm.Word {
		return value{}
	}
	switch at := p.off + int64(in.Off); {
	case at < 0:
	case at == a.p.Data:
		return value{kind: kindData}
	case at == a.p.End:
		return value{kind: kindDataEnd}
	}
	return value{}
}

// computed returns what is known of the result of arithmetic.
func computed(k *known, in *asm.Insn) value {
	d := k.regs[in.Dst]
	wide := in.Op.Class() == asm.ClassALU64
	s := value{kind: kindNumber, off: in.Imm}
	if in.Op.Reg() {
		s = k.regs[in.Src]
	}
	switch alu := in.Op.ALU(); {
	case alu == asm.Mov && in.Off == 0 && wide:
		return s
	case alu == asm.Mov && in.Off == 0 && s.kind == kindNumber:
		return value{kind: kindNumber, off: int64(uint32(s.off))}
	case alu == asm.Add && wide:
		if d.kind == kindNumber { // of pointer and number the pointer comes first
			d, s = s, d
		}
		return moved(d, s, s.off)
	case alu == asm.Sub && wide:
		return moved(d, s, -s.off)
	}
	return value{}
}

// moved returns a value to which the number s was added or subtracted, so that it moved by n.
func moved(v, s value, n int64) value {
	const far = 1 << 30 // beyond it no object reaches
	if s.kind != kindNumber || v.null && n != 0 || v.kind == kindAny || v.kind == kindDataEnd && n != 0 {
		return value{}
	}
	v.off += n
	if v.kind != kindNumber && (v.off > far || v.off < -far || n > far || n < -far) {
		return value{}
	}
	return v
}

// call changes what is known to what is known after a call.
func (a *analysis) call(k *known, i int, in *asm.Insn) {
	out := value{}
	if in.Ref != asm.RefLabel && in.Ref != asm.RefFunc {
		m := a.p.argument(k)
		switch asm.Helper(in.Imm) {
		case asm.HelperMapLookupElem:
			if m != nil && m.Size > 0 {
				out = value{kind: kindValue, null: true, id: int32(i), size: int64(m.Size), ro: m.ReadOnly}
			}
			if m == nil {
				k.movePacket()
			}
		case asm.HelperRingbufReserve:
			if n := k.regs[asm.R2]; m != nil && m.Kind == MapRing && n.kind == kindNumber && n.off >= 0 {
				out = value{kind: kindRecord, null: true, id: int32(i), size: n.off}
			}
		case asm.HelperRingbufSubmit, asm.HelperRingbufDiscard:
			k.forget(kindRecord)
		case asm.HelperGetSmpProcessorID, asm.HelperMapUpdateElem, asm.HelperMapDeleteElem, asm.HelperKtimeGetNs:
		default:
			k.movePacket()
			k.forget(kindRecord)
		}
	} else {
		k.movePacket()
		k.forget(kindRecord)
	}
	for r := range k.regs { // an object of an earlier round
		if k.regs[r].id == int32(i) && (k.regs[r].kind == kindValue || k.regs[r].kind == kindRecord) {
			k.regs[r] = value{}
		}
	}
	k.regs[asm.R0] = out
	for r := asm.R1; r <= asm.R5; r++ {
		k.regs[r] = value{}
	}
}

// argument returns the map that a helper is called with, if it is known.
func (p *Program) argument(k *known) *Map {
	if r1 := k.regs[asm.R1]; r1.kind == kindNumber {
		return p.mapOf(uint64(r1.off))
	}
	return nil
}

// proven reports whether n bytes at an offset from what a register holds can be accessed.
func (p *Program) proven(k *known, reg asm.Reg, off, n int64, write bool) bool {
	v := k.regs[reg]
	at := v.off + off
	switch v.kind {
	case kindNumber:
		return p.Owned != nil && p.Owned(uint64(at), uint64(n), write)
	case kindFrame:
		return at >= -FrameSize && at+n <= 0
	case kindContext:
		return at >= 0 && at+n <= int64(p.Size)
	case kindData:
		return at >= 0 && at+n <= k.packet
	case kindValue, kindRecord:
		return !v.null && at >= 0 && at+n <= v.size && !(write && v.ro)
	}
	return false
}

func (p *Program) poisoned(i int) bool { return p.Poisoned != nil && p.Poisoned(i) }

// value returns what a 64-bit load loads.
func (p *Program) value(in *asm.Insn, i int) uint64 {
	if in.Ref == asm.RefNone {
		return uint64(in.Imm)
	}
	return p.Value(i)
}
