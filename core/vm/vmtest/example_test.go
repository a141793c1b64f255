package vmtest_test

import (
	"encoding/binary"
	"testing"

	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/core/vm/vmtest"
)

// A test in Go looks at what a program left behind.
func ExampleLoad() {
	test := func(t *testing.T) {
		m := vmtest.Load(t, "drops.bpf.o", vm.Options{})
		if _, err := m.Run("drops", vm.Input{Packet: make([]byte, 60)}); err != nil {
			t.Fatal(err)
		}
		if v, _, _ := m.Map("counts").Lookup([]byte{0, 0, 0, 0}); binary.LittleEndian.Uint64(v) != 1 {
			t.Error("the packet was not counted")
		}
	}
	_ = test
}
