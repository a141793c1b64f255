package vm_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func u32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
func u64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// TestQuickstart runs the program of the quickstart: verdicts, counters, samples.
func TestQuickstart(t *testing.T) {
	m, err := newMachine(quickstart(t, 2), vm.Options{CPUs: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		r, err := m.Run("count", vm.Input{Packet: frame(17, 0xc0a80000+uint32(i)), CPU: i % 2})
		if err != nil || r.Return != 2 {
			t.Fatalf("packet %d: %v, %v", i, r.Return, err)
		}
	}
	if r, err := m.Run("count", vm.Input{Packet: make([]byte, 60)}); err != nil || r.Return != 2 {
		t.Fatalf("a packet that is not IPv4: %v, %v", r.Return, err)
	}
	got, ok, err := m.Map("packets").Lookup(u32(17))
	if want := append(u64(3), u64(2)...); !ok || err != nil || !bytes.Equal(got, want) {
		t.Errorf("counters are %x, %v, %v, want %x", got, ok, err, want)
	}
	got, _, _ = m.Map("account").Lookup(u32(0))
	if want := append(u64(1), u64(1)...); !bytes.Equal(got, want) {
		t.Errorf("samples tried are %x, want %x", got, want)
	}
	for i, source := range []byte{2, 3} { // the second packet of each CPU
		sample, ok := m.Ring("samples").Read()
		want := append(append(u64(2), 0xc0, 0xa8, 0, source, 10, 0, 0, 1, 46, 0, 17, 0), u32(uint32(i))...)
		if !ok || !bytes.Equal(sample, want) {
			t.Errorf("sample %d is %x, want %x", i, sample, want)
		}
	}
	byDefault.translated(t, m, "count")
	if _, ok := m.Ring("samples").Read(); ok {
		t.Error("there is a third sample")
	}
}

// TestPktguard runs the compiled object of pktguard: its hash map, variables, functions, ring.
func TestPktguard(t *testing.T) {
	c := pktguard(t)
	if err := c.Var("cfg").Write(c, 6, []byte{40, 0}); err != nil { // cfg.min_len
		t.Fatal(err)
	}
	m, err := newMachine(c, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bad := []byte{192, 0, 2, 1}
	if err := m.Map("blocked").Update(bad, u64(0), vm.Any); err != nil {
		t.Fatal(err)
	}
	short := frame(6, 0x0a000002)
	short[17] = 39
	for i, tt := range []struct {
		packet []byte
		want   uint64
	}{{frame(6, 0xc0000201), 1}, {frame(6, 0x0a000002), 2}, {short, 1}, {frame(1, 0xc0000201), 1}} {
		if r, err := m.Run("pktguard", vm.Input{Packet: tt.packet}); err != nil || r.Return != tt.want {
			t.Errorf("packet %d: %d, %v, want %d", i, r.Return, err, tt.want)
		}
	}
	byDefault.translated(t, m, "pktguard")
	if n, _, _ := m.Map("blocked").Lookup(bad); !bytes.Equal(n, u64(2)) {
		t.Errorf("hits are %x", n)
	}
	for reason, want := range []uint64{1, 2, 0, 1} {
		if n, _, _ := m.Map("verdicts").Lookup(u32(uint32(reason))); !bytes.Equal(n, u64(want)) {
			t.Errorf("verdicts of reason %d are %x, want %d", reason, n, want)
		}
	}
	drop, ok := m.Ring("drops").Read()
	if !ok || len(drop) != 24 || !bytes.Equal(drop[8:12], bad) || drop[16] != 1 || drop[22] != 6 {
		t.Errorf("the first drop is %x", drop)
	}
}

func TestNewRefuses(t *testing.T) {
	hash := func(typ spec.MapType) *spec.Map {
		return &spec.Map{Name: "m", Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	}
	for _, tt := range []struct {
		name, text, want string
		typ              spec.ProgramType
		maps             []*spec.Map
	}{
		{"helper", "r1 = 0\ncall bpf_sys_bpf\nexit", `make program "main": instruction 1: not supported: helper bpf_sys_bpf is not simulated`, spec.ProgramSyscall, nil},
		{"helper of others", "call bpf_probe_read\nexit", `instruction 0: programs of type xdp cannot call helper bpf_probe_read`, spec.ProgramXDP, nil},
		{"kfunc", "call kfunc[bpf_rcu_read_lock]\nexit", `instruction 0: not supported: kernel function "bpf_rcu_read_lock" is not simulated`, spec.ProgramXDP, nil},
		{"map", "r0 = 0\nexit", `make map "m": not supported: maps of type sockmap are not simulated`, spec.ProgramXDP, []*spec.Map{hash(spec.MapSockmap)}},
		{"program", "r0 = 0\nexit", `make program "main": not supported: programs of type ext are not simulated`, spec.ProgramExt, nil},
		{"R10", "r10 = 0\nexit", `instruction 0: r10 = 0 writes to R10, which is read-only`, spec.ProgramXDP, nil},
		{"end", "r0 = 0", `control would leave the program at its end`, spec.ProgramXDP, nil},
		{"callx", "callx r1\nexit", `instruction 0: not supported: calls through registers are not simulated`, spec.ProgramXDP, nil},
		{"packet load", "r6 = r1\nr0 = *(u8 *)skb[0]\nexit", `instruction 1: programs of type xdp have no packet`, spec.ProgramXDP, nil},
		{"large map", "r0 = 0\nexit", `make map "m": memory: `, spec.ProgramXDP, []*spec.Map{{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 1 << 20, MaxEntries: 1 << 20}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newMachine(collection(t, tt.typ, tt.text, tt.maps...), vm.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if strings.Contains(tt.want, "not supported") != errors.Is(err, vm.ErrNotSupported) {
				t.Errorf("%v: ErrNotSupported is %v", err, errors.Is(err, vm.ErrNotSupported))
			}
		})
	}
}

// TestSameAgain holds that two machines do the same.
func TestSameAgain(t *testing.T) {
	const text = "call bpf_get_prandom_u32\nr6 = r0\ncall bpf_ktime_get_ns\nr6 <<= 32\nr6 ^= r0\nr0 = r6\nexit"
	a, b := run(t, machine(t, spec.ProgramXDP, text), vm.Input{Packet: frame(1, 1)}), run(t, machine(t, spec.ProgramXDP, text), vm.Input{Packet: frame(1, 1)})
	if a.Return != b.Return {
		t.Errorf("%#x and %#x", a.Return, b.Return)
	}
	other, err := newMachine(collection(t, spec.ProgramXDP, text), vm.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if c := run(t, other, vm.Input{Packet: frame(1, 1)}); c.Return == a.Return {
		t.Errorf("another seed makes the same: %#x", c.Return)
	}
}
