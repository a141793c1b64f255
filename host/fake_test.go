package host

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/policy"
)

// fakeGuest is a guest made of Go functions.
type fakeGuest struct {
	memory  []byte
	hooks   map[string]func(args ...uint64) (int32, error)
	aborted error
}

func (g *fakeGuest) Call(ctx context.Context, export string, _ time.Duration, args ...uint64) (int32, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return g.hooks[export](args...)
}

func (g *fakeGuest) Has(export string) bool { return g.hooks[export] != nil }

func (g *fakeGuest) View(ptr, n uint32) ([]byte, bool) {
	if uint64(ptr)+uint64(n) > uint64(len(g.memory)) {
		return nil, false
	}
	return g.memory[ptr : ptr+n], true
}

func (g *fakeGuest) Abort(err error) { g.aborted = err }
func (g *fakeGuest) Close() error    { return nil }

// errnoIn fails the test unless a result is the code.
func errnoIn(t *testing.T, what string, rc int32, want abi.Errno) {
	t.Helper()
	if rc != -int32(want) {
		t.Errorf("%s = %d, want -%s (%d)", what, rc, want, -int32(want))
	}
}

// ok fails the test if a call failed, and gives its result.
func (x *instance) ok(t *testing.T, what string, rc int32) uint32 {
	t.Helper()
	if rc < 0 {
		t.Fatalf("%s = %d: %v", what, rc, x.last.err)
	}
	return uint32(rc)
}

// newFake makes an instance with a fake guest and all rights.
func newFake(phase abi.Phase) (*instance, *fakeGuest) {
	limits := Limits{}.withDefaults()
	g := &fakeGuest{memory: make([]byte, 64<<10), hooks: map[string]func(...uint64) (int32, error){}}
	x := newInstance("fake", limits, newOutput("fake", nil, nil, nil, limits))
	x.guest, x.phase = g, phase
	return x, g
}

// planning is a fake in the plan phase, on an object "drops" of the operator.
func planning(t *testing.T) (*instance, uint32) {
	t.Helper()
	x, _ := newFake(abi.PhasePlan)
	x.inputs = []input{{name: "drops", source: "drops.bpf.o", sha256: "00", c: testCollection()}}
	x.overlay = newOverlay("fake", x.inputs)
	return x, x.ok(t, "object_open", x.ObjectOpen([]byte("drops")))
}

// testCollection has one of everything.
func testCollection() *spec.Collection {
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
		Order: hostOrder(), License: "GPL",
		Programs: []*spec.Program{{Name: "count_drops", Section: "xdp", Type: spec.ProgramXDP, Insns: spec.NewCode(insns...)}},
		Maps: []*spec.Map{
			{Name: "blocked", Section: ".maps", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1024},
			{Name: ".rodata", Section: ".rodata", Type: spec.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1, Data: make([]byte, 16), Freeze: true},
		},
		Vars:   []*spec.Var{{Name: "limit", Section: ".rodata", Map: ".rodata", Offset: 0, Size: 4}, {Name: "wide", Section: ".rodata", Map: ".rodata", Offset: 8, Size: 8}},
		Attach: []spec.Attach{{Program: "count_drops", Kind: spec.AttachXDP, Target: "eth0"}},
	}
}

// fakeMap is a map in Go memory.
type fakeMap struct {
	name    string
	typ     spec.MapType
	key     int
	value   int
	entries int
	cpus    int
	data    map[string][]byte
	order   []string
}

func newFakeMap(name string, typ spec.MapType, key, value, entries int) *fakeMap {
	m := &fakeMap{name: name, typ: typ, key: key, value: value, entries: entries, cpus: 1, data: map[string][]byte{}}
	if typ.PerCPU() {
		m.cpus = 4
	}
	return m
}

func (m *fakeMap) Name() string       { return m.name }
func (m *fakeMap) Type() spec.MapType { return m.typ }
func (m *fakeMap) KeySize() int       { return m.key }
func (m *fakeMap) ValueSize() int     { return m.value }
func (m *fakeMap) MaxEntries() int    { return m.entries }

func (m *fakeMap) BufferSize() int {
	if m.cpus > 1 {
		return m.cpus * ((m.value + 7) &^ 7)
	}
	return m.value
}

func (m *fakeMap) Lookup(key, value []byte) error {
	v, ok := m.data[string(key)]
	if !ok {
		return loader.ErrNoKey
	}
	copy(value, v)
	return nil
}

func (m *fakeMap) Update(key, value []byte, flags loader.UpdateFlags) error {
	if _, ok := m.data[string(key)]; !ok {
		if flags == loader.UpdateExist {
			return loader.ErrNoKey
		}
		m.order = append(m.order, string(key))
	}
	m.data[string(key)] = bytes.Clone(value)
	return nil
}

func (m *fakeMap) Delete(key []byte) error {
	if _, ok := m.data[string(key)]; !ok {
		return loader.ErrNoKey
	}
	delete(m.data, string(key))
	m.order = slices.DeleteFunc(m.order, func(k string) bool { return k == string(key) })
	return nil
}

func (m *fakeMap) NextKey(key, next []byte) error {
	i := 0
	if len(key) > 0 {
		i = slices.Index(m.order, string(key)) + 1
	}
	if i >= len(m.order) {
		return loader.ErrNoKey
	}
	copy(next, m.order[i])
	return nil
}

// fakeRing is a ring in Go memory.
type fakeRing struct {
	mu      sync.Mutex
	records [][]byte
	wake    chan struct{}
	closed  bool
	err     error // of the next Drain
}

func newFakeRing(records ...string) *fakeRing {
	r := &fakeRing{wake: make(chan struct{}, 1)}
	r.send(records...)
	return r
}

func (r *fakeRing) send(records ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range records {
		r.records = append(r.records, []byte(s))
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *fakeRing) Wait(ctx context.Context) error {
	for {
		r.mu.Lock()
		n, closed := len(r.records), r.closed
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

func (r *fakeRing) Drain(fn func([]byte) bool) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	for n := 0; ; n++ {
		if len(r.records) == 0 {
			return n, nil
		}
		rec := r.records[0]
		r.records = r.records[1:]
		if !fn(rec) {
			return n + 1, nil
		}
	}
}

func (r *fakeRing) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return nil
}

// running is a fake in the run phase, with loaded maps and a ring.
func running(t *testing.T) (*instance, *fakeGuest, *fakeRing) {
	t.Helper()
	x, g := newFake(abi.PhaseRun)
	ring := newFakeRing()
	x.run = newRun(&Plugin{x: x, host: &Host{}})
	x.run.maps = []*rmap{
		{"drops", newFakeMap("blocked", spec.MapHash, 4, 8, 1024)},
		{"drops", newFakeMap("counts", spec.MapPerCPUArray, 4, 8, 2)},
		{"drops", newFakeMap("events", spec.MapRingbuf, 0, 0, 4096)},
		{"drops", newFakeMap("tails", spec.MapProgArray, 4, 4, 4)},
		{"other", newFakeMap("same", spec.MapHash, 4, 4, 1)},
		{"drops", newFakeMap("same", spec.MapHash, 4, 4, 1)},
	}
	x.run.openRing = func(kernelMap) (ringReader, error) { return ring, nil }
	return x, g, ring
}

// denying is a policy with the rules of text.
func denying(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var errBroken = errors.New("broken")
