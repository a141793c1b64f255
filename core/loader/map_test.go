package loader

import (
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

func TestEntries(t *testing.T) {
	page := uint32(os.Getpagesize())
	k := fakeKernel(6 << 16)
	for _, c := range []struct {
		typ        spec.MapType
		have, want uint32
	}{
		{spec.MapHash, 7, 7},
		{spec.MapPerfEventArray, 0, 4},
		{spec.MapPerfEventArray, 2, 2},
		{spec.MapPerfEventArray, 1000, 4},
		{spec.MapCpumap, 1000, 4},
		{spec.MapRingbuf, 1, page},
		{spec.MapRingbuf, page, page},
		{spec.MapRingbuf, page + 1, 2 * page},
		{spec.MapRingbuf, 5 * page, 8 * page},
		{spec.MapRingbuf, 1 << 31, 1 << 31},
	} {
		if got, err := entries(&spec.Map{Type: c.typ, MaxEntries: c.have}, k); err != nil || got != c.want {
			t.Errorf("%v of %d: %d, %v, want %d", c.typ, c.have, got, err, c.want)
		}
	}
	if _, err := entries(&spec.Map{Type: spec.MapRingbuf, MaxEntries: 1<<31 + 1}, k); err == nil {
		t.Error("a ring of more than 2 GiB was accepted")
	}
}

func TestKernelName(t *testing.T) {
	for s, want := range map[string]string{
		"counts": "counts", ".rodata.str1": ".rodata.str1", "a-b c\xff/é": "a_b_c____",
		"a_name_that_is_too_long": "a_name_that_is_", "": "",
	} {
		n := kernelName(s)
		if got := text(n[:]); got != want || n[15] != 0 {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestMapInfo(t *testing.T) {
	got := loadT(t, collection(nil, &spec.Map{Name: "per-cpu counters of it", Type: spec.MapPerCPUArray, KeySize: 4, ValueSize: 12, MaxEntries: 3}), Options{})
	m := got.Map("per-cpu counters of it")
	i, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	if i.Name != "per_cpu_counter" || i.Type != spec.MapPerCPUArray || i.MaxEntries != 3 || i.ValueSize != 12 || i.ID == 0 {
		t.Errorf("%+v", i)
	}
	cpus, err := NewKernel().CPUs()
	if err != nil {
		t.Fatal(err)
	}
	if m.PerCPUStride() != 16 || m.ValueBufferSize() != 16*cpus || m.ValueSize() != 12 || m.KeySize() != 4 || m.MaxEntries() != 3 {
		t.Errorf("stride %d, buffer %d of %d CPUs", m.PerCPUStride(), m.ValueBufferSize(), cpus)
	}
	value := make([]byte, m.ValueBufferSize())
	value[m.PerCPUStride()*(cpus-1)] = 9
	if err := m.Update(make([]byte, 4), value, UpdateAny); err != nil {
		t.Fatal(err)
	}
	clear(value)
	if err := m.Lookup(make([]byte, 4), value); err != nil || value[m.PerCPUStride()*(cpus-1)] != 9 {
		t.Errorf("value of the last CPU: %v, %v", value, err)
	}
}

func TestRefusedMap(t *testing.T) {
	needKernel(t)
	_, err := Load(collection(nil, &spec.Map{Name: "deep", Type: spec.MapStackTrace, KeySize: 4, ValueSize: 8 * 4096, MaxEntries: 1}), Options{})
	if err == nil || !strings.HasPrefix(err.Error(), `create map "deep": `) {
		t.Errorf("got %v", err)
	}
}
