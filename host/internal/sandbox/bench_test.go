package sandbox

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// BenchmarkLoad is compile from the in-memory cache, instantiate and close.
func BenchmarkLoad(b *testing.B) {
	e := newEngine(b, EngineOptions{})
	wasm, o := fullModule().Bytes(), testOptions()
	b.ReportAllocs()
	for b.Loop() {
		g, err := e.Load(context.Background(), wasm, o)
		if err != nil {
			b.Fatal(err)
		}
		g.Close()
	}
}

func BenchmarkCall(b *testing.B) {
	g := load(b, newEngine(b, EngineOptions{}), newModule(run(wasmtest.Const(1))), testOptions())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Call(context.Background(), "run", 0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHostCall is one guest call that makes 1000 host calls; ns/op is for all of them.
func BenchmarkHostCall(b *testing.B) {
	// local = 1000; loop { note(1); local -= 1; br_if 0 }
	m := newModule(wasmtest.Func{Export: "run", Results: "i", Locals: []byte{1, 1, 0x7f}, Code: cat(
		wasmtest.Const(1000), []byte{0x21, 0}, []byte{0x03, 0x40}, wasmtest.Const(1), wasmtest.Call(0),
		wasmtest.Get(0), wasmtest.Const(1), []byte{0x6b, 0x22, 0, 0x0d, 0, 0x0b}, wasmtest.Const(1))})
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	g := load(b, newEngine(b, EngineOptions{}), m, testOptions())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Call(context.Background(), "run", 0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEvents writes a batch of 64-byte records into the guest and lets it walk them.
func BenchmarkEvents(b *testing.B) {
	const record = 64
	// loop over nrec records: sum += load(ptr); ptr += 64; until nrec is 0
	m := newModule(wasmtest.Func{Export: "feed", Params: "iiii", Results: "i", Locals: []byte{1, 1, 0x7f}, Code: cat(
		[]byte{0x03, 0x40},
		wasmtest.Get(4), wasmtest.Get(1), wasmtest.Load(0), []byte{0x6a, 0x21, 4},
		wasmtest.Get(1), wasmtest.Const(record), []byte{0x6a, 0x21, 1},
		wasmtest.Get(3), wasmtest.Const(1), []byte{0x6b, 0x22, 3, 0x0d, 0, 0x0b}, wasmtest.Get(4))})
	for _, n := range []int{1, 256} {
		b.Run(map[int]string{1: "batch=1", 256: "batch=256"}[n], func(b *testing.B) {
			g := load(b, newEngine(b, EngineOptions{}), m, testOptions())
			batch := make([]byte, n*record)
			for i := range n {
				binary.LittleEndian.PutUint32(batch[i*record:], 1)
			}
			b.ReportAllocs()
			for b.Loop() {
				if !g.Write(1024, batch) {
					b.Fatal("batch does not fit")
				}
				sum, err := g.Call(context.Background(), "feed", 0, 0, 1024, uint64(len(batch)), uint64(n))
				if err != nil || int(sum) != n {
					b.Fatal(sum, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
		})
	}
}
