package sim

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestVerdicts sends a packet through programs that return what the table says.
func TestVerdicts(t *testing.T) {
	type attached struct {
		kind   spec.HookKind
		typ    spec.ProgramType
		attach spec.AttachType
		target string
		text   string
	}
	xdp := func(text string) attached {
		return attached{spec.HookXDP, spec.ProgramXDP, spec.AttachTypeXDP, "e", text}
	}
	tcx := func(text string) attached {
		return attached{spec.HookTCX, spec.ProgramSchedCls, spec.AttachTypeTCXIngress, "e", text}
	}
	egress := func(text string) attached {
		return attached{spec.HookTCX, spec.ProgramSchedCls, spec.AttachTypeTCXEgress, "e", text}
	}
	cgroup := func(attach spec.AttachType, text string) attached {
		return attached{spec.HookCgroup, spec.ProgramCgroupSkb, attach, "/c", text}
	}
	socket := func(text string) attached {
		return attached{spec.HookSocket, spec.ProgramSocketFilter, spec.AttachTypeNone, "e", text}
	}
	ret := func(n int) string { return fmt.Sprintf("r0 = %d\nexit", n) }
	for _, tt := range []struct {
		name  string
		dir   Direction
		progs []attached
		want  string
	}{
		{"nothing", Either, nil, "e in passed 60"},
		{"pass", Either, []attached{xdp(ret(2))}, "e in passed 60 XDP_PASS of p0"},
		{"drop", Either, []attached{xdp(ret(1)), tcx(ret(0))}, "e in dropped 60 XDP_DROP of p0"},
		{"aborted", Either, []attached{xdp(ret(0))}, "e in dropped 60 XDP_ABORTED of p0"},
		{"no action", Either, []attached{xdp(ret(77))}, "e in dropped 60 XDP action 77 of p0"},
		{"transmit", Either, []attached{xdp(ret(3))}, "e in transmitted 60 XDP_TX of p0"},
		{"redirect", Either, []attached{xdp("r1 = 2\nr2 = 0\ncall bpf_redirect\nexit")}, "e in redirected 60 XDP_REDIRECT of p0 to e"},
		{"redirect elsewhere", Either, []attached{xdp("r1 = 9\nr2 = 0\ncall bpf_redirect\nexit")}, "e in redirected 60 XDP_REDIRECT of p0 to if9"},
		{"interface of XDP", Either, []attached{xdp("r0 = *(u32 *)(r1 + 12)\nexit")}, "e in passed 60 XDP_PASS of p0"}, // 2 is the first
		{"head is moved", Either, []attached{xdp("r2 = -4\ncall bpf_xdp_adjust_head\nr0 = 2\nexit"), tcx("r0 = *(u32 *)(r1 + 0)\nif r0 == 64 goto ok\nr0 = 2\nexit\nok:\nr0 = 0\nexit")}, "e in passed 64 TCX_PASS of p1"},
		{"tcx next", Either, []attached{tcx(ret(-1)), tcx(ret(2)), tcx(ret(0))}, "e in dropped 60 TCX_DROP of p1"},
		{"tcx pass ends", Either, []attached{tcx(ret(0)), tcx(ret(2))}, "e in passed 60 TCX_PASS of p0"},
		{"tcx unknown is next", Either, []attached{tcx(ret(3)), tcx(ret(7))}, "e in redirected 60 TCX_REDIRECT of p1 to if0"},
		{"interface of tcx", Either, []attached{tcx("r0 = *(u32 *)(r1 + 40)\nexit")}, "e in dropped 60 TCX_DROP of p0"},
		{"cgroup", Either, []attached{cgroup(spec.AttachTypeCgroupInetIngress, ret(1)), cgroup(spec.AttachTypeCgroupInetIngress, ret(0))}, "e in dropped 60 0 of p1"},
		{"cgroup sees no link header", Either, []attached{cgroup(spec.AttachTypeCgroupInetIngress, "r0 = *(u32 *)(r1 + 0)\nr0 -= 45\nexit")}, "e in passed 60 1 of p0"},
		{"socket", Either, []attached{socket("r0 = *(u32 *)(r1 + 0)\nexit")}, "e in passed 60 60 of p0"},
		{"socket keeps nothing", Either, []attached{socket(ret(0)), cgroup(spec.AttachTypeCgroupInetIngress, ret(0))}, "e in dropped 60 0 of p1"},
		{"socket after XDP", Either, []attached{socket(ret(5)), xdp(ret(1))}, "e in dropped 60 XDP_DROP of p1"},
		{"socket before tcx", Either, []attached{tcx(ret(-1)), socket(ret(5))}, "e in passed 60 TCX_NEXT of p0"},
		{"socket outbound", Outbound, []attached{socket(ret(5)), egress(ret(0))}, "e out passed 60 5 of p0"},
		{"socket does not see what is dropped", Outbound, []attached{socket(ret(5)), egress(ret(2))}, "e out dropped 60 TCX_DROP of p1"},
		{"egress only", Either, []attached{egress(ret(2))}, "e out dropped 60 TCX_DROP of p0"},
		{"both", Either, []attached{egress(ret(2)), tcx(ret(0))}, "e in passed 60 TCX_PASS of p1"},
		{"outbound", Outbound, []attached{xdp(ret(1)), egress(ret(0)), cgroup(spec.AttachTypeCgroupInetEgress, ret(3))}, "e out passed 60 TCX_PASS of p1"},
		{"outbound from cgroup", Outbound, []attached{egress(ret(0)), cgroup(spec.AttachTypeCgroupInetEgress, ret(2))}, "e out dropped 60 2 of p1"},
		{"no ingress interface", Outbound, []attached{egress("r0 = *(u32 *)(r1 + 36)\nexit")}, "e out passed 60 TCX_PASS of p0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			arrive := packets{{Data: frame(60), Direction: tt.dir, Interface: "e"}}
			var got string
			b := New(Options{Packets: &arrive, Outcome: func(o Outcome) {
				dir := map[Direction]string{Inbound: "in", Outbound: "out"}[o.Packet.Direction]
				got = strings.TrimSpace(fmt.Sprintf("%s %s %v %d %s", o.Packet.Interface, dir, o.Verdict, len(o.Packet.Data), o.Reason))
				if o.To != "" {
					got += " to " + o.To
				}
			}})
			for i, a := range tt.progs {
				p := programOf(t, fmt.Sprint("p", i), a.typ, a.text)
				p.AttachType = a.attach
				attach(t, b, p, spec.Attach{Program: p.Name, Kind: a.kind, Target: a.target})
			}
			if err := steps(b); err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Packets arrive at the interface of their name, otherwise at the first that has a program, and go on
// the CPUs in turns.
func TestArrival(t *testing.T) {
	arrive := packets{{Data: frame(60)}, {Data: frame(60), Interface: "b"}, {Data: frame(60), Interface: "c"}, {Data: frame(60), Interface: "a"}}
	var got []string
	b := New(Options{CPUs: 2, Packets: &arrive, Outcome: func(o Outcome) { got = append(got, o.Packet.Interface+" "+o.Reason) }})
	for _, name := range []string{"a", "b"} {
		p := programOf(t, name, spec.ProgramXDP, "call bpf_get_smp_processor_id\nr0 += 1\nexit")
		attach(t, b, p, spec.Attach{Program: name, Kind: spec.HookXDP, Target: name})
	}
	if err := steps(b); err != nil {
		t.Fatal(err)
	}
	want := []string{"a XDP_DROP of a", "b XDP_PASS of b", "c XDP_DROP of a", "a XDP_PASS of a"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAttachRefuses attaches what a kernel would not take either.
func TestAttachRefuses(t *testing.T) {
	b := New(Options{})
	p := programOf(t, "p", spec.ProgramXDP, "r0 = 2\nexit")
	l, h := attach(t, b, p, spec.Attach{Program: "p", Kind: spec.HookXDP, Target: "e"})
	loaded, _ := l.Program("p")
	for _, tt := range []struct {
		a    spec.Attach
		want string
	}{
		{spec.Attach{Kind: spec.HookXDP, Target: "e"}, `attach program "p" to xdp:e: program "p" is attached there already`},
		{spec.Attach{Kind: spec.HookXDP}, "the target is missing: interface"},
		{spec.Attach{Kind: spec.HookTCX, Target: "e"}, "hooks of this family take no program of type xdp"},
	} {
		if _, err := b.Attach(loaded, tt.a); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %s", tt.a, err, tt.want)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Attach(loaded, spec.Attach{Kind: spec.HookXDP, Target: "e"}); err != nil {
		t.Errorf("after the first was detached: %v", err)
	}
	if _, err := New(Options{}).Attach(loaded, spec.Attach{Kind: spec.HookXDP, Target: "e"}); err == nil {
		t.Error("a program of another simulation was attached")
	}
}

// Another program takes the place of one that is attached.
func TestSwitch(t *testing.T) {
	arrive := packets{{Data: frame(60)}, {Data: frame(60), Time: 1}}
	var got []string
	b := New(Options{Packets: &arrive, Outcome: func(o Outcome) { got = append(got, o.Reason) }})
	_, h := attach(t, b, programOf(t, "p", spec.ProgramXDP, "r0 = 2\nexit"), spec.Attach{Program: "p", Kind: spec.HookXDP, Target: "e"})
	other, _ := attach(t, b, programOf(t, "q", spec.ProgramXDP, "r0 = 1\nexit"), spec.Attach{Program: "q", Kind: spec.HookXDP, Target: "f"})
	wrong, _ := attach(t, b, programOf(t, "r", spec.ProgramSchedCls, "r0 = 1\nexit"), spec.Attach{Program: "r", Kind: spec.HookTCX, Target: "g"})
	q, _ := other.Program("q")
	r, _ := wrong.Program("r")
	if err := h.Switch(r); err == nil {
		t.Error("a program of another type was taken")
	}
	if err := h.Switch(q); err != nil {
		t.Fatal(err)
	}
	if err := steps(b); err != nil {
		t.Fatal(err)
	}
	if want := []string{"XDP_DROP of q", "XDP_DROP of q"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The time that goes by between packets is seen in steps, and the duration ends the simulation.
func TestTime(t *testing.T) {
	arrive := packets{{Data: frame(60), Time: 5e9}, {Data: frame(60), Time: 6e9}, {Data: frame(60), Time: 99e9}}
	n := 0
	b := New(Options{Packets: &arrive, Duration: 2 * time.Second, Outcome: func(Outcome) { n++ }})
	last, _ := b.Now()
	for range 10000 {
		err := b.Step()
		now, _ := b.Now()
		if now < last || now > last+uint64(20*time.Millisecond) {
			t.Fatalf("time went from %d to %d", last, now)
		}
		last = now
		if err != nil {
			break
		}
	}
	if want := boot + uint64(2*time.Second); n != 2 || last != want {
		t.Errorf("%d packets, ended at %d, not %d", n, last, want)
	}
}

// TestNoAllocations holds that packets take none, however many programs see them.
func TestNoAllocations(t *testing.T) {
	for _, e := range []EngineChoice{EngineInterpreter, EngineWasm} {
		t.Run(EngineNames[e], func(t *testing.T) { testNoAllocations(t, e) })
	}
}

func testNoAllocations(t *testing.T, e EngineChoice) {
	b := New(Options{Packets: &repeated{Packet{Data: frame(60)}, 1 << 40}, Engine: e})
	defer b.Close()
	for i, a := range []struct {
		kind   spec.HookKind
		typ    spec.ProgramType
		attach spec.AttachType
		ret    int
	}{{spec.HookXDP, spec.ProgramXDP, spec.AttachTypeXDP, 2}, {spec.HookSocket, spec.ProgramSocketFilter, 0, 0}, {spec.HookTCX, spec.ProgramSchedCls, spec.AttachTypeTCXIngress, 0}} {
		p := programOf(t, fmt.Sprint("p", i), a.typ, fmt.Sprintf("r0 = %d\nexit", a.ret))
		p.AttachType = a.attach
		attach(t, b, p, spec.Attach{Program: p.Name, Kind: a.kind, Target: "e"})
	}
	allocated := testing.AllocsPerRun(100, func() {
		if err := b.Step(); err != nil {
			t.Fatal(err)
		}
	})
	if got := allocated / stepInputs; got > 0.1 {
		t.Errorf("%v allocations a packet", got)
	}
}

// repeated is a packet that arrives many times, 1 µs apart.
type repeated struct {
	Packet
	left int
}

func (r *repeated) Next() (Packet, error) {
	if r.left--; r.left < 0 {
		return Packet{}, io.EOF
	}
	r.Time += 1000
	return r.Packet, nil
}

// BenchmarkPackets takes packets through programs of XDP and tcx.
func BenchmarkPackets(b *testing.B) {
	s := New(Options{Packets: &repeated{Packet{Data: frame(60)}, b.N}})
	xdp, tcx := programOf(b, "xdp", spec.ProgramXDP, "r0 = 2\nexit"), programOf(b, "tcx", spec.ProgramSchedCls, "r0 = 0\nexit")
	tcx.AttachType = spec.AttachTypeTCXIngress
	attach(b, s, xdp, spec.Attach{Program: "xdp", Kind: spec.HookXDP, Target: "e"})
	attach(b, s, tcx, spec.Attach{Program: "tcx", Kind: spec.HookTCX, Target: "e"})
	b.ReportAllocs()
	b.ResetTimer()
	if err := steps(s); err != nil {
		b.Fatal(err)
	}
}

// TestTimers starts a timer of 3 ms with each packet, which come 10 ms apart, and once more in its callback: the
// callbacks run between the packets, and after the last as long as the time goes on.
func TestTimers(t *testing.T) {
	const text = "r6 = value[m] ll\nr1 = r6\nr2 = map[m] ll\nr3 = 1\ncall bpf_timer_init\nr1 = r6\nr2 = label[L9] ll\ncall bpf_timer_set_callback\nr1 = r6\nr2 = 3000000\nr3 = 0\ncall bpf_timer_start\n" +
		"r1 = value[m] + 16 ll\nr0 = *(u64 *)(r1 + 0)\nexit\nL9:\nr6 = r3\nr1 = *(u64 *)(r6 + 16)\nr1 += 1\n*(u64 *)(r6 + 16) = r1\nr1 &= 1\nif r1 == 0 goto done\nr1 = r6\nr2 = 3000000\nr3 = 0\ncall bpf_timer_start\ndone:\nr0 = 0\nexit"
	ms := uint64(time.Millisecond)
	var got []string
	b := New(Options{Duration: 100 * time.Millisecond, Packets: &packets{{Data: frame(60)}, {Data: frame(60), Time: 10 * ms}, {Data: frame(60), Time: 20 * ms}},
		Outcome: func(o Outcome) { got = append(got, o.Reason) }})
	p := programOf(t, "p", spec.ProgramXDP, text)
	p.Insns.Edit(func(in []spec.Insn) {
		for i := range in {
			if i > 0 && in[i-1].Op == asm.OpExit && in[i].Label != 0 && in[i].Op != asm.OpExit {
				in[i].Func = &btf.FuncInfo{Name: "tick"}
			}
		}
	})
	m := &spec.Map{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 24, MaxEntries: 1}
	l, _ := attach(t, b, p, spec.Attach{Program: "p", Kind: spec.HookXDP, Target: "e"}, m)
	if err := steps(b); err != nil {
		t.Fatal(err)
	}
	if want := []string{"XDP_ABORTED of p", "XDP_PASS of p", "XDP_REDIRECT of p"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	v := make([]byte, 24)
	if err := l.Maps()[0].Lookup(word(0), v); err != nil || v[16] != 6 {
		t.Errorf("%d callbacks, %v", v[16], err)
	}
}
