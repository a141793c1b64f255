package randprog

import (
	"math/rand/v2"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// The registers of a function's numbers; R6 is one too where it is no pointer.
var numbers = []asm.Reg{asm.R0, asm.R1, asm.R2, asm.R3, asm.R4, asm.R5, asm.R7, asm.R8, asm.R9}

// scratch are the registers that calls leave undefined, but for R0.
var scratch = []asm.Reg{asm.R1, asm.R2, asm.R3, asm.R4, asm.R5}

// otherSaved is another register that calls leave as it is.
var otherSaved = map[asm.Reg]asm.Reg{asm.R7: asm.R8, asm.R8: asm.R9, asm.R9: asm.R7}

// builder collects the instructions of a program, function by function.
type builder struct {
	*rand.Rand
	code    []spec.Insn
	tags    []string // forms that no single instruction shows
	labels  asm.Label
	pending asm.Label   // of the next instruction
	same    []sameLabel // labels of one place
	*function
}

// sameLabel says that two labels are the same place.
type sameLabel struct{ alias, of asm.Label }

// add appends instructions to the function.
func (b *builder) add(code ...asm.Insn) {
	for _, in := range code {
		in.Label, b.pending = b.pending, 0
		b.code = append(b.code, spec.Insn{Insn: in})
	}
}

// label returns a new label.
func (b *builder) label() asm.Label {
	b.labels++
	return b.labels
}

// here puts a label at the next instruction.
func (b *builder) here(l asm.Label) {
	if b.pending != 0 {
		b.same = append(b.same, sameLabel{l, b.pending})
		return
	}
	b.pending = l
}

// joinLabels leaves one label at each place.
func joinLabels(code []spec.Insn, same []sameLabel) {
	for _, s := range slices.Backward(same) {
		for i := range code {
			if code[i].Ref == asm.RefLabel && code[i].Target == s.alias {
				code[i].Target = s.of
			}
		}
	}
}

// tag notes a form that no single instruction shows.
func (b *builder) tag(form string) { b.tags = append(b.tags, form) }

func (b *builder) pointerInR6() bool { return b.context || b.caller }

// reg returns one of the registers that are numbers, but none of some.
func (b *builder) reg(but ...asm.Reg) asm.Reg {
	for {
		r := numbers[b.IntN(len(numbers))]
		if !b.pointerInR6() && b.IntN(10) == 0 {
			r = asm.R6
		}
		if !slices.Contains(but, r) {
			return r
		}
	}
}

// word returns the offset of one of the stack's numbers.
func (b *builder) word() int16 { return words + int16(8*b.IntN(8)) }

// interesting returns a number that is likely to show a mistake.
func (b *builder) interesting() int64 {
	switch b.IntN(10) {
	case 0, 1:
		return int64(b.Uint64())
	case 2:
		return int64(b.Uint32())
	case 3:
		return int64(int32(b.Uint32()))
	case 4:
		return int64(b.Uint64() >> b.IntN(64))
	case 5:
		return int64(b.IntN(16))
	}
	edges := []int64{0, 1, -1, -1 << 63, 1<<63 - 1, 1<<31 - 1, -1 << 31, 1 << 31, 1<<32 - 1, 1 << 32, 0xff, 0x80, 0x7fff, 0x8000}
	return edges[b.IntN(len(edges))]
}

// imm returns a number of 32 bits.
func (b *builder) imm() int32 {
	if b.IntN(3) == 0 {
		return int32(b.interesting())
	}
	return int32(b.Uint32()) >> b.IntN(32)
}

// renew makes registers numbers again: any that calls change, or one that they do not.
func (b *builder) renew(regs ...asm.Reg) {
	for _, r := range regs {
		switch b.IntN(5) {
		case 0:
			b.add(asm.LoadImm64(r, b.interesting()))
		case 1:
			b.add(asm.Mov64Imm(r, b.imm()))
		case 2:
			b.add(asm.LoadMem(r, asm.R10, b.word(), asm.DWord))
		default:
			from := []asm.Reg{asm.R7, asm.R8, asm.R9}[b.IntN(3)]
			if slices.Contains(regs, from) {
				from = otherSaved[from]
			}
			b.add(asm.Mov64Reg(r, from))
		}
	}
}

// fill makes bytes random.
func (b *builder) fill(bytes []byte) {
	for i := range bytes {
		bytes[i] = byte(b.Uint32())
	}
}

// always makes a jump that does not depend on anything.
func (b *builder) always(to asm.Label) {
	b.add([]asm.Insn{asm.Jump(to), asm.JumpLong(to)}[b.IntN(2)])
}

// at makes a register the address of a place in the stack.
func (b *builder) at(r asm.Reg, off int32) {
	b.add(asm.Mov64Reg(r, asm.R10), asm.ALU64Imm(asm.Add, r, off))
}

// ifNotNull makes parts that are done if R0 is not NULL.
func (b *builder) ifNotNull(then func()) {
	end := b.label()
	if b.IntN(2) == 0 {
		b.add(asm.JumpImm(asm.Equal, asm.R0, 0, end))
	} else {
		ok := b.label()
		b.add(asm.JumpImm(asm.NotEqual, asm.R0, 0, ok))
		b.always(end)
		b.here(ok)
	}
	then()
	b.here(end)
}

// renewNumbers makes registers numbers, from none of the others.
func (b *builder) renewNumbers(regs ...asm.Reg) {
	for _, r := range regs {
		b.add(asm.Mov64Imm(r, b.imm()))
	}
}
