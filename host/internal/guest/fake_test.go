package guest

import (
	"context"
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/internal/events"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/policy"
)

// fake is an instance with a guest in Go, whose functions tests call without the checks that stand
// before them.
type fake struct {
	*Instance
	Functions
}

// errnoIn fails the test unless a result is the code.
func errnoIn(t *testing.T, what string, rc int32, want abi.Errno) {
	t.Helper()
	if rc != -int32(want) {
		t.Errorf("%s = %d, want -%s (%d)", what, rc, want, -int32(want))
	}
}

// ok fails the test if a call failed, and returns its result.
func (x *fake) ok(t *testing.T, what string, rc int32) uint32 {
	t.Helper()
	if rc < 0 {
		t.Fatalf("%s = %d: %v", what, rc, x.last.err)
	}
	return uint32(rc)
}

// testLimits are those of a plugin by default.
var testLimits = Limits{Handles: 4096, Faults: 1000, OutputBytesPerSec: 64 << 20, LogLinesPerSec: 100}

// newFake makes an instance with a fake guest and all rights.
func newFake(t *testing.T, phase abi.Phase) *fake {
	t.Helper()
	return startFake(t, phase, Go{Memory: make([]byte, 64<<10)})
}

// startFake is newFake with hooks.
func startFake(t *testing.T, phase abi.Phase, code Go) *fake {
	t.Helper()
	in := New(Options{Name: "fake", Limits: testLimits, Policy: policy.BuiltIn()})
	if err := in.Start(context.Background(), code); err != nil {
		t.Fatal(err)
	}
	in.Enter(phase)
	return &fake{in, in.functions}
}

// planning is a fake in the plan phase, on an object "drops" of the operator.
func planning(t *testing.T) (*fake, uint32) {
	t.Helper()
	x := newFake(t, abi.PhasePlan)
	x.Begin(tx.New("fake", []tx.Input{{Name: "drops", Source: "drops.bpf.o", SHA256: "00", Collection: backendtest.Collection()}}, nil))
	return x, x.ok(t, "object_open", x.ObjectOpen([]byte("drops")))
}

// running is a fake in the run phase, with loaded maps and a ring.
func running(t *testing.T) *fake {
	t.Helper()
	x := newFake(t, abi.PhaseRun)
	x.live = &Live{Backend: &backendtest.Backend{Ring: backendtest.NewRing()}, Events: events.NewLoop(nil, nil), Maps: []*LiveMap{
		{"drops", backendtest.NewMap("blocked", spec.MapHash, 4, 8, 1024)},
		{"drops", backendtest.NewMap("counts", spec.MapPerCPUArray, 4, 8, 2)},
		{"drops", backendtest.NewMap("events", spec.MapRingbuf, 0, 0, 4096)},
		{"drops", backendtest.NewMap("tails", spec.MapProgArray, 4, 4, 4)},
		{"other", backendtest.NewMap("same", spec.MapHash, 4, 4, 1)},
		{"drops", backendtest.NewMap("same", spec.MapHash, 4, 4, 1)},
	}}
	return x
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

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errBroken }
