package vm

import "fmt"

// Input is what a run of a program gets.
type Input struct {
	// Packet is what programs of networking run on, from the Ethernet header on; programs of type
	// cgroup_skb and lwt_… see it from the network header on. At most MaxPacket bytes.
	Packet []byte

	// Context is the context in the layout of the UAPI, at most 4096 bytes. Of an xdp_md and a
	// __sk_buff the machine fills in what describes the packet. For tracing programs it holds the
	// arguments, 8 bytes each.
	Context []byte

	Cookie uint64 // of the attachment
	FuncIP uint64 // address of the function that is traced

	Stack     []uint64 // of the kernel, addresses from the innermost frame on
	UserStack []uint64 // of the process

	CPU     int     // that the program runs on; above 0 only if the machine has as many
	Process Process // that the program interrupted, or that called it
}

// Process is what programs are told of the current process.
type Process struct {
	PID       uint32 // of the thread
	TGID      uint32 // of the process
	UID       uint32
	GID       uint32
	Comm      string   // cut to 15 bytes
	Cgroup    uint64   // id of its control group
	Ancestors []uint64 // ids of the control groups above that, the root first
	Task      uint64   // address of its task_struct, which Machine.Place made; 0 is none
}

// Result is how a run ended.
type Result struct {
	Return   uint64 // R0
	Packet   []byte // the packet afterwards; valid until the next run
	Context  []byte // the context afterwards; valid until the next run
	Redirect int    // number of the interface that the program redirected to last; 0 is none

	RedirectTo RedirectTo // the entry of a map that it redirected to last

	Clones []Clone // copies of the packet that it sent; valid until the next run
	Output []byte  // what an iterator wrote to its file; valid until the next run
	Socket *Socket // of Options.Sockets, that bpf_sk_assign chose; nil is none
}

// RedirectTo is an entry of a map of interfaces, CPUs or sockets.
type RedirectTo struct {
	Map       string // empty is none
	Key       uint32
	Broadcast bool // to all interfaces of the map
}

// Run runs a program on an input. Maps, rings and variables keep what it wrote. Nothing is
// allocated, except for entries of maps that grow and timers that are new.
//
// The error is a *Fault if the program was stopped. The result then has the packet and the context
// as they were left.
func (m *Machine) Run(name string, in Input) (Result, error) {
	if m.started == nil || m.started.spec.Name != name { // it is mostly the same one again
		i, ok := m.byName[name]
		if !ok {
			return Result{}, fmt.Errorf("run program %q: the machine has none of that name", name)
		}
		m.started = &m.programs[i]
	}
	m.input, m.fault = in, nil
	if m.options.Again {
		m.random.Seed(m.options.Seed, seedHigh)
	}
	n, err := m.prepare()
	if err != nil {
		return Result{}, fmt.Errorf("run program %q: %w", name, err)
	}
	reset(m, m.options.Fuel)
	m.contextLen = n
	m.regs = [16]uint64{1: m.context}
	m.pc = m.started.start
	if m.engine == nil || m.tracer != nil {
		m.exec(m.pc)
	} else if err := m.engine.start(m.started.index); err != nil {
		return Result{}, fmt.Errorf("run program %q: %w", name, err)
	}
	r := Result{
		Return: m.regs[0], Context: m.mem.at(m.context, uint64(n)), Redirect: m.redirect, RedirectTo: m.redirectTo,
		Clones: takeClones(m), Output: m.seq, Socket: m.assigned,
	}
	if HasPacket(m.started.spec.Type) {
		r.Packet = m.mem.at(m.packet.start, m.packet.end-m.packet.start)
	}
	if m.fault != nil {
		r.Return = 0
		return r, m.fault
	}
	return r, nil
}

// reset makes ready what belongs to a run.
func reset(m *Machine, fuel int64) {
	m.depth, m.tailCalls, m.fuel, m.mayGoto = 0, 0, fuel, maxMayGoto
	m.redirect, m.redirectTo, m.locked, m.assigned = 0, RedirectTo{}, 0, nil
	m.clones, m.cloned, m.seq = m.clones[:0], m.cloned[:0], m.seq[:0]
}

// prepare puts the input into memory and returns the size of the context.
func (m *Machine) prepare() (int, error) {
	in, t := &m.input, m.started.spec.Type
	if in.CPU < 0 || in.CPU >= m.options.CPUs {
		return 0, fmt.Errorf("there is no CPU %d, the machine has %d", in.CPU, m.options.CPUs)
	}
	if len(in.Context) > maxContext {
		return 0, fmt.Errorf("the context has %d bytes, at most %d are possible", len(in.Context), maxContext)
	}
	if !HasPacket(t) && in.Packet != nil {
		return 0, fmt.Errorf("programs of type %v run on no packet", t)
	}
	n := max(len(in.Context), contextSize(t))
	if n != m.contextOwned {
		m.mem.disown(m.context, maxContext)
		m.mem.own(m.context, uint64(n), false)
		m.contextOwned = n
	}
	ctx := m.mem.at(m.context, uint64(n))
	clear(ctx[copy(ctx, in.Context):])
	if !HasPacket(t) {
		return n, nil
	}
	if err := m.putPacket(in.Packet); err != nil {
		return 0, err
	}
	m.fillContext(len(in.Context) > 0)
	return n, nil
}
