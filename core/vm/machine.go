package vm

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
)

// ErrNotSupported says that a collection needs something that the machine does not simulate.
var ErrNotSupported = bind.ErrNotSupported

// Options says what the machine and the world around it are like. The zero value is a machine with
// one CPU, on which everything happens the same way each time.
type Options struct {
	CPUs    int           // how many there are; 0 is 1
	Seed    uint64        // of random numbers
	Again   bool          // random numbers begin anew in each run
	Fuel    int64         // backward jumps, calls and callbacks that a run may make; 0 is 1<<24
	Memory  uint64        // bytes that programs can address at most; 0 is 1 GiB, more than 4 GiB is cut
	Clock   func() uint64 // ns since boot; nil begins at a second and goes on by 1 µs each time it is asked
	Print   io.Writer     // where bpf_trace_printk writes a line each; nil is nowhere
	Routes  []Route       // of bpf_fib_lookup
	Sockets []Socket      // of bpf_sk_lookup_tcp and those like it
	Choice  spec.Choice   // optional programs and maps to load too

	// Engine runs programs that have cost as much time as it takes to compile them, translated to
	// WebAssembly; nil is nobody, and all of them are interpreted. What they do is the same. Machine.Close
	// frees what it holds.
	Engine Engine
	Eager  bool // compile programs before they run first

	// CoreTypes are the types that CO-RE relocations are computed for, those of a kernel for instance;
	// nil is those of the collection. Contexts and objects are laid out by the same.
	CoreTypes *btf.Types

	// KernelVersion and Config answer for the kernel's version and its build options, which programs
	// declare as externs of section .kconfig.
	KernelVersion uint32            // KERNEL_VERSION(major, minor, patch)
	Config        map[string]string // as the configuration file has it: "CONFIG_HZ": "250"
}

// Machine runs the programs of a collection. It is not for several goroutines at the same time.
type Machine struct {
	spec    *spec.Collection
	names   *spec.Index // of spec
	options Options
	mem     memory
	random  *rand.PCG
	now     uint64 // of the default clock

	code      []insn
	tracer    *Tracer // nil is none
	programs  []program
	byName    map[string]int // index in programs
	functions map[int]bool   // instructions whose address is loaded
	tables    map[tableKey]uint64

	maps    map[string]*Map
	ordered []*Map // by their handles
	rings   map[string]*Ring
	perfs   map[string]*Perf
	queues  map[string]queue
	handles uint64 // address of the first handle

	stackTop uint64 // R10 of the first frame
	scratch  uint64 // a key of 8 bytes for each frame
	noTask   uint64 // stands where a task_struct is not known
	context  uint64
	packet   packet
	objects  objects
	engine   *translation // nil is none
	timers   timers
	sockets  []uint64 // addresses of Options.Sockets
	line     []byte   // that is being printed

	// What belongs to the run.
	regs       [16]uint64
	frames     [maxFrames]frame
	depth      int
	fuel       int64
	mayGoto    int
	tailCalls  int
	pc         int // of the instruction that calls a helper
	fault      *Fault
	input      Input
	started    *program
	contextLen int // bytes

	contextOwned int    // bytes that belong to the context: those of the last run
	locked       uint64 // spin lock that is held; 0 is none
	redirect     int    // interface; 0 is none
	redirectTo   RedirectTo
	clones       []Clone
	cloned       []byte  // their packets
	seq          []byte  // what an iterator wrote
	assigned     *Socket // that bpf_sk_assign chose
}

const (
	defaultFuel   = 1 << 24
	defaultMemory = 1 << 30
	maxMemory     = 1<<32 - base // pointers in contexts have 32 bits
	maxCPUs       = 4096
	sizeOfTask    = 16 << 10 // more than a task_struct has, of which nothing is there
	seedHigh      = 0x9e3779b97f4a7c15
)

// New makes a machine for a collection: its maps with their first contents, and its programs with
// CO-RE relocations applied for Options.CoreTypes. The collection is not changed.
//
// Errors wrap ErrNotSupported if something is not simulated, and name it with the program and the
// instruction, or the map, that needs it.
func New(c *spec.Collection, o Options) (*Machine, error) {
	m := &builder{&Machine{
		spec: c, names: spec.NewIndex(c), options: o, random: rand.NewPCG(o.Seed, seedHigh), now: uint64(time.Second),
		byName: map[string]int{}, functions: map[int]bool{}, tables: map[tableKey]uint64{}, maps: map[string]*Map{}, rings: map[string]*Ring{}, perfs: map[string]*Perf{}, queues: map[string]queue{},
	}}
	if err := m.defaults(); err != nil {
		return nil, fmt.Errorf("make machine: %w", err)
	}
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("make machine: %w", err)
	}
	if c.Order == asm.BigEndian {
		return nil, fmt.Errorf("make machine: %w: big-endian programs are not simulated", ErrNotSupported)
	}
	if err := m.layout(); err != nil {
		return nil, fmt.Errorf("make machine: %w", err)
	}
	chosen := c.Select(o.Choice)
	types := o.CoreTypes
	if types == nil {
		types = c.BTF
	}
	b, err := bind.New(c, chosen.Programs, bind.NewFinder(facts{m.Machine}, func(spec.Note) {}), types)
	if err != nil {
		return nil, fmt.Errorf("make machine: %w", err)
	}
	if err := m.addMaps(chosen.Maps, b); err != nil {
		return nil, err
	}
	if err := m.addPrograms(chosen.Programs, b); err != nil {
		return nil, err
	}
	if err := m.fillObjects(); err != nil {
		return nil, err
	}
	m.noteFunctions()
	return m.Machine, nil
}

// builder is a machine that is being made.
type builder struct{ *Machine }

func (m *builder) defaults() error {
	o := &m.options
	if o.CPUs == 0 {
		o.CPUs = 1
	}
	if o.CPUs < 0 || o.CPUs > maxCPUs {
		return fmt.Errorf("%d CPUs are not between 1 and %d", o.CPUs, maxCPUs)
	}
	if o.Fuel <= 0 {
		o.Fuel = defaultFuel
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	m.mem.limit = min(o.Memory, maxMemory)
	m.prepareEngine()
	const usual = 256 << 10 // what most collections need is allocated at once
	return m.mem.reserve(usual)
}

// layout allocates what is there before maps: stack, context, packet.
func (m *builder) layout() error {
	stack, err := m.mem.alloc(maxFrames*frameStride, FaultStack, "")
	if err != nil {
		return err
	}
	for i := range uint64(maxFrames) {
		m.mem.own(stack+i*frameStride+frameStride-frameSize, frameSize, false)
	}
	m.stackTop = stack + maxFrames*frameStride
	const keys = (maxFrames + 1) * 8 // for the callback of a timer too
	if m.scratch, err = m.mem.alloc(keys, FaultMap, ""); err != nil {
		return err
	}
	m.mem.own(m.scratch, keys, false)
	if m.noTask, err = m.mem.alloc(sizeOfTask, FaultObject, ""); err != nil {
		return err
	}
	if m.context, err = m.mem.alloc(maxContext, FaultContext, ""); err != nil {
		return err
	}
	m.packet.hardStart, err = m.mem.alloc(headroom+MaxPacket+tailroom, FaultPacket, "")
	m.packet.lowest = m.packet.hardStart + headroom
	m.packet.hardEnd = m.packet.hardStart + headroom + MaxPacket + tailroom
	if err != nil {
		return err
	}
	return m.addSockets()
}

// addPrograms makes the programs ready to run.
func (m *builder) addPrograms(list []*spec.Program, b *bind.Binder) error {
	for i, p := range list {
		switch p.Type {
		case spec.ProgramStructOps, spec.ProgramExt, spec.ProgramUnspec:
			return fmt.Errorf("make program %q: %w: programs of type %v are not simulated", p.Name, ErrNotSupported, p.Type)
		}
		m.byName[p.Name] = i
		if err := m.checkExterns(p); err != nil {
			return fmt.Errorf("make program %q: %w", p.Name, err)
		}
		bound, err := b.Bind(p)
		if err != nil {
			return fmt.Errorf("make program %q: %w", p.Name, err)
		}
		m.programs = append(m.programs, program{spec: p, index: i, start: len(m.code), poison: bound.PoisonAt})
		if err := m.decode(bound); err != nil {
			return fmt.Errorf("make program %q: %w", p.Name, err)
		}
	}
	return nil
}

// checkExterns refuses what a program needs of a kernel. Without weak symbols it has to do anyway.
func (m *builder) checkExterns(p *spec.Program) error {
	for i, in := range p.Insns.All() {
		if in.Ref != asm.RefKfunc && in.Ref != asm.RefKsym {
			continue
		}
		if e := m.names.Extern(in.Symbol); e == nil || !e.Weak {
			return fmt.Errorf("instruction %d: %w", i, refuse("%v %q is not simulated", in.Ref, in.Symbol))
		}
	}
	return nil
}

// clock returns the time in ns since boot.
func (m *Machine) clock() uint64 {
	if m.options.Clock != nil {
		return m.options.Clock()
	}
	m.now += uint64(time.Microsecond)
	return m.now
}
