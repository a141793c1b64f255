package guest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/plan"
)

func TestDeclareSection(t *testing.T) {
	x := newFake(t, abi.PhaseDescribe)
	self := x.ok(t, "self", x.Self())
	s := x.ok(t, "add", x.Add(self, abi.KindSection, []byte("guard+")))
	for id, v := range map[abi.Prop]uint64{
		abi.PropSectionType: uint64(spec.ProgramLSM), abi.PropSectionAttachType: uint64(spec.AttachTypeLSMMac),
		abi.PropSectionFlags: uint64(spec.FlagSleepable),
	} {
		x.ok(t, "set_u", x.SetU(s, id, v))
		if got, _ := x.GetU(s, id); got != v {
			t.Errorf("%s = %d, want %d", id, got, v)
		}
	}
	b := make([]byte, 32)
	if n := x.GetB(s, abi.PropSectionName, b); string(b[:n]) != "guard+" {
		t.Errorf("the name reads %q", b[:n])
	}
	gone := x.ok(t, "add", x.Add(self, abi.KindSection, []byte("gone")))
	x.ok(t, "remove", x.Remove(gone))
	if x.Count(self, abi.KindSection) != 1 {
		t.Error("a removed section is still there")
	}
	if err := x.Described(); err != nil {
		t.Fatal(err)
	}
	want := []plan.Section{{Name: "guard+", Type: "lsm", AttachType: "lsm_mac", Flags: 16}}
	if d := cmp.Diff(want, x.info.Sections); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
	errnoIn(t, "a section's handle afterwards", x.HandleKind(s), abi.ErrBadh)
}

func TestDeclareSectionMisuse(t *testing.T) {
	x := newFake(t, abi.PhaseDescribe)
	self := x.ok(t, "self", x.Self())
	s := x.ok(t, "add", x.Add(self, abi.KindSection, []byte("own")))
	for name, want := range map[string]abi.Errno{"own": abi.ErrExist, "": abi.ErrInval, "+": abi.ErrInval, "?own": abi.ErrInval} {
		errnoIn(t, fmt.Sprintf("add %q", name), x.Add(self, abi.KindSection, []byte(name)), want)
	}
	errnoIn(t, "no such type", x.SetU(s, abi.PropSectionType, 9999), abi.ErrRange)
	errnoIn(t, "flags of 33 bits", x.SetU(s, abi.PropSectionFlags, 1<<32), abi.ErrRange)
	if err := x.Described(); err == nil || err.Error() != `section "own" has no program type` {
		t.Errorf("without a type: %v", err)
	}
	for i := range maxSections - 1 {
		x.ok(t, "add", x.Add(self, abi.KindSection, fmt.Appendf(nil, "s%d", i)))
	}
	errnoIn(t, "one section too many", x.Add(self, abi.KindSection, []byte("more")), abi.ErrLimit)
}
