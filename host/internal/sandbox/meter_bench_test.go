package sandbox

import (
	"context"
	"slices"
	"testing"
	"time"
)

// BenchmarkOvershoot reports by how much calls outlast their deadline, for each attack: the 99th
// percentile.
func BenchmarkOvershoot(b *testing.B) {
	const deadline = 20 * time.Millisecond
	for i := range attacks {
		b.Run(attacks[i].name, func(b *testing.B) {
			e := newEngine(b, EngineOptions{})
			o := testOptions()
			o.Limits.HostCalls = 1 << 60
			wasm := attackModule(i).Bytes()
			var over []time.Duration
			for b.Loop() {
				g, err := e.Load(context.Background(), wasm, o)
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
