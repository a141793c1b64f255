// Package backendtest has a backend in Go memory, its maps and rings, for tests of what uses one, and
// an object.
package backendtest

import (
	"bytes"
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
)

// Map is a backend.Map in Go memory.
type Map struct {
	name    string
	typ     spec.MapType
	key     int
	value   int
	entries int
	cpus    int
	data    map[string][]byte
	order   []string
}

// NewMap makes an empty map. Per-CPU maps are for 4 CPUs.
func NewMap(name string, typ spec.MapType, key, value, entries int) *Map {
	m := &Map{name: name, typ: typ, key: key, value: value, entries: entries, cpus: 1, data: map[string][]byte{}}
	if typ.PerCPU() {
		m.cpus = 4
	}
	return m
}

// Name returns its name.
func (m *Map) Name() string { return m.name }

// Type returns its type.
func (m *Map) Type() spec.MapType { return m.typ }

// KeySize returns bytes of a key.
func (m *Map) KeySize() int { return m.key }

// ValueSize returns bytes of a value.
func (m *Map) ValueSize() int { return m.value }

// MaxEntries returns how many entries it has room for.
func (m *Map) MaxEntries() int { return m.entries }

// ValueBufferSize returns bytes of the values of all CPUs.
func (m *Map) ValueBufferSize() int {
	if m.cpus > 1 {
		return m.cpus * ((m.value + 7) &^ 7)
	}
	return m.value
}

// Lookup copies the value of a key.
func (m *Map) Lookup(key, value []byte) error {
	v, ok := m.data[string(key)]
	if !ok {
		return backend.ErrNoKey
	}
	copy(value, v)
	return nil
}

// Update sets the value of a key.
func (m *Map) Update(key, value []byte, flags backend.UpdateFlags) error {
	if _, ok := m.data[string(key)]; !ok {
		if flags == backend.UpdateExist {
			return backend.ErrNoKey
		}
		m.order = append(m.order, string(key))
	}
	m.data[string(key)] = bytes.Clone(value)
	return nil
}

// Delete removes a key.
func (m *Map) Delete(key []byte) error {
	if _, ok := m.data[string(key)]; !ok {
		return backend.ErrNoKey
	}
	delete(m.data, string(key))
	m.order = slices.DeleteFunc(m.order, func(k string) bool { return k == string(key) })
	return nil
}

// NextKey copies the key after another one, in the order in which they came.
func (m *Map) NextKey(key, next []byte) error {
	i := 0
	if len(key) > 0 {
		i = slices.Index(m.order, string(key)) + 1
	}
	if i >= len(m.order) {
		return backend.ErrNoKey
	}
	copy(next, m.order[i])
	return nil
}

// Ring is a backend.Ring in Go memory.
type Ring struct {
	mu       sync.Mutex
	Records  [][]byte      // that nobody has read; guarded by mu
	wake     chan struct{} // one is outstanding at most
	IsClosed bool
	Err      error // of the next Drain
}

// NewRing makes a ring that holds records.
func NewRing(records ...string) *Ring {
	r := &Ring{wake: make(chan struct{}, 1)}
	r.Send(records...)
	return r
}

// SendSilently puts a record into the ring and wakes nobody.
func (r *Ring) SendSilently(record string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Records = append(r.Records, []byte(record))
}

// Send puts records into the ring and wakes its reader.
func (r *Ring) Send(records ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range records {
		r.Records = append(r.Records, []byte(s))
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Wait returns when there is a record, the ring is closed, or ctx ends.
func (r *Ring) Wait(ctx context.Context) error {
	for {
		r.mu.Lock()
		n, closed := len(r.Records), r.IsClosed
		r.mu.Unlock()
		switch {
		case closed:
			return os.ErrClosed
		case n > 0:
			return nil
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Drain hands over what is there, until fn returns false.
func (r *Ring) Drain(fn func([]byte) bool) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Err != nil {
		return 0, r.Err
	}
	for n := 0; ; n++ {
		if len(r.Records) == 0 {
			return n, nil
		}
		rec := r.Records[0]
		r.Records = r.Records[1:]
		if !fn(rec) {
			return n + 1, nil
		}
	}
}

// Close ends reading.
func (r *Ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.IsClosed = true
	return nil
}

// Backend is a backend in which everything is there already: nothing can be loaded or attached.
type Backend struct {
	backend.Backend
	Ring *Ring
}

// OpenRing returns the ring, whatever the map.
func (b *Backend) OpenRing(backend.Map) (backend.Ring, error) { return b.Ring, nil }

// Now returns a time that goes on.
func (b *Backend) Now() (uint64, error) { return uint64(time.Now().UnixNano()), nil }

// Close does nothing.
func (b *Backend) Close() error { return nil }

// Collection makes an object with one of everything.
func Collection() *spec.Collection {
	line := btf.NewLineInfo("src/drops.bpf.c", "\treason = ctx->reason;", 38, 0)
	insns := []spec.Insn{
		{Insn: asm.LoadMem(asm.R1, asm.R1, 0, asm.Word), Func: &btf.FuncInfo{Name: "count_drops", Type: 3}, Line: line},
		{Insn: asm.JumpImm(asm.Equal, asm.R1, 0, 1)},
		{Insn: asm.Mov64Imm(asm.R0, 1)},
		{Insn: asm.Exit(), Core: &btf.CoreRelo{Type: 7, Access: "0:1"}},
		{Insn: asm.Mov64Imm(asm.R0, 2)},
		{Insn: asm.Exit()},
	}
	insns[4].Label = 1
	return &spec.Collection{
		Order: asm.LittleEndian, License: "GPL",
		Programs: []*spec.Program{{Name: "count_drops", Section: "xdp", Type: spec.ProgramXDP, Insns: spec.NewInsns(insns...)}},
		Maps: []*spec.Map{
			{Name: "blocked", Section: ".maps", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1024},
			{Name: ".rodata", Section: ".rodata", Type: spec.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1, Data: make([]byte, 16), Freeze: true},
		},
		Vars:   []*spec.Var{{Name: "limit", Section: ".rodata", Map: ".rodata", Offset: 0, Size: 4}, {Name: "wide", Section: ".rodata", Map: ".rodata", Offset: 8, Size: 8}},
		Attach: []spec.Attach{{Program: "count_drops", Kind: spec.HookXDP, Target: "eth0"}},
	}
}
