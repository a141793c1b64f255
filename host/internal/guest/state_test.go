package guest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/policy"
)

// What a guest makes the host hold by calls apart from its plan comes to an end too, and is no more
// than was counted.
func TestMemoryIsCounted(t *testing.T) {
	const most = 1 << 20
	limits := testLimits
	limits.Handles = 1 << 16
	denied := denying(t, "class: observe")
	for _, tt := range []struct {
		name  string
		phase abi.Phase
		more  func(x *fake, i int) int32
	}{
		{"symbols", abi.PhasePlan, func(x *fake, i int) int32 { return x.Sym(fmt.Appendf(nil, "symbol%d", i)) }},
		{"parameters", abi.PhaseDescribe, func(x *fake, i int) int32 {
			h := x.Add(uint32(x.Self()), abi.KindParam, fmt.Appendf(nil, "param%d", i))
			if h < 0 {
				return h
			}
			return x.SetB(uint32(h), abi.PropParamDoc, []byte(strings.Repeat("x", abi.MaxLine)))
		}},
		{"output", abi.PhaseRun, func(x *fake, _ int) int32 { return x.OutWrite(abi.StreamErr, []byte("x\n")) }},
		{"lines of output", abi.PhaseRun, func(x *fake, _ int) int32 {
			return x.OutWrite(abi.StreamErr, []byte(strings.Repeat("x", 40_000)+"\n"))
		}},
		{"refusals", abi.PhasePlan, func(x *fake, i int) int32 {
			x.RecordRefusals()
			return x.reply(abi.FuncAdd, 0, x.Allow(policy.MapRW(fmt.Sprintf("map%d", i))))
		}},
		{"handles", abi.PhaseRun, func(x *fake, i int) int32 {
			return x.replyHandle(abi.FuncMapOpen, abi.KindLiveMap, &LiveMap{Map: backend.Map(nil)}, nil)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			account := budget.NewAccount(most, "memory", "", nil)
			in := New(Options{Name: "fake", Limits: limits, Policy: denied, Memory: account})
			if err := in.Start(context.Background(), Go{}); err != nil {
				t.Fatal(err)
			}
			in.Enter(tt.phase)
			x := &fake{in, in.functions}
			before, rc := heap(), int32(0)
			for i := 0; rc >= 0 && i < 1_000_000; i++ {
				rc = tt.more(x, i)
			}
			held := heap() - before
			var limit *budget.LimitError
			if rc != -int32(abi.ErrLimit) || !errors.As(x.last.err, &limit) || limit.What != "memory" || account.Used() > most {
				t.Fatalf("returned %d (%v) with %d bytes counted", rc, x.last.err, account.Used())
			}
			if counted := int64(account.Used()); held > counted+counted/4+64<<10 {
				t.Errorf("%d bytes are held, and %d are counted", held, counted)
			}
			runtime.KeepAlive(x)
		})
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Whatever becomes of output, in the end nothing of it is counted.
func TestMemoryOfOutput(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for _, tt := range []struct {
		name string
		out  writerFunc
	}{
		{"written", func(p []byte) (int, error) { return len(p), nil }},
		{"not taken", func([]byte) (int, error) { return 0, errBroken }},
		{"not read", func(p []byte) (int, error) { <-hang; return len(p), nil }},
	} {
		limits := testLimits
		limits.OutputWait = time.Millisecond
		account := budget.NewAccount(1<<20, "memory", "", nil)
		in := New(Options{Name: "fake", Limits: limits, Policy: policy.BuiltIn(), Stderr: tt.out, Memory: account})
		if err := in.Start(context.Background(), Go{}); err != nil {
			t.Fatal(err)
		}
		in.Enter(abi.PhaseRun)
		in.out.goLive()
		for i := range 3 {
			if rc := in.functions.OutWrite(abi.StreamErr, []byte("line\nno line")); rc < 0 && i == 0 {
				t.Fatal(tt.name, rc)
			}
			_ = in.Flush(context.Background())
		}
		_ = in.Finish()
		if n := account.Used(); n != 0 || account.Peak() == 0 {
			t.Errorf("%s: %d bytes are counted at the end, %d at most", tt.name, n, account.Peak())
		}
	}
}

// writerFunc is a function as a writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
