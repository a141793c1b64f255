package sim

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/bpfhost/bpfhost/core/vm"
)

// Direction says which way a packet goes.
type Direction uint8

// The directions.
const (
	Either   Direction = 0 // inbound, unless there are programs for outbound packets only
	Inbound  Direction = 1
	Outbound Direction = 2
)

// Packet is a packet of Ethernet.
type Packet struct {
	Time      uint64 // ns; differences to the first packet count
	Data      []byte // from the Ethernet header on; valid until the next packet is asked for
	Length    int    // bytes on the wire, where more than Data has
	Interface string // name; empty is the first that something is attached to
	Direction Direction
}

// Packets are those that arrive.
type Packets interface {
	// Next returns the next packet, or io.EOF after the last.
	Next() (Packet, error)
}

// input is what happens next.
type input struct {
	begun bool
	err   error // of packets or events, once what came before has happened; io.EOF is the end

	packet    *Packet // the next; nil is none
	event     *event
	firstTime uint64 // of the first packet
	packetAt  uint64 // when they happen, in ns since boot
	eventAt   uint64
}

// Bounds of a step.
const (
	stepInputs = 64
	stepTime   = uint64(10 * time.Millisecond)
)

// Step makes packets arrive and events happen, until a program has written to a ring that is read, or
// 10 ms of simulated time are over. It returns io.EOF when nothing is left, or an error that names the
// packet, or the event's line, that a program was stopped at or that is not what it should be.
func (b *Backend) Step() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	in := &b.input
	if !in.begun {
		in.begun = true
		if err := b.begin(); err != nil {
			return err
		}
	}
	start := b.clock
	for range stepInputs {
		at, ok := in.nextAt()
		if !ok {
			return b.end()
		}
		if end := b.endTime(); at > end {
			in.err, in.packet, in.event = io.EOF, nil, nil
			continue
		}
		if at > start+stepTime { // ticks of the plugin are on the way
			return b.wait(min(at, start+stepTime+(at-start)/1024))
		}
		if err := b.happen(at); err != nil {
			return err
		}
		if b.notify() || b.clock >= start+stepTime {
			return nil
		}
	}
	return nil
}

// nextAt returns when the next packet or event comes; false if there is none.
func (in *input) nextAt() (at uint64, ok bool) {
	switch {
	case in.packet != nil && in.event != nil:
		return min(in.packetAt, in.eventAt), true
	case in.packet != nil:
		return in.packetAt, true
	}
	return in.eventAt, in.event != nil
}

// endTime returns when the simulation is over.
func (b *Backend) endTime() uint64 {
	if b.options.Duration > 0 {
		return boot + uint64(b.options.Duration)
	}
	return 1<<64 - 1
}

// end lets the rest of the time go by.
func (b *Backend) end() error {
	if b.input.err != nil && b.input.err != io.EOF {
		return b.input.err
	}
	if b.options.Duration > 0 && b.clock < b.endTime() {
		left := b.endTime() - b.clock
		return b.wait(b.clock + min(left, max(stepTime, left/1024)))
	}
	return io.EOF
}

// wait lets time pass in which nothing comes.
func (b *Backend) wait(to uint64) error {
	err := b.pass(to)
	b.notify()
	return err
}

// pass lets time pass, and runs the callbacks of timers that programs started: those of the machines are due
// in one order.
func (b *Backend) pass(to uint64) error {
	for {
		var first *vm.Machine
		due := to
		for _, m := range b.machines {
			if at, ok := m.NextTimer(); ok && at <= due && (first == nil || at < due) {
				first, due = m, at
			}
		}
		if first == nil {
			b.clock = max(b.clock, to)
			return nil
		}
		b.clock = max(b.clock, due)
		if _, err := first.Advance(0); err != nil {
			return fmt.Errorf("simulate timer: %w", err)
		}
	}
}

// notify wakes readers. It reports whether there is something to read.
func (b *Backend) notify() bool {
	some := false
	for _, r := range b.rings {
		some = r.notify() || some
	}
	return some
}

// Begin says that nothing happens if no program sees any of the packets and events that there are.
func (b *Backend) Begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reach()
}

// begin takes the first of everything.
func (b *Backend) begin() error {
	if err := b.reach(); err != nil {
		return err
	}
	b.nextPacket()
	b.nextEvent()
	return nil
}

// reach checks that something that was attached can be reached.
func (b *Backend) reach() error {
	var unreached []string
	reached := len(b.attached) == 0
	for _, h := range b.attached {
		if h.names == nil {
			reached = reached || b.options.Packets != nil
			unreached = append(unreached, h.prog.Name()+" sees packets")
			continue
		}
		reached = reached || b.options.Events != nil
		unreached = append(unreached, fmt.Sprintf("%s sees events of %s", h.prog.Name(), h.names[0]))
	}
	if !reached {
		slices.Sort(unreached)
		return fmt.Errorf("%w: %s", ErrNothing, strings.Join(slices.Compact(unreached), ", "))
	}
	return nil
}

// ErrNothing says that no program sees any of the packets and events that there are.
var ErrNothing = errors.New("nothing reaches the programs")

// happen makes the next packet arrive or the next event happen.
func (b *Backend) happen(at uint64) error {
	in := &b.input
	if err := b.pass(at); err != nil {
		return err
	}
	if in.event != nil && (in.packet == nil || in.eventAt <= in.packetAt) {
		if err := b.fire(in.event); err != nil {
			return err
		}
		b.nextEvent()
		return nil
	}
	if err := b.deliver(in.packet); err != nil {
		return err
	}
	b.nextPacket()
	return nil
}

// nextPacket takes the next packet.
func (b *Backend) nextPacket() {
	in := &b.input
	if b.options.Packets == nil || in.err != nil {
		in.packet = nil
		return
	}
	first := in.packet == nil && in.packetAt == 0
	p, err := b.options.Packets.Next()
	if err != nil {
		in.packet = nil
		in.ended(err)
		return
	}
	if first {
		in.firstTime = p.Time
	}
	in.packetAt = max(in.packetAt, boot)
	if p.Time > in.firstTime {
		in.packetAt = max(in.packetAt, boot+p.Time-in.firstTime)
	}
	if in.packet == nil {
		in.packet = new(Packet)
	}
	*in.packet = p
}

// nextEvent takes the next event.
func (b *Backend) nextEvent() {
	const apart = uint64(time.Millisecond)
	in := &b.input
	in.event = nil
	if b.options.Events == nil || in.err != nil {
		return
	}
	e, err := b.options.Events.next()
	if err != nil {
		in.ended(err)
		return
	}
	at := in.eventAt + apart
	if in.eventAt == 0 {
		at = boot
	}
	if e.Time != nil {
		at = boot + *e.Time
	}
	in.event, in.eventAt = e, max(in.eventAt, at)
}

// ended keeps an error that is not the end of packets or events. What comes before it in time
// happens first: nothing that was read is left out.
func (in *input) ended(err error) {
	if err != io.EOF {
		in.err = err
	}
}
