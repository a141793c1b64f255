package spec

import (
	"github.com/bpfhost/bpfhost/core/asm"
)

// What came with a version is told by the merge windows of include/uapi/linux/bpf.h and
// kernel/bpf/verifier.c. Tables have what is younger than Oldest.

// mapTypeSince has the map types.
var mapTypeSince = map[MapType]Version{
	MapTaskStorage: {5, 11},
	MapBloomFilter: {5, 16},
	MapUserRingbuf: {6, 1},
	MapCgrpStorage: {6, 2},
	MapArena:       {6, 9},
	MapInsnArray:   {6, 19},
	MapRhash:       {7, 2},
}

// programTypeSince has the program types.
var programTypeSince = map[ProgramType]Version{
	ProgramSyscall:   {5, 14},
	ProgramNetfilter: {6, 4},
}

// attachTypeSince has the expected attach types of programs. sk_reuseport_select is not there: it came with
// 5.14 as the name of what such programs had done before, and older kernels look at no number there.
var attachTypeSince = map[AttachType]Version{
	AttachTypeSkSkbVerdict:               {5, 13},
	AttachTypeSkReuseportSelectOrMigrate: {5, 14},
	AttachTypePerfEvent:                  {5, 15},
	AttachTypeTraceKprobeMulti:           {5, 18},
	AttachTypeLSMCgroup:                  {6, 0},
	AttachTypeStructOps:                  {6, 4},
	AttachTypeNetfilter:                  {6, 4},
	AttachTypeTCXIngress:                 {6, 6},
	AttachTypeTCXEgress:                  {6, 6},
	AttachTypeTraceUprobeMulti:           {6, 6},
	AttachTypeNetkitPrimary:              {6, 7},
	AttachTypeNetkitPeer:                 {6, 7},
	AttachTypeCgroupUnixConnect:          {6, 7},
	AttachTypeCgroupUnixSendmsg:          {6, 7},
	AttachTypeCgroupUnixRecvmsg:          {6, 7},
	AttachTypeCgroupUnixGetpeername:      {6, 7},
	AttachTypeCgroupUnixGetsockname:      {6, 7},
	AttachTypeTraceKprobeSession:         {6, 10},
	AttachTypeTraceUprobeSession:         {6, 13},
	AttachTypeTraceFsession:              {7, 0},
	AttachTypeTraceFentryMulti:           {7, 2},
	AttachTypeTraceFexitMulti:            {7, 2},
	AttachTypeTraceFsessionMulti:         {7, 2},
}

// linkTypeSince has the link types that programs can be attached with. Links of struct_ops had their
// number before, for what attaching such a map made.
var linkTypeSince = map[LinkType]Version{
	LinkPerfEvent:    {5, 15},
	LinkKprobeMulti:  {5, 18},
	LinkStructOps:    {6, 4},
	LinkNetfilter:    {6, 4},
	LinkTCX:          {6, 6},
	LinkUprobeMulti:  {6, 6},
	LinkNetkit:       {6, 7},
	LinkSockmap:      {6, 10},
	LinkTracingMulti: {7, 2},
}

// exceptionSince is the first version with Program.Exception.
var exceptionSince = Version{6, 7}

// ModuleTypesSince is the first version that shows types of kernel modules.
var ModuleTypesSince = Version{5, 11}

// sleepableSince returns the first version in which such a program may sleep; zero when Oldest has that, or
// when it may never.
func (p *Program) sleepableSince() Version {
	switch {
	case p.Type == ProgramTracing && p.AttachType == AttachTypeTraceIter:
		return Version{5, 18}
	case p.Type == ProgramKprobe: // on functions of user space
		return Version{6, 0}
	case p.Type == ProgramStructOps:
		return Version{6, 3}
	case p.Type == ProgramTracepoint, p.Type == ProgramRawTracepoint, p.Type == ProgramTracing && p.AttachType == AttachTypeTraceRawTp:
		return Version{7, 2}
	}
	return Version{}
}

// Since returns the first version that has maps of the type; zero when Oldest has them.
func (m MapType) Since() Version { return mapTypeSince[m] }

// Since returns the first version that has programs of the type; zero when Oldest has them.
func (p ProgramType) Since() Version { return programTypeSince[p] }

// Since returns the first version that has links of the type; zero when Oldest has them.
func (l LinkType) Since() Version { return linkTypeSince[l] }

// Since returns the first version that has the attach type; zero when Oldest has it.
func (a AttachType) Since() Version { return attachTypeSince[a] }

// hookOnly reports whether kernels look at the attach type of such programs when they are attached
// and not when they are loaded (kernel/bpf/syscall.c, bpf_prog_load_check_attach).
func (p ProgramType) hookOnly() bool {
	switch p {
	case ProgramSchedCls, ProgramKprobe, ProgramSkSkb, ProgramPerfEvent, ProgramTracepoint:
		return true
	}
	return false
}

// InsnSince says what an instruction needs that is younger than Oldest, in the plural, and since when
// there is that; empty and zero when there is nothing. Calls of kernel functions count as such: which
// function there is since when is not known.
func InsnSince(in *asm.Insn) (what string, since Version) {
	switch in.Op {
	case asm.OpCall:
		return callSince(in)
	case asm.OpLoadImm64:
		if in.Ref == asm.RefFunc || in.Src == asm.PseudoFunc {
			return "callbacks", Version{5, 13}
		}
		if in.Ref == asm.RefTable {
			return "jump tables", Version{6, 19}
		}
	case asm.OpMayGoto:
		return "may_goto instructions", Version{6, 9}
	case asm.OpJumpReg:
		return "gotox instructions", Version{6, 19}
	}
	switch class := in.Op.Class(); class {
	case asm.ClassALU, asm.ClassALU64:
		return aluSince(in)
	case asm.ClassLdx:
		if in.Op.Mode() == asm.ModeMemSX {
			return version4, Version4Since
		}
	case asm.ClassStx:
		if in.Op.Mode() == asm.ModeAtomic {
			return atomicSince(asm.AtomicOp(in.Imm))
		}
	}
	return "", Version{}
}

// version4 are the instructions that compilers make for -mcpu=v4. Of gotol the loader makes shorter
// jumps where they reach.
const version4 = "instructions of -mcpu=v4"

// Version4Since is the first version with the instructions of version 4: gotol, bswap, signed division
// and loads that extend the sign.
var Version4Since = Version{6, 6}

func callSince(in *asm.Insn) (string, Version) {
	switch {
	case in.Ref == asm.RefKfunc || in.Src == asm.PseudoKfuncCall:
		return "calls of kernel functions", Version{5, 13}
	case in.Ref != asm.RefNone || in.Src != 0:
		return "", Version{}
	}
	h := asm.Helper(in.Imm)
	info, ok := h.Info()
	if !ok || int64(h) != in.Imm {
		return "", Version{}
	}
	if v, ok := ParseVersion(info.Since); ok && v.Compare(Oldest) > 0 {
		return "calls of " + h.String(), v
	}
	return "", Version{}
}

// aluSince tells the arithmetic of version 4, and casts between address spaces, by offset fields that
// were zero before (RFC 9669, section 4.1).
func aluSince(in *asm.Insn) (string, Version) {
	switch op := in.Op.ALU(); {
	case op == asm.Mov && in.Off == 1 && in.Op.Reg() && in.Op.Class() == asm.ClassALU64:
		return "casts of address spaces", Version{6, 9}
	case op == asm.Mov && in.Off != 0, op == asm.Div && in.Off == 1, op == asm.Mod && in.Off == 1,
		op == asm.End && in.Op.Class() == asm.ClassALU64:
		return version4, Version4Since
	}
	return "", Version{}
}

func atomicSince(op asm.AtomicOp) (string, Version) {
	switch op {
	case asm.AtomicAdd:
		return "", Version{}
	case asm.LoadAcquire, asm.StoreRelease:
		return "load-acquire and store-release instructions", Version{6, 15}
	}
	return fetching, fetchingSince
}

// fetching are atomic instructions whose immediate is not zero.
const fetching = "atomic instructions other than add"

var fetchingSince = Version{5, 12}

// insnSkipped reports whether kernels that do not know an instruction skip it where control does not
// get to it, and what they need for that. It is not ok for what all kernels look at before they
// follow control: operation codes and kinds of references (kernel/bpf/verifier.c,
// resolve_pseudo_ldimm64), which includes the immediate of atomic instructions before 5.12.
func insnSkipped(in *asm.Insn) (r Requirement, ok bool) {
	switch class := in.Op.Class(); {
	case in.Op == asm.OpCall:
		return r, in.Ref == asm.RefNone && in.Src == 0
	case class == asm.ClassALU, class == asm.ClassALU64:
		return r, in.Op.ALU() != asm.End
	case class == asm.ClassStx && in.Op.Mode() == asm.ModeAtomic:
		return Requirement{What: fetching, Since: fetchingSince}, in.Op.Size() == asm.Word || in.Op.Size() == asm.DWord
	}
	return r, false
}
