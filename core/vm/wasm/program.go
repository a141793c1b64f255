package wasm

import (
	"errors"

	"github.com/bpfhost/bpfhost/core/asm"
)

// ErrNotTranslated says that a program cannot be translated, though it may be a right one.
var ErrNotTranslated = errors.New("not translated")

// Base is the address of the first object in memory; below it is the state of the run. Address and
// index are the same.
const Base = 1 << 16

// Where the state of a run is in memory. Numbers have 64 bits, but for those that say otherwise.
const (
	StateFuel        = 0
	StateMayGoto     = 8  // may_goto that are left
	StateShadow      = 16 // index of the shadow byte of address 0, 32 bits
	StateTail        = 20 // see HostInsn, 32 bits
	StateGranules    = 24 // how many bytes the shadow has
	StatePacketStart = 32 // addresses: of data,
	StatePacketEnd   = 40 // data_end
	StatePacketMeta  = 48 // and data_meta
	StateCPU         = 56
	StateKey         = 64 // addresses that HostEach found
	StateValue       = 72
	StateSize        = 80
)

// FrameSize is the stack of a function, and FrameStride the distance of two of them, in bytes.
const FrameSize, FrameStride = 512, 1024

// MaxFrames is how many functions may be active at once.
const MaxFrames = 8

// What a module asks its host for: host(pc, what, r10, r1, r2, r3, r4, r5), of which pc is Program.Start
// plus the index of the instruction. The host panics to end the run.
const (
	// HostInsn does a call of a helper, a load from a packet, or a poisoned instruction, and returns R0.
	// A load has its offset in place of r1. StateTail is set by loads to TailReturn if the program is over,
	// and by tail calls to TailNone, TailReturn if the other program has returned R0, or the number of
	// the program that is to be called. For gotox, r1 is the target, and it only comes back if that was
	// not one.
	HostInsn   int32 = iota
	HostFuel         // the fuel is used up
	HostDepth        // the stack has no frame left
	HostAccess       // r1 is an address that may not be accessed: 1 if 0 is read instead
	// HostEach finds an entry of the map r1 in or after slot r2: it returns the slot after it, or 0, and
	// sets StateKey and StateValue.
	HostEach
)

// Values of StateTail other than the number of a program.
const (
	TailNone   int32 = -1
	TailReturn int32 = -2
)

// Names of what modules import and export.
const (
	HostModule   = "vm"     // has the function
	HostFunction = "host"   // that modules import
	SharedModule = "shared" // is what Shared returns; it has
	MemoryName   = "memory" // the memory and
	TableName    = "table"  // the table of programs
	EntryName    = "run"    // of the function that a module exports
)

// MapKind says what of a map a module can do by itself.
type MapKind uint8

// The kinds of maps.
const (
	MapOther MapKind = iota // nothing
	MapArray                // look-ups by index
	MapHash                 // look-ups by key
	MapRing                 // reserve, submit and discard
)

// Map is a map that programs refer to.
type Map struct {
	Handle   uint64 // what a program loads to refer to it
	Kind     MapKind
	KeySize  uint64
	Size     uint64 // of a value that look-ups return the address of; 0 if it may go away
	ReadOnly bool   // for programs
	Entries  uint32 // of an array
	PerCPU   uint64 // distance of the values of two CPUs; 0 if they share one

	// Address of the first value of an array, of the buckets of a hash map (the address of an entry each,
	// 32 bits), or of the data of a ring.
	Data uint64
	Mask uint64 // of positions in a ring, of buckets

	Stride uint64 // of values of an array
	Next   uint64 // where an entry of a hash map has the address of the next one, 32 bits
	Value  uint64 // and its value, both from its start, where the key is

	Positions uint64 // address of the two positions of a ring: consumer, producer
}

// Program is an eBPF program, ready to run: its relocations are applied.
type Program struct {
	Insns  []asm.Insn
	Funcs  map[int]string // names of functions by their first instruction
	Tables []asm.Label    // where gotox may go
	Start  uint64         // number of the first instruction, in the addresses of functions and for the host
	Code   uint64         // or-ed to the number of an instruction to make its address
	Slot   uint32         // in the table of programs

	// Value returns what a 64-bit load with a reference loads.
	Value func(insn int) uint64
	// Poisoned reports whether an instruction must not be reached; nil is none.
	Poisoned func(insn int) bool
	// Owned reports whether all of these bytes belong to an object for ever; nil is never.
	Owned func(addr, size uint64, write bool) bool

	StackTop  uint64 // R10 of the first function
	Context   uint64 // address of the context
	Size      uint64 // of it, at least
	Data, End int64  // offsets of the fields data and data_end in it; negative is none
	ReadsZero bool   // where HostAccess may return 1
	Maps      []Map
}

// mapOf returns the map of a handle, or nil.
func (p *Program) mapOf(handle uint64) *Map {
	for i := range p.Maps {
		if p.Maps[i].Handle == handle {
			return &p.Maps[i]
		}
	}
	return nil
}

// Shared returns the module that has the memory of that many pages of 64 KiB at first, and the table for
// that many programs.
func Shared(pages, programs uint32) []byte {
	m := newModule()
	m.section(sectionTable, appendUint([]byte{typeFuncref, 0}, programs))
	m.section(sectionMemory, appendUint([]byte{0}, pages))
	m.section(sectionExport,
		append(appendName(nil, MemoryName), kindMemory, 0),
		append(appendName(nil, TableName), kindTable, 0))
	return m.b
}
