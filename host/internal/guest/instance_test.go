package guest

import (
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
)

// After the transaction nothing of it can be reached, and what is not of it can.
func TestEnd(t *testing.T) {
	x, obj := planning(t)
	self := x.ok(t, "self", x.Self())
	prog := x.ok(t, "at", x.At(obj, abi.KindProgram, 0))
	att := x.ok(t, "at", x.At(prog, abi.KindAttach, 0))
	x.End()
	for _, h := range []uint32{obj, prog, att} {
		errnoIn(t, "a handle of the transaction", x.HandleKind(h), abi.ErrBadh)
	}
	if x.HandleKind(self) != int32(abi.KindPlugin) || len(x.handles.byObj) != 1 || x.tx != nil {
		t.Errorf("%d handles are left, transaction %v", len(x.handles.byObj), x.tx)
	}
}

// Why a hook failed is what the last failed call said, if that is what the hook returned.
func TestFailure(t *testing.T) {
	x := newFake(t, abi.PhasePlan)
	x.HandleKind(77)
	if err := x.Failure(abi.ErrBadh); err.Error() != "handle_kind: handle 0x4d is not open" || !errors.Is(err, abi.ErrBadh) {
		t.Errorf("the code of the last call: %v", err)
	}
	if err := x.Failure(abi.ErrIO); err != error(abi.ErrIO) {
		t.Errorf("another code: %v", err)
	}
}
