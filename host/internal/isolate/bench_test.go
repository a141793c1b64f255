//go:build linux

package isolate

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// BenchmarkLoad is a small guest from its module to its end.
func BenchmarkLoad(b *testing.B) {
	wasm := newModule(addition).Bytes()
	l := &Launcher{}
	for b.Loop() {
		g, err := l.Load(context.Background(), wasm, testOptions())
		if err != nil {
			b.Fatal(err)
		}
		g.Close()
	}
}

// BenchmarkHostCall is a call with one call back.
func BenchmarkHostCall(b *testing.B) {
	g := start(b, &Launcher{}, newModule(addition), testOptions())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Call(context.Background(), "run", 0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEvents writes a batch of records of 64 bytes into the guest and lets it read a field of
// each, in its own process and in this one.
func BenchmarkEvents(b *testing.B) {
	const record = 64
	// loop over the records: sum += load(ptr); ptr += 64; until none is left
	m := newModule(wasmtest.Func{Export: "feed", Params: "ii", Results: "i", Locals: []byte{1, 1, 0x7f}, Code: cat(
		[]byte{0x03, 0x40},
		wasmtest.Get(2), wasmtest.Get(0), wasmtest.Load(0), []byte{0x6a, 0x21, 2},
		wasmtest.Get(0), wasmtest.Const(record), []byte{0x6a, 0x21, 0},
		wasmtest.Get(1), wasmtest.Const(1), []byte{0x6b, 0x22, 1, 0x0d, 0, 0x0b}, wasmtest.Get(2))})
	m.Memory = []byte{0x00, 0x08}
	o := testOptions()
	isolated := start(b, &Launcher{}, m, o)
	engine, err := sandbox.NewEngine(sandbox.EngineOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	o.Imports[0].Fn = func(*sandbox.Guest, []uint64) {}
	inProcess, err := engine.Load(context.Background(), m.Bytes(), o.Options)
	if err != nil {
		b.Fatal(err)
	}
	type guest interface {
		View(ptr, n uint32) ([]byte, bool)
		Call(ctx context.Context, export string, timeout time.Duration, args ...uint64) (int32, error)
	}
	var from [record]byte
	for _, n := range []int{1, 256, 4096} {
		for name, g := range map[string]guest{"isolated": isolated, "in process": inProcess} {
			b.Run(name+"/"+strconv.Itoa(n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					view, ok := g.View(4096, uint32(n*record))
					if !ok {
						b.Fatal("no memory")
					}
					for i := range n {
						copy(view[i*record:], from[:])
					}
					if _, err := g.Call(context.Background(), "feed", 0, 4096, uint64(n)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
			})
		}
	}
}

// BenchmarkOvershoot reports by how much calls outlast their deadline, for each attack: the 99th
// percentile. That of package sandbox does so for guests in this process.
func BenchmarkOvershoot(b *testing.B) {
	const deadline = 20 * time.Millisecond
	for _, a := range attacks() {
		if a.start {
			continue
		}
		b.Run(a.name, func(b *testing.B) {
			var over []time.Duration
			for b.Loop() {
				g, err := a.load(&Launcher{}, 0)
				if err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				if _, err := g.Call(context.Background(), "run", deadline); err == nil {
					b.Fatal("the call ended by itself")
				}
				over = append(over, time.Since(start)-deadline)
				g.Close()
			}
			slices.Sort(over)
			b.ReportMetric(float64(over[len(over)*99/100])/1e6, "p99-ms-over")
			b.ReportMetric(float64(over[len(over)/2])/1e6, "median-ms-over")
			b.ReportMetric(0, "ns/op")
		})
	}
}
