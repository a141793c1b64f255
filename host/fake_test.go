package host

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/internal/tx"
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

// ok fails the test if a call failed, and returns its result.
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
	x.inputs = []tx.Input{{Name: "drops", Source: "drops.bpf.o", SHA256: "00", Collection: testCollection()}}
	x.tx = tx.New("fake", x.inputs)
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
		Programs: []*spec.Program{{Name: "count_drops", Section: "xdp", Type: spec.ProgramXDP, Insns: spec.NewInsns(insns...)}},
		Maps: []*spec.Map{
			{Name: "blocked", Section: ".maps", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1024},
			{Name: ".rodata", Section: ".rodata", Type: spec.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1, Data: make([]byte, 16), Freeze: true},
		},
		Vars:   []*spec.Var{{Name: "limit", Section: ".rodata", Map: ".rodata", Offset: 0, Size: 4}, {Name: "wide", Section: ".rodata", Map: ".rodata", Offset: 8, Size: 8}},
		Attach: []spec.Attach{{Program: "count_drops", Kind: spec.HookXDP, Target: "eth0"}},
	}
}

// running is a fake in the run phase, with loaded maps and a ring.
func running(t *testing.T) (*instance, *fakeGuest, *backendtest.Ring) {
	t.Helper()
	x, g := newFake(abi.PhaseRun)
	ring := backendtest.NewRing()
	x.run = newRun(&Plugin{x: x, host: &Host{backend: &fakeBackend{ring: ring}}})
	x.run.maps = []*liveMap{
		{"drops", backendtest.NewMap("blocked", spec.MapHash, 4, 8, 1024)},
		{"drops", backendtest.NewMap("counts", spec.MapPerCPUArray, 4, 8, 2)},
		{"drops", backendtest.NewMap("events", spec.MapRingbuf, 0, 0, 4096)},
		{"drops", backendtest.NewMap("tails", spec.MapProgArray, 4, 4, 4)},
		{"other", backendtest.NewMap("same", spec.MapHash, 4, 4, 1)},
		{"drops", backendtest.NewMap("same", spec.MapHash, 4, 4, 1)},
	}
	return x, g, ring
}

// fakeBackend is a backend in which everything is there already.
type fakeBackend struct {
	backend.Backend
	ring *backendtest.Ring
}

// OpenRing returns the ring, whatever the map.
func (b *fakeBackend) OpenRing(backend.Map) (backend.Ring, error) { return b.ring, nil }

// Now returns a time that goes on.
func (b *fakeBackend) Now() (uint64, error) { return uint64(time.Now().UnixNano()), nil }

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
