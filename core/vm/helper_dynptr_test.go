package vm_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// dynptrs are programs that use dynptrs of 16 bytes of a map, and of a ring, with what they return.
func dynptrs() map[string]dynptrCase {
	// R6 is the packet's context, R7 a value of 32 bytes, at R10 - 16 a dynptr, at R10 - 24 8 bytes.
	const head = "r6 = r1\nr7 = value[m] ll\n*(u64 *)(r10 - 24) = 0x1234\n"
	const mem = head + "r1 = r7\nr2 = %d\nr3 = %d\nr4 = r10\nr4 += -16\ncall bpf_dynptr_from_mem\n"
	const write = "r1 = r10\nr1 += -16\nr2 = %d\nr3 = r10\nr3 += -24\nr4 = %d\nr5 = %d\ncall bpf_dynptr_write\n"
	const read = "r1 = r10\nr1 += -24\nr2 = %d\nr3 = r10\nr3 += -16\nr4 = %d\nr5 = %d\ncall bpf_dynptr_read\n"
	const data = "r1 = r10\nr1 += -16\nr2 = %d\nr3 = %d\ncall bpf_dynptr_data\nif r0 == 0 goto out\nr0 = *(u8 *)(r0 + 0)\n"
	const reserve = head + "r1 = map[r] ll\nr2 = %d\nr3 = %d\nr4 = r10\nr4 += -16\ncall bpf_ringbuf_reserve_dynptr\n"
	const submit, discard = "r8 = r0\nr1 = r10\nr1 += -16\nr2 = 0\ncall bpf_ringbuf_submit_dynptr\nr0 = r8\n", "r8 = r0\nr1 = r10\nr1 += -16\nr2 = 0\ncall bpf_ringbuf_discard_dynptr\nr0 = r8\n"
	const end = "out:\nexit"
	f := fmt.Sprintf
	return map[string]dynptrCase{
		"from memory":           {f(mem, 16, 0) + end, 0, ""},
		"with flags":            {f(mem, 16, 1) + end, -22, ""},
		"write":                 {f(mem, 16, 0) + f(write, 8, 8, 0) + "r0 = *(u16 *)(r7 + 8)\n" + end, 0x1234, ""},
		"write past it":         {f(mem, 16, 0) + f(write, 9, 8, 0) + end, -7, ""},
		"write at a far offset": {f(mem, 16, 0) + f(write, 0x7fffffff, 8, 0) + end, -7, ""},
		"write with flags":      {f(mem, 16, 0) + f(write, 0, 8, 1) + end, -22, ""},
		"write to none":         {f(mem, 16, 1) + f(write, 0, 8, 0) + end, -22, ""},
		"read":                  {f(mem, 16, 0) + f(write, 2, 8, 0) + f(read, 4, 2, 0) + "r1 = *(u32 *)(r10 - 24)\nr0 += r1\n" + end, 0x1234, ""},
		"read past it":          {f(mem, 16, 0) + f(read, 8, 12, 0) + end, -7, ""},
		"read with flags":       {f(mem, 16, 0) + f(read, 8, 0, 2) + end, -22, ""},
		"data":                  {f(mem, 16, 0) + f(write, 3, 8, 0) + f(data, 3, 2) + end, 0x34, ""},
		"data to the end":       {f(mem, 16, 0) + f(data, 14, 2) + end, 0, ""},
		"data past it":          {f(mem, 16, 0) + f(data, 15, 2) + "r0 += 7\n" + end, 0, ""},
		"a record":              {f(reserve, 12, 0) + f(write, 4, 8, 0) + submit + end, 0, "000000003412000000000000"},
		"a record discarded":    {f(reserve, 12, 0) + f(write, 4, 8, 0) + discard + end, 0, ""},
		"no record":             {f(reserve, 1<<20, 0) + submit + end, -22, ""},
		"no record by flags":    {f(reserve, 8, 1) + discard + end, -22, ""},
	}
}

type dynptrCase struct {
	text   string
	ret    int32
	record string
}

func dynptrCollection(t *testing.T, text string) *spec.Collection {
	return collection(t, spec.ProgramSchedCls, text,
		&spec.Map{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 32, MaxEntries: 1}, &spec.Map{Name: "r", Type: spec.MapRingbuf, MaxEntries: 4096})
}

func TestDynptr(t *testing.T) {
	for name, tt := range dynptrs() {
		m, err := vm.New(dynptrCollection(t, tt.text), vm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r := run(t, m, vm.Input{Packet: frame(1, 1)}); int32(r.Return) != tt.ret {
			t.Errorf("%s: %d, want %d", name, int32(r.Return), tt.ret)
		}
		record, _ := m.Ring("r").Read()
		if got := fmt.Sprintf("%x", record); got != tt.record {
			t.Errorf("%s: record %s, want %s", name, got, tt.record)
		}
	}
}

// TestDynptrAgrees holds that these are what a kernel returns.
func TestDynptrAgrees(t *testing.T) {
	testenv.NeedKernel(t, "6.1", "dynptrs")
	c, err := loader.Load(dynptrCollection(t, "r0 = 0\nexit"), loader.Options{})
	kerneltest.Check(t, err)
	c.Close()
	for name, tt := range dynptrs() {
		if got := onKernel(t, dynptrCollection(t, tt.text), bytes.Clone(frame(1, 1))); int32(got.ret) != tt.ret {
			t.Errorf("%s: the kernel says %d, the machine %d", name, int32(got.ret), tt.ret)
		}
	}
}

// TestDynptrReleased holds that the bytes of a record cannot be used after it was submitted.
func TestDynptrReleased(t *testing.T) {
	const text = "r1 = map[r] ll\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall bpf_ringbuf_reserve_dynptr\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\ncall bpf_dynptr_data\nr6 = r0\n" +
		"r1 = r10\nr1 += -16\nr2 = 0\ncall bpf_ringbuf_submit_dynptr\nr0 = *(u8 *)(r6 + 0)\nexit"
	m, err := vm.New(dynptrCollection(t, text), vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Run("main", vm.Input{Packet: frame(1, 1)})
	if f := (*vm.Fault)(nil); !errors.As(err, &f) || f.Kind != vm.FaultRelease {
		t.Errorf("got %v", err)
	}
}
