// Package sim is a place for runs of plugins in user space: programs run on core/vm, on packets and
// events that the caller brings, without root, on every system, the same way each time.
//
//	packets, err := sim.Capture("drops.pcap", file)
//	…
//	h, err := host.New(ctx, host.Config{Backend: sim.New(sim.Options{Packets: packets})})
//
// Plans, policies, events and accounts are those of a run on a kernel. What is not simulated is
// refused when a plan is applied. Nothing here is the verifier: a program that runs may be refused by
// a kernel, and one that a kernel would refuse is stopped when it does something wrong.
//
// # What happens
//
// Packets arrive at the interface that their capture names, if a program is attached to an interface
// of that name, otherwise at the one that was attached to first. They pass XDP, are seen by socket filters,
// then pass tcx ingress, then the programs at ingress of cgroups. Packets that are outbound pass those at
// egress of cgroups and then tcx egress, and socket filters see them. A packet without a direction is inbound, unless there are programs for outbound
// packets only. A cgroup program sees the packets of all interfaces.
//
// Events are lines of JSON, see [Events]. The time that programs see begins at one second and goes on
// with the times of packets and events, and by 1 µs each time that a program asks for it.
package sim

import (
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/host/backend"
)

// Options says what the simulated world is like. The zero value is one in which nothing happens.
type Options struct {
	CPUs      int           // packets arrive on them in turns; 0 is 1
	Seed      uint64        // of random numbers
	CoreTypes *btf.Types    // of the kernel that CO-RE is computed for; nil is each object's own types
	Packets   Packets       // that arrive; nil is none
	Events    *Events       // that happen; nil is none
	Routes    []Route       // for programs that look destinations up
	Duration  time.Duration // of simulated time; 0 is until packets and events end
	Print     io.Writer     // where bpf_trace_printk writes a line each; nil is nowhere

	Engine EngineChoice // how programs are run

	Outcome func(Outcome)  // is told what became of each packet; nil is nobody
	Result  func(Returned) // is told what each program returned for an event; nil is nobody
}

// Returned is what a program returned for an event.
type Returned struct {
	Event   string // file:line
	Hook    string
	Program string
	Value   int64
}

// Backend is a simulated kernel. Its methods may be called at the same time.
type Backend struct {
	options Options

	mu       sync.Mutex // guards what follows, and the machines
	clock    uint64     // ns since boot
	network  network
	hooks    map[string][]*hook
	attached []*hook // of every kind
	pinned   map[string]bool
	rings    []*ring
	machines []*vm.Machine
	input    input
}

var _ backend.Stepper = (*Backend)(nil)

// boot is the time at which everything begins, in ns since boot.
const boot = uint64(time.Second)

// New makes a simulated kernel in which nothing is loaded.
func New(o Options) *Backend {
	if o.CPUs == 0 {
		o.CPUs = 1
	}
	b := &Backend{options: o, clock: boot, hooks: map[string][]*hook{}, pinned: map[string]bool{}}
	for cpu := range o.CPUs {
		b.network.comms = append(b.network.comms, "swapper/"+strconv.Itoa(cpu))
	}
	return b
}

// CPUs returns how many CPUs there are.
func (b *Backend) CPUs() (int, error) { return b.options.CPUs, nil }

// Now returns the simulated time in ns since boot.
func (b *Backend) Now() (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock, nil
}

// Close frees what engines hold. What was loaded and attached is closed by those who did it.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, m := range b.machines {
		errs = append(errs, m.Close())
	}
	b.machines = nil
	return errors.Join(errs...)
}

// ask is the clock of programs. They ask while a machine runs, with mu held.
func (b *Backend) ask() uint64 {
	b.clock += uint64(time.Microsecond)
	return b.clock
}

// errForeign says that a value of another backend was given.
var errForeign = errors.New("it is not of this simulation")

// unsupportedError is an error of package vm, or one of this package, that is
// backend.ErrNotSupported too.
type unsupportedError struct{ error }

// Unwrap returns the error and the condition.
func (e unsupportedError) Unwrap() []error { return []error{e.error, backend.ErrNotSupported} }
