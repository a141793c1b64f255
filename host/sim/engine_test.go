package sim

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/vm"
)

// TestCost holds what is compiled: functions of some 2,000 instructions of arithmetic, and a program of as
// many in several functions sooner than in one.
func TestCost(t *testing.T) {
	const most = 100e6 // as in core/vm
	e := NewEngine()
	if one := e.Cost([]int{14000}); one > most {
		t.Errorf("14,000 bytes take %d ns", one)
	}
	if one := e.Cost([]int{17000}); one <= most {
		t.Errorf("17,000 bytes take %d ns", one)
	}
	if one, two := e.Cost([]int{10000}), e.Cost([]int{5000, 5000}); two >= one {
		t.Errorf("two functions take %d ns, one %d", two, one)
	}
}

func TestEngineChoice(t *testing.T) {
	for c, want := range map[EngineChoice]vm.Options{EngineAuto: {Engine: engine{}}, EngineInterpreter: {}, EngineWasm: {Engine: engine{}, Eager: true}} {
		if got := c.Options(vm.Options{}); got.Engine != want.Engine || got.Eager != want.Eager {
			t.Errorf("%s: %+v", EngineNames[c], got)
		}
	}
}
