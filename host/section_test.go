package host

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

func TestDeclareSection(t *testing.T) {
	x, _ := newFake(abi.PhaseDescribe)
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
	if err := x.described(); err != nil {
		t.Fatal(err)
	}
	want := []Section{{Name: "guard+", Type: "lsm", AttachType: "lsm_mac", Flags: 16}}
	if d := cmp.Diff(want, x.info.Sections); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
	errnoIn(t, "a section's handle afterwards", x.HandleKind(s), abi.ErrBadh)
}

func TestDeclareSectionMisuse(t *testing.T) {
	x, _ := newFake(abi.PhaseDescribe)
	self := x.ok(t, "self", x.Self())
	s := x.ok(t, "add", x.Add(self, abi.KindSection, []byte("own")))
	for name, want := range map[string]abi.Errno{"own": abi.ErrExist, "": abi.ErrInval, "+": abi.ErrInval, "?own": abi.ErrInval} {
		errnoIn(t, fmt.Sprintf("add %q", name), x.Add(self, abi.KindSection, []byte(name)), want)
	}
	errnoIn(t, "no such type", x.SetU(s, abi.PropSectionType, 9999), abi.ErrRange)
	errnoIn(t, "flags of 33 bits", x.SetU(s, abi.PropSectionFlags, 1<<32), abi.ErrRange)
	if err := x.described(); err == nil || err.Error() != `section "own" has no program type` {
		t.Errorf("without a type: %v", err)
	}
	for i := range maxSections - 1 {
		x.ok(t, "add", x.Add(self, abi.KindSection, fmt.Appendf(nil, "s%d", i)))
	}
	errnoIn(t, "one section too many", x.Add(self, abi.KindSection, []byte("more")), abi.ErrLimit)
}

// TestOpenSections holds that what a plugin declares counts for the operator's objects and for its
// own.
func TestOpenSections(t *testing.T) {
	object := elftest.MustBytes("license GPL\nsection guard/ingress\n.func guard\nr0 = 1\nexit\nsection xdp\n.func pass\nr0 = 2\nexit")
	w := newWasmGuest()
	declare := func(name string, typ spec.ProgramType) []byte {
		return slices.Concat(
			w.must(0, 0, "self"),
			w.must(0, 1, "add", local(0), i32(int64(abi.KindSection)), w.text(name)),
			w.must(0, -1, "set_u", local(1), i32(int64(abi.PropSectionType)), i64(int64(typ))))
	}
	w.hook("bpfhost_describe", "", declare("guard+", spec.ProgramCgroupSkb), declare("xdp", spec.ProgramSchedCls))
	w.hook("bpfhost_plan", "", w.must(0, -1, "object_from_bytes", w.text("mine"), w.text(string(object))))
	p, err := newHost(t).Open(context.Background(), w.bytes(), PluginOptions{Objects: []Object{{"theirs.o", object}}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	plan, err := p.Plan(context.Background())
	if plan == nil {
		t.Fatal(err)
	}
	if len(plan.Objects) != 2 {
		t.Fatalf("%d objects", len(plan.Objects))
	}
	for _, c := range plan.Objects {
		if g := c.After.Program("guard"); g.Type != spec.ProgramCgroupSkb || g.AttachTo != "ingress" {
			t.Errorf("%s: guard is %v to %q", c.Name, g.Type, g.AttachTo)
		}
		if pass := c.After.Program("pass"); pass.Type != spec.ProgramXDP {
			t.Errorf("%s: the host's own section became %v", c.Name, pass.Type)
		}
	}
}
