package vm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm/wasm"
)

// translation is what the machine has of an engine.
type translation struct {
	*Machine
	compiler   Engine
	modules    Modules      // nil until there are any
	translated []translated // by their index
	stack      [6]uint64
	failed     error // of the engine: nothing is translated any more
	granules   int   // of the shadow, when it was written into the state
}

// translated is what became of one program.
type translated struct {
	run    func(stack []uint64) error // nil as long as it is interpreted
	code   []asm.Insn
	tables []asm.Label
	cost   int64 // of compiling, ns, by estimate
	spent  int64 // on interpreting it so far, ns by estimate
	err    error // why it is interpreted
}

// Nanoseconds of interpreting, by which a program has to have cost as much as compiling it would before
// it is compiled.
const (
	nsPerRun  = 50
	nsPerInsn = 2
	nsPerFuel = 20 // a round of a loop
)

// usualSize is how many bytes an instruction is translated to.
const usualSize = 12

var errStopped = errors.New("the program was stopped")

// Translated reports whether a program that is run next is run by the engine, and if not, why. The reason
// is nil if it has not run often enough.
func (m *Machine) Translated(name string) (bool, error) {
	i, ok := m.byName[name]
	switch {
	case !ok:
		return false, fmt.Errorf("the machine has no program %q", name)
	case m.engine == nil:
		return false, errors.New("there is no engine")
	}
	t := &m.engine.translated[i]
	if t.err == nil && t.run == nil {
		return false, m.engine.failed
	}
	return t.run != nil, t.err
}

// Close frees what the engine has for the machine, which is interpreted from then on.
func (m *Machine) Close() error {
	if m.engine == nil || m.engine.modules == nil {
		return nil
	}
	err := m.engine.modules.Close()
	m.mem.moved, m.engine = nil, nil
	return err
}

// prepareEngine notes what is needed to translate programs.
func (m *builder) prepareEngine() {
	if m.options.Engine == nil {
		return
	}
	m.mem.limit = min(m.mem.limit, maxShared)
	m.engine = &translation{Machine: m.Machine, compiler: m.options.Engine}
}

// maxShared is how many bytes there may be so that they, their shadow and the state can be indexed with 32 bits.
const maxShared = 7 << 29

// translatable notes the code of the program that was decoded last.
func (d *decoder) translatable() {
	e := d.m.engine
	if e == nil {
		return
	}
	t := translated{code: d.bound.Code}
	for _, j := range d.p.Tables {
		t.tables = append(t.tables, j.Labels...)
	}
	t.cost = e.compiler.Cost([]int{usualSize * len(t.code)})
	e.translated = append(e.translated, t)
}

// translate returns how to run a program by the engine, or nil if it is to be interpreted.
func (m *translation) translate(i int) func([]uint64) error {
	if m.tracer != nil { // which sees what is interpreted
		return nil
	}
	t := &m.translated[i]
	if t.run != nil || t.err != nil || m.failed != nil {
		return t.run
	}
	if !m.options.Eager && t.spent < t.cost {
		return nil
	}
	code, sizes, err := wasm.Translate(m.programOf(i))
	if err == nil {
		err = m.tooLong(sizes)
	}
	if err == nil {
		err = m.openEngine()
	}
	if err == nil {
		t.run, err = m.modules.Load(code)
	}
	if t.code = nil; err != nil {
		t.err = fmt.Errorf("translate program %q: %w", m.programs[i].spec.Name, err)
	}
	return t.run
}

// tooLong refuses to compile functions that take too much time.
func (m *translation) tooLong(sizes []int) error {
	if ns := m.compiler.Cost(sizes); ns > maxCompile*100 {
		println("SIZE", sizes[0], ns/1000)
		return fmt.Errorf("compiling would take %d ms, more than %d", int(ns/1e6), int(maxCompile/1e6))
	}
	return nil
}

// openEngine has the engine share the memory.
func (m *translation) openEngine() (err error) {
	if m.modules != nil || m.failed != nil {
		return m.failed
	}
	memory := func(size uint64) []byte {
		if size > uint64(len(m.mem.linear)) {
			return nil
		}
		return m.mem.linear[:size:size]
	}
	shared := wasm.Shared(uint32(len(m.mem.linear)/pageSize), uint32(len(m.programs)))
	if m.modules, err = m.compiler.Open(shared, memory, m.host); err != nil {
		m.failed = fmt.Errorf("open engine: %w", err)
		return m.failed
	}
	m.mem.moved = func() error {
		m.saveShadow()
		return m.modules.Grown(uint64(len(m.mem.linear)))
	}
	return nil
}

// programOf describes a program to the translator.
func (m *translation) programOf(i int) *wasm.Program {
	p, t := &m.programs[i], &m.translated[i]
	insns := func(at int) *insn { return &m.code[p.start+at] }
	out := &wasm.Program{
		Insns: t.code, Funcs: map[int]string{}, Tables: t.tables, Start: uint64(p.start), Code: codeAddr, Slot: uint32(i),
		Value:    func(at int) uint64 { return insns(at).imm },
		Poisoned: func(at int) bool { return insns(at).op == opPoison },
		Owned:    m.ownedForEver,
		StackTop: m.stackTop, Context: m.context, Size: uint64(contextSize(p.spec.Type)), Data: -1, End: -1,
	}
	for at, in := range p.spec.Insns.All() {
		if in.Func != nil {
			out.Funcs[at] = in.Func.Name
		}
	}
	switch {
	case p.spec.Type == spec.ProgramXDP:
		out.Data, out.End = xdpData, xdpDataEnd
	case hasSkb(p.spec.Type):
		out.Data, out.End = skbData, skbDataEnd
	case p.spec.Type == spec.ProgramTracing, p.spec.Type == spec.ProgramLSM:
		out.ReadsZero = true
	}
	for _, mp := range m.ordered {
		out.Maps = append(out.Maps, mp.translated())
	}
	return out
}

// translated describes a map to the translator.
func (mp *Map) translated() wasm.Map {
	out := wasm.Map{Handle: mp.handle, KeySize: uint64(mp.spec.KeySize), ReadOnly: mp.spec.Flags&spec.FlagReadOnlyProg != 0}
	switch t := mp.table.(type) {
	case *array:
		out.Kind, out.Size, out.Entries, out.Data, out.Stride = wasm.MapArray, t.valueSize, t.entries, t.values, t.stride
		if t.private {
			out.PerCPU = t.perCPU
		}
	case *hash:
		if out.Size = t.valueSize; t.lru { // a look-up makes an entry the last one to be evicted
			return out
		}
		out.Kind, out.Data, out.Mask, out.Next, out.Value = wasm.MapHash, t.buckets, t.mask, t.link, t.values
		if t.private {
			out.PerCPU = t.stride
		}
	}
	if r := mp.ring; r != nil {
		out.Kind, out.Data, out.Mask, out.Positions = wasm.MapRing, r.data, r.mask, r.positions
	}
	return out
}

// ownedForEver reports whether bytes are in the values of an array, whose memory is never used for
// anything else.
func (m *translation) ownedForEver(addr, n uint64, write bool) bool {
	for _, mp := range m.ordered {
		a, ok := mp.table.(*array)
		if ok && addr >= a.values && addr-a.values < a.perCPU*uint64(max(1, mp.values())) {
			return m.mem.owned(addr, n, write)
		}
	}
	return false
}

// state returns a number of the state of the run.
func (m *translation) state(at int) []byte { return m.mem.linear[at : at+8] }

func (m *translation) getState(at int) uint64    { return binary.LittleEndian.Uint64(m.state(at)) }
func (m *translation) setState(at int, v uint64) { binary.LittleEndian.PutUint64(m.state(at), v) }

// setTail says how a tail call, or a load from the packet, went on.
func (m *translation) setTail(v int32) {
	binary.LittleEndian.PutUint32(m.mem.linear[wasm.StateTail:], uint32(v))
}

// saveShadow writes where the shadow is into the state, and saveFuel and savePacket what their names say.
func (m *translation) saveShadow() {
	binary.LittleEndian.PutUint32(m.mem.linear[wasm.StateShadow:], uint32(m.mem.shadowStart()))
	m.granules = len(m.mem.shadow)
	m.setState(wasm.StateGranules, uint64(len(m.mem.shadow))+base/8)
}

func (m *translation) saveFuel() {
	m.setState(wasm.StateFuel, uint64(m.fuel))
	m.setState(wasm.StateMayGoto, uint64(m.mayGoto))
}

func (m *translation) loadFuel() {
	m.fuel, m.mayGoto = int64(m.getState(wasm.StateFuel)), int(m.getState(wasm.StateMayGoto))
}

func (m *translation) savePacket() {
	m.setState(wasm.StatePacketStart, m.packet.start)
	m.setState(wasm.StatePacketEnd, m.packet.end)
	m.setState(wasm.StatePacketMeta, m.packet.meta)
}

// start runs the program i from its beginning, by the engine or in the interpreter.
func (m *translation) start(i int) error {
	run := m.translate(i)
	if run == nil {
		m.exec(m.pc)
		m.translated[i].note(m.options.Fuel - m.fuel)
		return nil
	}
	if len(m.mem.shadow) != m.granules {
		m.saveShadow()
	}
	m.saveFuel()
	m.savePacket()
	m.setState(wasm.StateCPU, uint64(m.input.CPU))
	s := &m.stack
	*s = [6]uint64{m.context, 5: m.stackTop}
	err := run(s[:])
	m.loadFuel()
	if m.fault != nil {
		return nil
	}
	m.regs[0] = s[0]
	return err
}

// note adds a run to what a program has cost.
func (t *translated) note(fuel int64) {
	t.spent += nsPerRun + int64(len(t.code))*nsPerInsn + fuel*nsPerFuel
}

// host does what a translated program cannot do by itself; package wasm says what that is.
func (m *translation) host(stack []uint64) {
	m.pc = int(uint32(stack[0]))
	what, fp := int32(stack[1]), stack[2]
	if what != wasm.HostAccess {
		m.depth = int((m.stackTop-fp)/frameStride) + 1
	}
	m.loadFuel()
	packet := m.packet
	r := m.answer(what, stack[3:8])
	if m.fault != nil {
		panic(errStopped)
	}
	m.saveFuel()
	if len(m.mem.shadow) != m.granules {
		m.saveShadow()
	}
	if m.packet != packet {
		m.savePacket()
	}
	stack[0] = r
}

func (m *translation) answer(what int32, a []uint64) uint64 {
	in := &m.code[m.pc]
	switch what {
	case wasm.HostFuel:
		m.stop(m.pc, Fault{Kind: FaultFuel})
	case wasm.HostDepth:
		m.stop(m.pc, Fault{Kind: FaultDepth})
	case wasm.HostAccess:
		n, write := in.access()
		if in.op >= opLoad8 && in.op <= opLoadS32 && m.readsZero(m.pc, a[0], n) {
			return 1
		}
		m.faultAccess(m.pc, a[0], n, write)
	case wasm.HostEach:
		return m.nextEntry(a)
	}
	if what != wasm.HostInsn || m.fault != nil {
		return 0
	}
	switch in.op {
	case opHelper:
		return helpers[in.off].call(m.Machine, a[0], a[1], a[2], a[3], a[4])
	case opTailCall:
		return m.tailCallTranslated(a)
	case opPacket:
		m.setTail(wasm.TailNone)
		if !m.loadPacket(in, a[0]) {
			m.setTail(wasm.TailReturn)
			return 0
		}
		return m.regs[0]
	case opGotoReg:
		m.stop(m.pc, Fault{Kind: FaultJump, Detail: fmt.Sprintf("%#x is in no jump table", a[0])})
	default:
		m.stop(m.pc, Fault{Kind: FaultRelocated, Detail: m.programAt(m.pc).poisonAt(m.pc)})
	}
	return 0
}

// access returns how many bytes an instruction accesses, and whether it writes them.
func (in *insn) access() (n uint64, write bool) {
	switch {
	case in.op == opAtomic:
		return uint64(in.size), asm.AtomicOp(int32(in.imm)) != asm.LoadAcquire
	case in.op >= opStore8 && in.op <= opStore64:
		return 1 << (in.op - opStore8), true
	case in.op >= opLoadS8:
		return 1 << (in.op - opLoadS8), false
	}
	return 1 << (in.op - opLoad8), false
}

// tailCallTranslated does a tail call of a translated program.
func (m *translation) tailCallTranslated(a []uint64) uint64 {
	m.setTail(wasm.TailNone)
	to := m.tailCall(a[1], a[2])
	if m.fault != nil || to < 0 {
		return errno(eINVAL)
	}
	i := m.programAt(to).index
	if m.translate(i) != nil {
		m.setTail(int32(i))
		return 0
	}
	fuel := m.fuel
	m.setTail(wasm.TailReturn)
	copy(m.regs[1:6], a)
	m.depth-- // the frame of the other program takes the place of this one's
	m.exec(to)
	m.translated[i].note(fuel - m.fuel)
	return m.regs[0]
}

// nextEntry finds the next entry of a map for bpf_for_each_map_elem, see wasm.HostEach.
func (m *translation) nextEntry(a []uint64) uint64 {
	mp := m.keyedMap(asm.HelperForEachMapElem, a[0])
	if mp == nil {
		return 0
	}
	if a[3] != 0 {
		return errno(eINVAL)
	}
	for i := int(a[1]); i < mp.table.slots(); i++ {
		key, ok := mp.table.slot(i)
		if !ok {
			continue
		}
		addr := mp.table.keyAddr(i)
		value := mp.table.lookup(m.input.CPU, key)
		if addr == 0 { // an array has its keys nowhere
			addr = m.scratch + uint64(m.depth-1)*8
			binary.LittleEndian.PutUint32(m.mem.at(addr, 4), uint32(i))
		}
		m.setState(wasm.StateKey, addr)
		m.setState(wasm.StateValue, value)
		return uint64(i + 1)
	}
	return 0
}
