package guest

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/tx"
)

func TestBase(t *testing.T) {
	x := running(t)
	self := x.ok(t, "self", x.Self())
	if again := x.ok(t, "self", x.Self()); again != self || x.HandleKind(self) != int32(abi.KindPlugin) {
		t.Errorf("self is %#x and %#x, of kind %d", self, again, x.HandleKind(self))
	}
	info := make([]byte, abi.ABIInfoSize+8)
	if n := x.ABIInfo(info); n != abi.ABIInfoSize {
		t.Fatalf("abi_info = %d", n)
	}
	var r abi.ABIInfo
	r.Get(info)
	if abi.Version(r.Version) != abi.Current || abi.Phase(r.Phase) != abi.PhaseRun || r.HandleLimit != 4096 || r.Hash == 0 || r.Size != abi.ABIInfoSize {
		t.Errorf("abi_info %+v", r)
	}
	errnoIn(t, "abi_info without room", x.ABIInfo(info[:4]), abi.ErrInval)
	if x.Feature(uint32(abi.PropMapType)) != 1 || x.Feature(0xffff) != 0 || x.Feature(abi.FeatureAttach+uint32(abi.AttachXDP)) != 1 {
		t.Error("feature is wrong")
	}
	x.ok(t, "handle_close", x.HandleClose(self))
	errnoIn(t, "handle_close again", x.HandleClose(self), abi.ErrBadh)
}

func TestClock(t *testing.T) {
	x := running(t)
	a, rc := x.Clock(abi.ClockMonotonic)
	b, _ := x.Clock(abi.ClockMonotonic)
	if rc != 0 || a == 0 || b < a {
		t.Errorf("monotonic: %d, then %d; %d", a, b, rc)
	}
	now, _ := x.Clock(abi.ClockRealtime)
	if year := time.Unix(0, int64(now)).UTC().Year(); year < 2024 {
		t.Errorf("realtime says the year %d", year)
	}
	_, rc = x.Clock(2)
	errnoIn(t, "unknown clock", rc, abi.ErrInval)
	errnoIn(t, "timer of 25 hours", x.Timer(25*3600*1000), abi.ErrRange)
	x.ok(t, "timer off", x.Timer(0))
}

func TestStopKeepsTheFirst(t *testing.T) {
	x := running(t)
	x.StopRun(3)
	x.StopRun(0)
	if x.stop.code != 3 {
		t.Errorf("code %d, want the first, 3", x.stop.code)
	}
}

func TestAttAdd(t *testing.T) {
	x, obj := planning(t)
	prog := x.ok(t, "at", x.At(obj, abi.KindProgram, 0))
	h := x.ok(t, "attach_add", x.AttachAdd(prog, abi.AttachTCX))
	x.ok(t, "set_b", x.SetB(h, abi.PropAttachTarget, []byte("eth1")))
	if n := x.Count(prog, abi.KindAttach); n != 2 {
		t.Errorf("%d attachments, want 2", n)
	}
	errnoIn(t, "unknown kind", x.AttachAdd(prog, 99), abi.ErrNosup)
	errnoIn(t, "no kind", x.AttachAdd(prog, 0), abi.ErrNosup)
	x.ok(t, "remove the first", x.Remove(x.ok(t, "at", x.At(obj, abi.KindAttach, 0))))
	b := make([]byte, 8)
	if n := x.GetB(h, abi.PropAttachTarget, b); string(b[:n]) != "eth1" {
		t.Errorf("the second one is of %q after the first was removed", b[:n])
	}
}

func TestPlanNote(t *testing.T) {
	x, obj := planning(t)
	prog := x.ok(t, "at", x.At(obj, abi.KindProgram, 0))
	att := x.ok(t, "at", x.At(obj, abi.KindAttach, 0))
	for h, want := range map[uint32]string{0: "", obj: "object drops", prog: "program count_drops", att: "link xdp:eth0"} {
		x.ok(t, "plan_note", x.PlanNote(h, abi.NoteInfo, []byte("text")))
		if n := x.tx.Notes[len(x.tx.Notes)-1]; n.About != want || n.Warn || n.Text != "text" {
			t.Errorf("note %+v, want about %q", n, want)
		}
	}
	errnoIn(t, "unknown severity", x.PlanNote(0, 2, nil), abi.ErrRange)
	errnoIn(t, "too long", x.PlanNote(0, 0, make([]byte, maxNote+1)), abi.ErrLimit)
}

// What is logged is bounded, since the guest decides how often it edits.
func TestLogIsBounded(t *testing.T) {
	x, obj := planning(t)
	v := x.ok(t, "find", x.Find(obj, abi.KindVar, []byte("wide")))
	b := make([]byte, 8)
	for i := range uint64(tx.MaxLog) {
		binary.LittleEndian.PutUint64(b, i)
		if rc := x.VarWrite(v, 0, b); rc < 0 {
			errnoIn(t, "one edit too many", rc, abi.ErrLimit)
			return
		}
	}
	t.Error("the log grew for ever")
}
