package vm_test

import (
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestSpinLock(t *testing.T) {
	const prefix = "r6 = value[m] ll\nr1 = r6\ncall bpf_spin_lock\n"
	for _, tt := range []struct {
		name, text string
		ok         bool
	}{
		{"taken and left", prefix + "r1 = r6\ncall bpf_spin_unlock\nr0 = 0\nexit", true},
		{"taken twice", prefix + "r1 = r6\ncall bpf_spin_lock\nr0 = 0\nexit", false},
		{"not taken", "r1 = value[m] ll\ncall bpf_spin_unlock\nr0 = 0\nexit", false},
		{"another", prefix + "r1 = r6\nr1 += 4\ncall bpf_spin_unlock\nr0 = 0\nexit", false},
		{"nowhere", "r1 = 8\ncall bpf_spin_lock\nr0 = 0\nexit", false},
	} {
		m := machine(t, spec.ProgramXDP, tt.text, &spec.Map{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1})
		for range 2 { // a run begins without
			_, err := m.Run("main", vm.Input{Packet: frame(1, 1)})
			if fault := (*vm.Fault)(nil); (err == nil) != tt.ok || err != nil && !errors.As(err, &fault) {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
	}
}
