package vm

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// helper is a helper function in Go: R1 to R5 in, R0 out. It ends the run by Machine.stop.
type helper struct {
	id   asm.Helper
	call func(m *Machine, a, b, c, d, e uint64) uint64
}

// helpers are those that are simulated, and helperIndex where they are in it. They are set once,
// because some of them run programs, which call helpers.
var (
	helpers     []helper
	helperIndex = map[asm.Helper]int{}
)

func init() {
	for _, family := range [][]helper{
		mapHelpers, queueHelpers, ringHelpers, perfHelpers, timeHelpers, processHelpers, memoryHelpers, printHelpers,
		flowHelpers, funcHelpers, lockHelpers, socketHelpers, stackHelpers, cgroupHelpers, storageHelpers, fibHelpers, xdpHelpers, skbHelpers, checksumHelpers,
		timerHelpers, dynptrHelpers, seqHelpers, perCPUHelpers, roomHelpers, deviceHelpers, lookupHelpers,
	} {
		for _, h := range family {
			helperIndex[h.id] = len(helpers)
			helpers = append(helpers, h)
		}
	}
}

// Helpers returns the helpers that are simulated, by their numbers.
func Helpers() []asm.Helper {
	list := []asm.Helper{asm.HelperTailCall}
	for _, h := range helpers {
		list = append(list, h.id)
	}
	slices.Sort(list)
	return list
}

// read returns n bytes that a helper reads, or ends the run.
func (m *Machine) read(addr, n uint64) []byte {
	if n == 0 {
		return []byte{}
	}
	if !m.access(addr, n, false) {
		m.faultAccess(m.pc, addr, n, false)
		return nil
	}
	return m.mem.at(addr, n)
}

// write returns n bytes that a helper writes to, or ends the run.
func (m *Machine) write(addr, n uint64) []byte {
	if n == 0 {
		return []byte{}
	}
	if !m.access(addr, n, true) {
		m.faultAccess(m.pc, addr, n, true)
		return nil
	}
	return m.mem.at(addr, n)
}
