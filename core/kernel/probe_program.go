package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// native is the byte order of this machine.
var native = binary.NativeEndian

// programProbe is what programs of a type are loaded with to ask for something.
type programProbe struct {
	attach spec.AttachType
	flags  spec.ProgramFlags
	typeID uint32 // of the kernel, to attach to
	known  string // what the verifier says of a program of that type with typeID 1, which is no function
}

// notFunction and what follows is said after the kernel has recognised a type (bpf_check_attach_target of
// kernel/bpf/verifier.c).
const (
	notFunction = "is not a function"
	notTypedef  = "is not a typedef"
)

// programProbes is by type. Types that are not in it take nothing.
var programProbes = map[spec.ProgramType]programProbe{
	spec.ProgramCgroupSockAddr: {attach: spec.AttachTypeCgroupInet4Connect},
	spec.ProgramCgroupSockopt:  {attach: spec.AttachTypeCgroupGetsockopt},
	spec.ProgramTracing:        {attach: spec.AttachTypeTraceRawTp, typeID: 1, known: notTypedef},
	spec.ProgramLSM:            {attach: spec.AttachTypeLSMMac, typeID: 1, known: notFunction},
	spec.ProgramExt:            {typeID: 1, known: "Cannot replace kernel functions"},
	spec.ProgramStructOps:      {typeID: 1, known: "is not a supported struct"},
	spec.ProgramSkLookup:       {attach: spec.AttachTypeSkLookup},
	spec.ProgramSyscall:        {flags: spec.FlagSleepable},
	spec.ProgramNetfilter:      {attach: spec.AttachTypeNetfilter},
}

// askProgramType loads a program of the type, or one that is refused because of what it attaches to.
func askProgramType(t spec.ProgramType) error { return programProbes[t].load(t, returnOne) }

var (
	returnOne  = encode(asm.Mov64Imm(asm.R0, 1), asm.Exit()) // what hooks may demand
	returnZero = encode(asm.Mov64Imm(asm.R0, 0), asm.Exit())
	gpl        = []byte("GPL\x00")
)

// encode makes the bytes of instructions that need no more than that.
func encode(insns ...asm.Insn) []byte {
	order := asm.LittleEndian
	if native.Uint16([]byte{0, 1}) == 1 {
		order = asm.BigEndian
	}
	code, err := asm.AppendEncode(nil, insns, asm.EncodeOptions{Order: order})
	if err != nil {
		panic("kernel: a probe cannot be encoded: " + err.Error()) // it is constant
	}
	return code
}

// load loads a program of the type with the code, and closes it.
func (p programProbe) load(t spec.ProgramType, code []byte) error {
	fd, log, err := p.open(t, code, p.known != "")
	if err == nil {
		fd.Close()
		return nil
	}
	if p.known != "" && strings.Contains(log, p.known) {
		return nil
	}
	return lacks(err, sys.EINVAL, sys.E2BIG, sys.EOPNOTSUPP, sys.ENOTSUPP)
}

// open loads a program. With wantLog what the verifier says of it comes, too.
func (p programProbe) open(t spec.ProgramType, code []byte, wantLog bool) (fd *sys.FD, log string, err error) {
	a := p.attribute(t, code)
	if wantLog {
		return loadLogged(a)
	}
	fd, err = sys.LoadProg(&a)
	return fd, "", err
}

// loadLogged loads a program with a log.
func loadLogged(a sys.ProgLoad) (fd *sys.FD, log string, err error) {
	var buf [logSize]byte
	a.LogLevel, a.LogSize, a.LogBuf = logStats, logSize, sys.BytesPointer(buf[:])
	fd, err = sys.LoadProg(&a)
	text, _, _ := bytes.Cut(buf[:], []byte{0})
	return fd, string(text), err
}

const (
	logSize = 1024 // enough for what is said of one instruction
	// logStats has the verifier say why it refuses a program, without the walk to there
	// (BPF_LOG_STATS).
	logStats = 4
)

// attribute returns what the kernel is asked to load.
func (p programProbe) attribute(t spec.ProgramType, code []byte) sys.ProgLoad {
	return sys.ProgLoad{
		Type: uint32(t), InsnCount: uint32(len(code) / asm.SlotSize), Insns: sys.BytesPointer(code), License: sys.BytesPointer(gpl),
		Flags: uint32(p.flags), ExpectedAttachType: uint32(p.attach), AttachBTFID: p.typeID,
	}
}

// flagPrograms are the programs that flags are asked for with; a socket filter otherwise.
var flagPrograms = map[spec.ProgramFlags]spec.ProgramType{spec.FlagXDPFrags: spec.ProgramXDP}

// askProgramFlag loads a program with a flag. One that may sleep is refused for its type, and a
// descriptor that is none with EBADF.
func askProgramFlag(f spec.ProgramFlags) error {
	if f.Names() == "" {
		return errUnknown
	}
	t, ok := flagPrograms[f]
	if !ok {
		t = spec.ProgramSocketFilter
	}
	p := programProbe{flags: f}
	switch f {
	case spec.FlagSleepable: // the verifier says that such programs may not
		fd, log, err := p.open(t, returnOne, true)
		fd.Close()
		if log != "" {
			return nil
		}
		return lacks(err, sys.EINVAL)
	case spec.ProgramFlags(flagToken):
		a := p.attribute(t, returnOne)
		a.TokenFD = noDescriptor
		fd, err := sys.LoadProg(&a)
		fd.Close()
		if errors.Is(err, sys.EBADF) {
			return nil
		}
		return lacks(err, sys.EINVAL, sys.E2BIG)
	}
	return p.load(t, returnOne)
}
