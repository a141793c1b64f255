package loader

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// memoryMaps are maps of every type whose memory is known when they are made, and sizes from one
// entry on.
func memoryMaps(entries uint32) []*spec.Map {
	inner := &spec.Map{Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	maps := []*spec.Map{
		{Type: spec.MapRingbuf, MaxEntries: entries * 4096}, {Type: spec.MapUserRingbuf, MaxEntries: entries * 4096},
		{Type: spec.MapQueue, ValueSize: 12, MaxEntries: entries}, {Type: spec.MapStack, ValueSize: 8, MaxEntries: entries},
		{Type: spec.MapBloomFilter, ValueSize: 4, MaxEntries: entries}, {Type: spec.MapBloomFilter, ValueSize: 4, MaxEntries: entries, Extra: 3},
		{Type: spec.MapStackTrace, KeySize: 4, ValueSize: 80, MaxEntries: entries},
		{Type: spec.MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: entries, Inner: inner},
		{Type: spec.MapHashOfMaps, KeySize: 20, ValueSize: 4, MaxEntries: entries, Inner: inner},
		{Type: spec.MapReuseportSockarray, KeySize: 4, ValueSize: 8, MaxEntries: entries},
	}
	for _, t := range []spec.MapType{
		spec.MapProgArray, spec.MapPerfEventArray, spec.MapCgroupArray, spec.MapXskmap, spec.MapSockmap,
	} {
		maps = append(maps, &spec.Map{Type: t, KeySize: 4, ValueSize: 4, MaxEntries: entries})
	}
	for _, t := range []spec.MapType{
		spec.MapHash, spec.MapArray, spec.MapPerCPUHash, spec.MapPerCPUArray, spec.MapLRUHash, spec.MapLRUPerCPUHash,
	} {
		for _, size := range []uint32{1, 8, 100} {
			maps = append(maps, &spec.Map{Type: t, KeySize: 4, ValueSize: size, MaxEntries: entries})
		}
	}
	return append(maps,
		&spec.Map{Type: spec.MapArray, KeySize: 4, ValueSize: 24, MaxEntries: entries, Flags: spec.FlagMmapable},
		&spec.Map{Type: spec.MapLRUHash, KeySize: 9, ValueSize: 8, MaxEntries: entries, Flags: spec.FlagNoCommonLRU},
	)
}

// memlock returns what the kernel says that a map takes (bpf_map_show_fdinfo).
func memlock(t *testing.T, m *Map) uint64 {
	t.Helper()
	var n uint64
	err := m.WithFD(func(fd int) error {
		b, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut(string(b), "memlock:\t")
		line, _, _ := strings.Cut(rest, "\n")
		n, err = strconv.ParseUint(line, 10, 64)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// builds is how much the structures of a map differ between kernels and their configurations, in
// bytes.
const builds = 512

// TestMemory holds the memory that policies and plans count against what the running kernel says:
// never under, and at most a tenth over besides what differs between builds.
func TestMemory(t *testing.T) {
	k := NewKernel()
	testenv.NeedKernel(t, "6.4", "memory of maps, before only estimated")
	cpus, err := k.CPUs()
	if err != nil {
		t.Fatal(err)
	}
	on := spec.Machine{CPUs: cpus, PageSize: sys.PageSize()}
	for _, entries := range []uint32{1, 2, 100, 1024, 5000} {
		for _, m := range memoryMaps(entries) {
			m.Name = "m"
			if m.Type == spec.MapRingbuf || m.Type == spec.MapUserRingbuf {
				m.MaxEntries = min(m.MaxEntries, 1<<22)
			}
			made := loadT(t, &spec.Collection{Maps: []*spec.Map{m}}, Options{Kernel: k}).Map("m")
			holdMemory(t, m, on, memlock(t, made))
		}
	}
}

func holdMemory(t *testing.T, m *spec.Map, on spec.Machine, want uint64) {
	t.Helper()
	got := m.Memory(on)
	if got < want || float64(got) > 1.1*float64(want)+builds {
		t.Errorf("%v, key %d, value %d, %d entries, flags %d: counted as %d, the kernel says %d",
			m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, got, want)
	}
}

// insert adds an entry. Kernels allocate entries from a cache that is refilled in the background, so
// one that is empty is tried again.
func insert(t *testing.T, m *Map, key []byte) {
	t.Helper()
	value := make([]byte, m.ValueBufferSize())
	err := m.Update(key, value, UpdateAny)
	for range 1000 {
		if !errors.Is(err, sys.ENOMEM) {
			break
		}
		time.Sleep(time.Millisecond)
		err = m.Update(key, value, UpdateAny)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestMemoryInUse does the same for maps that take memory as they are filled.
func TestMemoryInUse(t *testing.T) {
	k := NewKernel()
	testenv.NeedKernel(t, "6.4", "memory of maps, before only estimated")
	cpus, err := k.CPUs()
	if err != nil {
		t.Fatal(err)
	}
	const entries = 1000
	for _, m := range []*spec.Map{
		{Type: spec.MapHash, KeySize: 4, ValueSize: 20, MaxEntries: entries, Flags: spec.FlagNoPrealloc},
		{Type: spec.MapPerCPUHash, KeySize: 4, ValueSize: 20, MaxEntries: entries, Flags: spec.FlagNoPrealloc},
		{Type: spec.MapLPMTrie, KeySize: 8, ValueSize: 200, MaxEntries: entries, Flags: spec.FlagNoPrealloc},
	} {
		m.Name = "m"
		made := loadT(t, &spec.Collection{Maps: []*spec.Map{m}}, Options{Kernel: k}).Map("m")
		for i := range uint32(entries) {
			k := key(i)
			if m.Type == spec.MapLPMTrie {
				k = append(key(32), k...)
			}
			insert(t, made, k)
		}
		holdMemory(t, m, spec.Machine{CPUs: cpus, PageSize: sys.PageSize()}, memlock(t, made))
	}
}
