package guest

import (
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/plan"
)

func TestDeclare(t *testing.T) {
	x := newFake(t, abi.PhaseDescribe)
	self := x.ok(t, "self", x.Self())
	p := x.ok(t, "add", x.Add(self, abi.KindParam, []byte("rate")))
	for id, v := range map[abi.Prop]uint64{abi.PropParamType: uint64(abi.ParamU64), abi.PropParamRequired: 1} {
		x.ok(t, "set_u", x.SetU(p, id, v))
		if got, _ := x.GetU(p, id); got != v {
			t.Errorf("%s = %d, want %d", id, got, v)
		}
	}
	for _, id := range []abi.Prop{abi.PropParamDefault, abi.PropParamDoc} {
		x.ok(t, "set_b", x.SetB(p, id, []byte("7")))
	}
	w := x.ok(t, "add", x.Add(self, abi.KindRequest, []byte("program xdp")))
	b := make([]byte, 32)
	if n := x.GetB(w, abi.PropRequestText, b); string(b[:n]) != "program xdp" {
		t.Errorf("the request reads %q", b[:n])
	}
	for id, v := range map[abi.Prop]string{abi.PropPluginName: "n", abi.PropPluginVersion: "1", abi.PropPluginDoc: "d"} {
		x.ok(t, "set_b", x.SetB(self, id, []byte(v)))
	}
	gone := x.ok(t, "add", x.Add(self, abi.KindRequest, []byte("map *")))
	x.ok(t, "remove", x.Remove(gone))
	if err := x.Described(); err != nil {
		t.Fatal(err)
	}
	want := plan.Param{Name: "rate", Type: plan.ParamU64, Default: "7", Doc: "7", Required: true}
	if i := x.info; i.Name != "n" || i.Version != "1" || i.Doc != "d" || len(i.Params) != 1 || i.Params[0] != want || fmt.Sprint(i.Requests) != "[program xdp]" {
		t.Errorf("info %+v", i)
	}
	errnoIn(t, "a parameter's handle afterwards", x.HandleKind(p), abi.ErrBadh)
	if x.HandleKind(self) != int32(abi.KindPlugin) {
		t.Error("the plugin's own handle was closed")
	}
}

func TestDeclareMisuse(t *testing.T) {
	x := newFake(t, abi.PhaseDescribe)
	self := x.ok(t, "self", x.Self())
	p := x.ok(t, "add", x.Add(self, abi.KindParam, []byte("p")))
	x.ok(t, "add", x.Add(self, abi.KindRequest, []byte("program xdp")))
	for _, tt := range []struct {
		kind abi.Kind
		name string
		want abi.Errno
	}{
		{abi.KindParam, "p", abi.ErrExist}, {abi.KindParam, "", abi.ErrInval}, {abi.KindParam, "output", abi.ErrExist},
		{abi.KindParam, "args.0", abi.ErrExist}, {abi.KindRequest, "program xdp", abi.ErrExist},
		{abi.KindRequest, "world peace", abi.ErrInval}, {abi.KindRequest, "attach nowhere:*", abi.ErrInval},
		{abi.KindProgram, "x", abi.ErrKind}, {abi.KindObject, "x", abi.ErrKind}, {99, "x", abi.ErrKind},
	} {
		errnoIn(t, fmt.Sprintf("add %s %q", tt.kind, tt.name), x.Add(self, tt.kind, []byte(tt.name)), tt.want)
	}
	errnoIn(t, "unknown type", x.SetU(p, abi.PropParamType, 3), abi.ErrRange)
	errnoIn(t, "empty name", x.SetB(self, abi.PropPluginName, nil), abi.ErrInval)
	errnoIn(t, "objects while describing", x.Count(self, abi.KindObject), abi.ErrPhase)
	for i := range maxParams - 1 {
		x.ok(t, "add", x.Add(self, abi.KindParam, fmt.Appendf(nil, "p%d", i)))
	}
	errnoIn(t, "one parameter too many", x.Add(self, abi.KindParam, []byte("more")), abi.ErrLimit)
}
