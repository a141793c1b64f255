package vm

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

var funcHelpers = []helper{
	{asm.HelperGetFuncArg, funcArg},
	{asm.HelperGetFuncRet, funcRet},
	{asm.HelperGetFuncArgCnt, funcArgCount},
	{asm.HelperGetFuncIp, funcIP},
	{asm.HelperGetAttachCookie, attachCookie},
}

// functionArgs returns the arguments of the function that is traced, and whether its result follows them
// in the context.
func functionArgs(m *Machine) (n uint64, result bool) {
	n = uint64(m.contextLen) / 8
	switch m.started.spec.AttachType {
	case spec.AttachTypeTraceFexit, spec.AttachTypeModifyReturn:
		return max(n, 1) - 1, n > 0
	}
	return n, false
}

// funcArg stores an argument.
func funcArg(m *Machine, _, i, value, _, _ uint64) uint64 {
	n, _ := functionArgs(m)
	i = uint64(uint32(i))
	if i >= n {
		return errno(eINVAL)
	}
	return storeArg(m, i, value)
}

// funcRet stores what the function returned.
func funcRet(m *Machine, _, value, _, _, _ uint64) uint64 {
	n, result := functionArgs(m)
	if !result {
		return errno(eOPNOTSUPP)
	}
	return storeArg(m, n, value)
}

func storeArg(m *Machine, i, value uint64) uint64 {
	if b := m.write(value, 8); b != nil {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(m.mem.at(m.context+8*i, 8)))
	}
	return 0
}

func funcArgCount(m *Machine, _, _, _, _, _ uint64) uint64 {
	n, _ := functionArgs(m)
	return n
}

func funcIP(m *Machine, _, _, _, _, _ uint64) uint64 { return m.input.FuncIP }

func attachCookie(m *Machine, _, _, _, _, _ uint64) uint64 { return m.input.Cookie }
