package spec

import "testing"

func TestActionText(t *testing.T) {
	for _, tt := range []struct {
		typ   ProgramType
		value int32
		want  string
	}{
		{ProgramXDP, 0, "XDP_ABORTED"},
		{ProgramXDP, 4, "XDP_REDIRECT"},
		{ProgramXDP, 5, "5"},
		{ProgramXDP, -1, "-1"},
		{ProgramSchedCls, -1, "TC_ACT_UNSPEC"},
		{ProgramSchedAct, 8, "TC_ACT_TRAP"},
		{ProgramSchedCls, 9, "9"},
		{ProgramSchedCls, -1 << 31, "-2147483648"},
		{ProgramLSM, 1, "1"},
	} {
		if got := tt.typ.ActionText(tt.value); got != tt.want {
			t.Errorf("%v %d is %s, want %s", tt.typ, tt.value, got, tt.want)
		}
	}
}
