package guest

import (
	"reflect"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
)

// Every function refuses to be called by Go code in the phases in which the table does not have it,
// and names itself.
func TestCheckedPhases(t *testing.T) {
	x := newFake(t, 0)
	functions := reflect.ValueOf(checked(x.state, x.functions))
	refuse := func(m reflect.Value) int32 {
		var args []reflect.Value
		for i := range m.Type().NumIn() {
			args = append(args, reflect.Zero(m.Type().In(i)))
		}
		out := m.Call(args)
		return int32(out[len(out)-1].Int())
	}
	methods := map[abi.FuncID]reflect.Value{}
	for i := range functions.NumMethod() {
		m := functions.Method(i)
		errnoIn(t, functions.Type().Method(i).Name+" in no phase", refuse(m), abi.ErrPhase)
		methods[x.last.fn] = m
	}
	for _, f := range abi.Funcs() {
		m, ok := methods[f.ID]
		if !ok {
			t.Errorf("there is no method for %s", f.Name)
			continue
		}
		for phase := abi.PhaseInit; phase <= abi.PhaseStop; phase <<= 1 {
			if x.Enter(phase); f.Phases&phase == 0 {
				errnoIn(t, f.Name+" in phase "+phase.String(), refuse(m), abi.ErrPhase)
			}
		}
	}
	if n := len(abi.Funcs()); len(methods) != n {
		t.Errorf("%d methods for %d functions", len(methods), n)
	}
}
