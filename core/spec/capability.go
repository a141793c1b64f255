package spec

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// Capabilities lists what loading the program takes: what its type takes, and CAP_PERFMON where its
// code has what the verifier lets nobody else do (allow_ptr_leaks and bypass_spec_v1 of
// kernel/bpf/verifier.c): arithmetic of pointers into the packet, the context or the stack with
// registers, such as a variable offset of a header, and helpers that read what is not the program's.
func (p *Program) Capabilities() []string {
	caps := p.Type.Capabilities()
	if !slices.Contains(caps, capPerfmon) && p.privileged() {
		caps = append(slices.Clone(caps[:1]), append([]string{capPerfmon}, caps[1:]...)...)
	}
	return caps
}

// Capabilities lists what attaching takes beside loading: CAP_SYS_ADMIN to enter another network
// namespace (setns(2)), CAP_NET_RAW to open a packet socket (packet(7)).
func (a Attach) Capabilities() []string {
	var caps []string
	if a.Netns != "" && a.Kind.OnInterface() {
		caps = append(caps, capSysAdmin)
	}
	if a.Kind == HookSocket {
		caps = append(caps, capNetRaw)
	}
	return caps
}

// perfmonHelpers are the helpers that programs of every type have with CAP_PERFMON only
// (bpf_base_func_proto of kernel/bpf/helpers.c).
var perfmonHelpers = []asm.Helper{
	asm.HelperTracePrintk, asm.HelperGetCurrentTask, asm.HelperGetCurrentTaskBTF, asm.HelperProbeReadUser,
	asm.HelperProbeReadKernel, asm.HelperProbeReadUserStr, asm.HelperProbeReadKernelStr, asm.HelperSnprintfBTF,
	asm.HelperSnprintf, asm.HelperTaskPtRegs, asm.HelperTraceVprintk,
}

// packetFields are the offsets in the context at which pointers into the packet are.
func packetFields(t ProgramType) []int16 {
	switch t {
	case ProgramXDP: // struct xdp_md
		return []int16{0, 4, 8}
	case ProgramSkMsg, ProgramSkReuseport: // struct sk_msg_md, struct sk_reuseport_md
		return []int16{0, 8}
	}
	return []int16{76, 80, 140} // struct __sk_buff
}

// What a register may hold.
const (
	mayBePointer uint8 = 1 << iota // into the packet, the context or the stack
	mayBeContext
)

// holdings is what registers and slots of the stack may hold.
type holdings struct {
	reg  [11]uint8
	slot [64]uint8 // of 8 bytes, from the bottom of the stack
	live bool      // the code is reached
}

// join adds what may come from elsewhere, and reports whether that is more.
func (h *holdings) join(from holdings) bool {
	was := *h
	h.live = h.live || from.live
	for i, k := range from.reg {
		h.reg[i] |= k
	}
	for i, k := range from.slot {
		h.slot[i] |= k
	}
	return *h != was
}

// anyFunction is where calls by name go: functions are not told apart.
const anyFunction asm.Label = 0

// privileged reports whether the code does what takes CAP_PERFMON. It follows pointers along all
// paths until nothing new is found, without telling paths apart.
func (p *Program) privileged() bool {
	at := make(map[asm.Label]holdings)
	flow := func(to asm.Label, h holdings) bool {
		have := at[to]
		more := have.join(h)
		at[to] = have
		return more
	}
	fields := packetFields(p.Type)
	for more := true; more; {
		more = false
		h := holdings{live: true}
		h.reg[asm.R1], h.reg[asm.R10] = mayBePointer|mayBeContext, mayBePointer
		for i, in := range p.Insns.each() {
			if in.Func != nil && i > 0 {
				h.join(at[anyFunction])
			}
			if in.Label != 0 {
				h.join(at[in.Label])
				more = flow(in.Label, h) || more
			}
			if !h.live {
				continue
			}
			if h.needsPerfmon(&in.Insn) {
				return true
			}
			switch {
			case in.Ref == asm.RefLabel:
				more = flow(in.Target, h.along(in.Op)) || more
			case in.Ref == asm.RefFunc:
				more = flow(anyFunction, h.along(in.Op)) || more
			}
			h.step(&in.Insn, fields)
		}
	}
	return false
}

// along is what is held where a jump, a call or a callback goes.
func (h *holdings) along(op asm.Op) holdings {
	to := holdings{live: true}
	switch op {
	case asm.OpCall: // with the arguments, on another stack
		to.reg = h.reg
	case asm.OpLoadImm64: // a callback: its arguments are made by the helper that calls it
		to.reg[asm.R10] = mayBePointer
	default:
		to = *h
	}
	return to
}

// needsPerfmon reports whether an instruction takes CAP_PERFMON.
func (h *holdings) needsPerfmon(in *asm.Insn) bool {
	reg := in.Op.Reg()
	touches := h.reg[in.Dst%11]&mayBePointer != 0 || reg && h.reg[in.Src%11]&mayBePointer != 0
	switch in.Op.Class() {
	case asm.ClassALU:
		if in.Op.ALU() == asm.Mov {
			return reg && h.reg[in.Src%11]&mayBePointer != 0
		}
		return touches
	case asm.ClassALU64:
		return (in.Op.ALU() == asm.Add || in.Op.ALU() == asm.Sub) && reg && touches
	}
	return in.Op == asm.OpCall && in.Src == 0 && slices.Contains(perfmonHelpers, asm.Helper(in.Imm))
}

// step is what registers and stack may hold after an instruction.
func (h *holdings) step(in *asm.Insn, fields []int16) {
	dst, src := in.Dst%11, in.Src%11
	slot := (int(in.Off) + 512) / 8
	inStack := in.Off < 0 && in.Off >= -512
	switch class := in.Op.Class(); class {
	case asm.ClassALU:
		h.reg[dst] = 0
	case asm.ClassALU64:
		switch op := in.Op.ALU(); {
		case op == asm.Mov && in.Op.Reg() && in.Off == 0:
			h.reg[dst] = h.reg[src]
		case op != asm.Add && op != asm.Sub || in.Op.Reg():
			h.reg[dst] = 0
		}
	case asm.ClassLdx:
		held := uint8(0)
		switch {
		case h.reg[src]&mayBeContext != 0 && slices.Contains(fields, in.Off):
			held = mayBePointer
		case src == asm.R10 && inStack:
			held = h.slot[slot]
		}
		h.reg[dst] = held
	case asm.ClassStx:
		if dst == asm.R10 && inStack && in.Op.Size() == asm.DWord {
			h.slot[slot] = h.reg[src]
		}
	case asm.ClassLd:
		h.reg[dst] = 0
	default:
		switch {
		case in.Op == asm.OpCall:
			clear(h.reg[:asm.R6])
		case in.Op == asm.OpExit || in.Op == asm.OpJump || in.Op == asm.OpJumpLong || in.Op == asm.OpJumpReg:
			*h = holdings{}
			h.reg[asm.R10] = mayBePointer
		}
	}
}
