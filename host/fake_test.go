package host

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/policy"
)

// goInfo is what is known of a plugin in Go before it runs.
var goInfo = Info{SHA256: strings.Repeat("ab", 32)}

// fake is a run of a plugin in Go, in a backend in Go memory.
type fake struct {
	run  *Run
	code guest.Go
	ring *backendtest.Ring
	call func(guest.Functions) int32 // of hook "test"
}

// running is a run in which everything is loaded and attached.
func running(t *testing.T, o PluginOptions) *fake {
	t.Helper()
	x := &fake{ring: backendtest.NewRing()}
	x.code = guest.Go{Memory: make([]byte, 64<<10), Hooks: map[string]guest.GoHook{
		"test": func(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) { return x.call(f), nil },
	}}
	h, err := New(context.Background(), Config{NoCache: true, Limits: Limits{OutputWait: 10 * time.Millisecond}, Backend: &backendtest.Backend{Ring: x.ring}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	p, err := h.newPlugin(goInfo, o).open(context.Background(), x.code)
	if err != nil {
		t.Fatal(err)
	}
	x.run = newRun(p)
	x.run.live.Maps = []*guest.LiveMap{{Object: "drops", Map: backendtest.NewMap("events", spec.MapRingbuf, 0, 0, 4096)}}
	p.in.Use(&x.run.live)
	p.in.Enter(abi.PhaseRun)
	return x
}

// ok has the guest make a call, which has to succeed, and returns its result.
func (x *fake) ok(t *testing.T, what string, call func(guest.Functions) int32) uint32 {
	t.Helper()
	x.call = call
	rc, err := x.run.plugin.in.Call(context.Background(), "test", time.Minute)
	if err != nil || rc < 0 {
		t.Fatalf("%s = %d, %v", what, rc, err)
	}
	return uint32(rc)
}

// succeeds fails the test if a call from within a hook failed.
func succeeds(t *testing.T, what string, rc int32) {
	t.Helper()
	if rc < 0 {
		t.Errorf("%s = %d", what, rc)
	}
}

// Places in the fake guest's memory.
const (
	bufferAt   = 8192
	bufferSize = 1024
)

// openSource opens the events of a running fake and returns its handle.
func openSource(t *testing.T, x *fake, o abi.SourceOpts) uint32 {
	t.Helper()
	o.BufPtr, o.BufLen = bufferAt, bufferSize
	return x.ok(t, "source_open", func(f guest.Functions) int32 { return f.SourceOpen([]byte("events"), o) })
}

// batchOf returns the records of a batch as a guest reads them.
func (x *fake) batchOf(args []uint64) []string {
	b := x.code.Memory[args[1] : args[1]+args[2]]
	var out []string
	for range args[3] {
		var h abi.EventHeader
		h.Get(b)
		out = append(out, string(b[abi.EventHeaderSize:abi.EventHeaderSize+h.Len]))
		b = b[abi.EventHeaderSize+int(h.Len+7)&^7:]
	}
	return out
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
