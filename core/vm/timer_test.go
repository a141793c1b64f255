package vm_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// timed is a program that starts the timer of entry 1 of map m after 1 ms; its callback counts in the value,
// adds up keys, and starts the timer again as long as it counted less than 3.
const timed = `r6 = r1
*(u32 *)(r10 - 4) = 1
r1 = map[m] ll
r2 = r10
r2 += -4
call bpf_map_lookup_elem
if r0 == 0 goto out
r7 = r0
r1 = r7
r2 = map[m] ll
r3 = 1
call bpf_timer_init
if r0 != 0 goto out
r1 = r7
r2 = label[L9] ll
call bpf_timer_set_callback
r1 = r7
r2 = 1000000
r3 = 0
call bpf_timer_start
out:
exit
L9:
r6 = r3
r7 = *(u32 *)(r2 + 0)
r1 = *(u64 *)(r3 + 16)
r1 += 1
*(u64 *)(r3 + 16) = r1
r2 = *(u64 *)(r3 + 24)
r2 += r7
*(u64 *)(r3 + 24) = r2
if r1 s> 2 goto done
r1 = r6
r2 = 1000000
r3 = 0
call bpf_timer_start
done:
r0 = 0
exit`

func timerMap(typ spec.MapType) *spec.Map {
	return &spec.Map{Name: "m", Type: typ, KeySize: 4, ValueSize: 32, MaxEntries: 2}
}

// value reads what the callback left in entry 1: how often it ran, and the sum of its keys.
func value(t *testing.T, m *vm.Machine) string {
	t.Helper()
	v, ok, err := m.Map("m").Lookup(u32(1))
	if err != nil || !ok {
		return "none"
	}
	return fmt.Sprint(v[16], v[24])
}

func TestTimer(t *testing.T) {
	for _, typ := range []spec.MapType{spec.MapArray, spec.MapHash, spec.MapLRUHash} {
		m := machine(t, spec.ProgramSchedCls, timed, timerMap(typ))
		if typ != spec.MapArray {
			if err := m.Map("m").Update(u32(1), make([]byte, 32), vm.Any); err != nil {
				t.Fatal(err)
			}
		}
		if r := run(t, m, vm.Input{Packet: frame(1, 1)}); r.Return != 0 {
			t.Fatalf("%v: %d", typ, int64(r.Return))
		}
		if r := run(t, m, vm.Input{Packet: frame(1, 1)}); int64(r.Return) != -16 { // EBUSY
			t.Errorf("%v: initialised twice: %d", typ, int64(r.Return))
		}
		for _, step := range []struct {
			d    time.Duration
			ran  int
			want string
		}{{0, 0, "0 0"}, {900 * time.Microsecond, 0, "0 0"}, {200 * time.Microsecond, 1, "1 1"}, {time.Second, 2, "3 3"}, {time.Second, 0, "3 3"}} {
			ran, err := m.Advance(step.d)
			if err != nil || ran != step.ran || value(t, m) != step.want {
				t.Errorf("%v after %v: %d callbacks, value %s, %v", typ, step.d, ran, value(t, m), err)
			}
		}
	}
}

// TestTimerForgotten holds that the timer of a value that is deleted or replaced is cancelled.
func TestTimerForgotten(t *testing.T) {
	replace := func(m *vm.Map) error { return m.Update(u32(1), make([]byte, 32), vm.Any) }
	remove := func(m *vm.Map) error { return m.Delete(u32(1)) }
	for _, tt := range []struct {
		name string
		typ  spec.MapType
		do   func(*vm.Map) error
	}{{"replaced", spec.MapArray, replace}, {"replaced", spec.MapHash, replace}, {"deleted", spec.MapHash, remove}, {"deleted", spec.MapLRUHash, remove}} {
		m := machine(t, spec.ProgramSchedCls, timed, timerMap(tt.typ))
		if err := m.Map("m").Update(u32(1), make([]byte, 32), vm.Any); err != nil {
			t.Fatal(err)
		}
		run(t, m, vm.Input{Packet: frame(1, 1)})
		if err := tt.do(m.Map("m")); err != nil {
			t.Fatal(err)
		}
		if ran, err := m.Advance(time.Second); ran != 0 || err != nil {
			t.Errorf("%v, %s: %d callbacks, %v", tt.typ, tt.name, ran, err)
		}
	}
}

// TestTimerCalls calls the helpers of timers on the first value of an array.
func TestTimerCalls(t *testing.T) {
	const load, callback = "r6 = value[m] ll\n", "\nL9:\nr1 = r3\ncall bpf_timer_cancel\n*(u64 *)(r10 - 8) = r0\nr1 = value[m] + 16 ll\nr2 = *(u64 *)(r10 - 8)\n*(u64 *)(r1 + 0) = r2\nr0 = 0\nexit"
	const initialise = load + "r1 = r6\nr2 = map[m] ll\nr3 = 0\ncall bpf_timer_init\nif r0 != 0 goto out\n"
	const set = "r1 = r6\nr2 = label[L9] ll\ncall bpf_timer_set_callback\n"
	const start, cancel = "r1 = r6\nr2 = 5\nr3 = %d\ncall bpf_timer_start\n", "r1 = r6\ncall bpf_timer_cancel\n"
	for name, tt := range map[string]struct {
		text string
		want int64
		ran  int
	}{
		"wrong clock":               {load + "r1 = r6\nr2 = map[m] ll\nr3 = 2\ncall bpf_timer_init\n", -22, 0},
		"set without timer":         {load + set, -22, 0},
		"start without timer":       {load + fmt.Sprintf(start, 0), -22, 0},
		"start without callback":    {initialise + fmt.Sprintf(start, 0), -22, 0},
		"start":                     {initialise + set + fmt.Sprintf(start, 0), 0, 1},
		"absolute, in the past":     {initialise + set + fmt.Sprintf(start, 1), 0, 1},
		"on this CPU":               {initialise + set + fmt.Sprintf(start, 2), 0, 1},
		"unknown flags":             {initialise + set + fmt.Sprintf(start, 4), -22, 0},
		"cancel without timer":      {load + cancel, -22, 0},
		"cancel one that is not on": {initialise + set + cancel, 0, 0},
		"cancel":                    {initialise + set + fmt.Sprintf(start, 0) + cancel, 1, 0},
		"start twice":               {initialise + set + fmt.Sprintf(start, 0) + fmt.Sprintf(start, 0), 0, 1},
	} {
		text := tt.text + "out:\nexit" + callback
		text = strings.Replace(text, load, load+"r1 = label[L9] ll\n", 1) // so that the function is called by somebody
		m := machine(t, spec.ProgramSchedCls, text, timerMap(spec.MapArray))
		r := run(t, m, vm.Input{Packet: frame(1, 1)})
		ran, err := m.Advance(time.Second)
		if int64(r.Return) != tt.want || ran != tt.ran || err != nil {
			t.Errorf("%s: %d, %d callbacks, %v", name, int64(r.Return), ran, err)
		}
		if v, _, _ := m.Map("m").Lookup(u32(0)); ran > 0 && int8(v[16]) != -35 { // EDEADLK
			t.Errorf("%s: the callback cancelled itself: %d", name, int8(v[16]))
		}
	}
}

// TestTimerEndless holds that a timer which starts itself again at once does not run for ever, and that a fault
// of a callback is returned.
func TestTimerEndless(t *testing.T) {
	const text = "r6 = value[m] ll\nr1 = r6\nr2 = map[m] ll\nr3 = 0\ncall bpf_timer_init\nr1 = r6\nr2 = label[L9] ll\ncall bpf_timer_set_callback\n" +
		"r1 = r6\nr2 = 0\nr3 = 1\ncall bpf_timer_start\nexit\nL9:\nr1 = r3\nr2 = 0\nr3 = 1\ncall bpf_timer_start\nr0 = 0\nexit"
	m, err := vm.New(collection(t, spec.ProgramSchedCls, text, timerMap(spec.MapArray)), vm.Options{Fuel: 100, Clock: func() uint64 { return 7 }})
	if err != nil {
		t.Fatal(err)
	}
	run(t, m, vm.Input{Packet: frame(1, 1)})
	ran, err := m.Advance(0)
	if fault := (*vm.Fault)(nil); ran != 101 || !errors.As(err, &fault) || fault.Kind != vm.FaultFuel {
		t.Errorf("%d callbacks, %v", ran, err)
	}
}
