package spec

import (
	"math"
	"testing"
)

// TestMapMemory counts the entries; package loader holds the sums against the running kernel.
func TestMapMemory(t *testing.T) {
	for _, tt := range []struct {
		m    Map
		want uint64
	}{
		{Map{Type: MapHash, KeySize: 4, ValueSize: 12, MaxEntries: 10}, 960 + 16*16 + 10*72 + 8*80},
		{Map{Type: MapLRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1024}, 82816 + 64},
		{Map{Type: MapArray, KeySize: 4, ValueSize: 12, MaxEntries: 10}, 312 + 160},
		{Map{Type: MapArray, KeySize: 4, ValueSize: 12, MaxEntries: 10, Flags: FlagMmapable}, 2 * 4096},
		{Map{Type: MapPerCPUArray, KeySize: 4, ValueSize: 4, MaxEntries: 10}, 312 + 10*(8+64)},
		{Map{Type: MapRingbuf, MaxEntries: 4096}, 312 + 4*4096 + 5*8},
		{Map{Type: MapArena, MaxEntries: 3}, 3 * 4096},
		{Map{Type: MapHash, KeySize: 1<<32 - 1, ValueSize: 1<<32 - 1, MaxEntries: 1<<32 - 1}, math.MaxUint64},
		{Map{Type: MapPerCPUHash, KeySize: 4, ValueSize: 1<<32 - 1, MaxEntries: 1<<32 - 1}, math.MaxUint64},
		{Map{Type: MapTaskStorage, KeySize: 4, ValueSize: 8}, 312 + 8*16},
		{Map{Type: MapBloomFilter, ValueSize: 4, MaxEntries: 1<<32 - 1}, 312 + 1<<29},
		{Map{Type: MapPerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: 1 << 20}, 312 + 8*8},
	} {
		if got := tt.m.Memory(Machine{CPUs: 8}); got != tt.want {
			t.Errorf("%v: got %d, want %d", tt.m.Type, got, tt.want)
		}
	}
	big := Map{Type: MapRingbuf, MaxEntries: 1 << 16}
	if small, large := big.Memory(Machine{}), big.Memory(Machine{PageSize: 1 << 16}); small >= large {
		t.Errorf("a ring of 64 KiB: %d with small pages, %d with large ones", small, large)
	}
}

func TestEntriesOn(t *testing.T) {
	ring := func(n uint32) Map { return Map{Type: MapRingbuf, MaxEntries: n} }
	lru := func(n uint32) Map { return Map{Type: MapLRUHash, MaxEntries: n, Flags: FlagNoCommonLRU} }
	for _, tt := range []struct {
		m    Map
		want uint64
	}{
		{Map{Type: MapHash, MaxEntries: 5}, 5},
		{Map{Type: MapPerfEventArray}, 4},
		{Map{Type: MapPerfEventArray, MaxEntries: 3}, 3},
		{Map{Type: MapCpumap, MaxEntries: 128}, 4},
		{ring(0), 4096}, {ring(4097), 8192}, {ring(1 << 31), 1 << 31}, {ring(1<<31 + 1), 1 << 32},
		{lru(1), 4}, {lru(4), 4}, {lru(5), 8}, {lru(1<<32 - 1), 1<<32 - 4},
		{Map{Type: MapLRUHash, MaxEntries: 5}, 5},
	} {
		if got := tt.m.EntriesOn(Machine{CPUs: 4}); got != tt.want {
			t.Errorf("%v, %d: %d, want %d", tt.m.Type, tt.m.MaxEntries, got, tt.want)
		}
	}
}
