package ring

import (
	"context"
	"testing"
)

// BenchmarkDrain fills a ring of 8 MiB with records and drains it; ns/record is the reader's share.
func BenchmarkDrain(b *testing.B) {
	for _, size := range []int32{64, 256} {
		b.Run(map[int32]string{64: "64B", 256: "256B"}[size], func(b *testing.B) {
			c, r := open(b, source(8<<20, size, 0, 1)) // 1: BPF_RB_NO_WAKEUP
			const perRound = 20_000
			var sum, records uint64
			fn := func(rec []byte) bool {
				sum += uint64(rec[0])
				return true
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				send(b, c, perRound)
				b.StartTimer()
				n, err := r.Drain(fn)
				if err != nil {
					b.Fatal(err)
				}
				records += uint64(n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
		})
	}
}

// BenchmarkRead sends and reads one record at a time.
func BenchmarkRead(b *testing.B) {
	c, r := open(b, source(1<<16, 64, 0, 0))
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		send(b, c, 1)
		if _, err := r.Read(context.Background(), buf); err != nil {
			b.Fatal(err)
		}
	}
}
