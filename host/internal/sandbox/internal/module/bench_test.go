package module

import "testing"

func BenchmarkScan(b *testing.B) {
	wasm := fullModule()
	b.SetBytes(int64(len(wasm)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(wasm, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
