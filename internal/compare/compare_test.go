package compare

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// object returns a collection with a program of the text and the maps that tests use.
func object(t testing.TB, typ spec.ProgramType, text string, maps ...*spec.Map) *spec.Collection {
	t.Helper()
	l, err := asm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p := &spec.Program{Name: "main", Type: typ, Insns: spec.NewInsns(l.Insns...)}
	p.Insns.Edit(func(insns []spec.Insn) {
		insns[0].Func = &btf.FuncInfo{Name: "main"}
		for i := range insns {
			insns[i].Line = btf.NewLineInfo("main.c", "line", uint32(100+i), 1)
		}
	})
	own := []*spec.Map{
		{Name: "counts", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 2},
		{Name: "seen", Type: spec.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 8},
		{Name: "events", Type: spec.MapRingbuf, MaxEntries: 4096},
	}
	return &spec.Collection{License: "GPL", Programs: []*spec.Program{p}, Maps: append(own, maps...)}
}

// text shows a report.
func text(r *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "identical %v, %d of %d+%d differ, allowed %q, only %q %q\n", r.Identical, r.Differing, r.Given, r.Random, r.Allowed, r.OnlyA, r.OnlyB)
	at := func(p *Place) string {
		if p == nil {
			return "none"
		}
		return fmt.Sprintf("%d: %s (%s:%d)", p.Insn, p.Text, p.File, p.Line)
	}
	for _, d := range r.Shown {
		fmt.Fprintf(&b, "%s after %d\n", d.Input.Name, d.Before)
		for _, i := range d.Items {
			fmt.Fprintf(&b, "  %s: %s | %s\n", strings.Join(strings.Fields(i.Kind+" "+i.Name+" "+i.Where), " "), i.A, i.B)
		}
		fmt.Fprintf(&b, "  %s | %s\n", at(d.A), at(d.B))
	}
	return b.String()
}

// given are inputs of one packet each, whose last byte counts up from 0.
func given(n int) []Input {
	var list []Input
	for i := range n {
		in := Input{Name: fmt.Sprintf("packet %d", i+1)}
		in.Packet = make([]byte, 60)
		in.Packet[59] = byte(i)
		list = append(list, in)
	}
	return list
}

// last loads the last byte of a packet of given into R6.
const last = "r1 = *(u32 *)(r1 + 0)\nr6 = *(u8 *)(r1 + 59)\n"

// count adds 1 to an entry of a map with the map's handle in R1.
const count = "*(u32 *)(r10 - 4) = 1\nr2 = r10\nr2 += -4\nr1 = map[counts] ll\ncall bpf_map_lookup_elem\nif r0 == 0 goto out\nr1 = 1\nlock *(u64 *)(r0 + 0) += r1\nout:\n"

func TestRun(t *testing.T) {
	ring := func(size string) string {
		return "*(u64 *)(r10 - 8) = 5\nr1 = map[events] ll\nr2 = r10\nr2 += -8\nr3 = " + size + "\nr4 = 0\ncall bpf_ringbuf_output\nr0 = 2\nexit"
	}
	for _, tt := range []struct {
		name, a, b string
		n          int
		options    Options
		maps       []*spec.Map // of b
		want       string
	}{
		{name: "identical", a: "r0 = 2\nexit", b: "r0 = 2\nexit", n: 2,
			want: "identical true, 0 of 0+0 differ, allowed [], only [] []\n"},
		{name: "same", a: "r0 = 2\nexit", b: "r0 = 1\nr0 += 1\nexit", n: 2,
			want: "identical false, 0 of 2+0 differ, allowed [], only [] []\n"},
		{name: "a changed instruction", a: "r0 = 2\nexit", b: "r0 = 1\nexit", n: 1,
			want: "identical false, 1 of 1+0 differ, allowed [], only [] []\npacket 1 after 0\n  return: XDP_PASS | XDP_DROP\n  0: r0 = 2 (main.c:100) | 0: r0 = 1 (main.c:100)\n"},
		{name: "what is inserted and harmless is passed over", a: "r0 = 2\nif r0 != 2 goto x\nr0 = 1\nx:\nexit", b: "r7 = 9\nr0 = 2\nif r0 != 3 goto x\nr0 = 1\nx:\nexit", n: 1,
			want: "identical false, 1 of 1+0 differ, allowed [], only [] []\npacket 1 after 0\n  return: XDP_DROP | XDP_PASS\n" +
				"  1: if r0 != 2 goto L1 (main.c:101) | 2: if r0 != 3 goto L1 (main.c:102)\n"},
		{name: "on one input, and then anew", a: last + "r0 = 2\nexit", b: last + "if r6 == 1 goto drop\nr0 = 2\nexit\ndrop:\nr0 = 1\nexit", n: 4,
			want: "identical false, 1 of 4+0 differ, allowed [], only [] []\npacket 2 after 1\n  return: XDP_PASS | XDP_DROP\n" +
				"  2: r0 = 2 (main.c:102) | 2: if r6 == 1 goto L1 (main.c:102)\n"},
		{name: "an entry", a: "r0 = 2\nexit", b: count + "r0 = 2\nexit", n: 1,
			want: "identical false, 1 of 1+0 differ, allowed [], only [] []\npacket 1 after 0\n  map counts 01000000 byte 0: 00 | 01\n  none | 0: *(u32 *)(r10 - 4) = 1 (main.c:100)\n"},
		{name: "an entry that may", a: "r0 = 2\nexit", b: count + "r0 = 2\nexit", n: 3, options: Options{Allow: []string{"map:counts"}},
			want: "identical false, 0 of 3+0 differ, allowed [\"map counts\"], only [] []\n"},
		{name: "records", a: ring("8"), b: ring("4"), n: 1,
			want: "identical false, 1 of 1+0 differ, allowed [], only [] []\npacket 1 after 0\n  record events 1 bytes 4 to 7: 8 bytes: 00000000 | 4 bytes\n" +
				"  4: r3 = 8 (main.c:104) | 4: r3 = 4 (main.c:104)\n"},
		{name: "the packet", a: "r1 = *(u32 *)(r1 + 0)\n*(u8 *)(r1 + 0) = 1\nr0 = 2\nexit", b: "r1 = *(u32 *)(r1 + 0)\n*(u8 *)(r1 + 0) = 2\nr0 = 2\nexit", n: 1,
			want: "identical false, 1 of 1+0 differ, allowed [], only [] []\npacket 1 after 0\n  packet byte 0: 01 | 02\n" +
				"  1: *(u8 *)(r1 + 0) = 1 (main.c:101) | 1: *(u8 *)(r1 + 0) = 2 (main.c:101)\n"},
		{name: "a fault", a: last + "r0 = r6\nexit", b: "r1 = *(u32 *)(r1 + 0)\nr6 = *(u8 *)(r1 + 60)\nr0 = r6\nexit", n: 1,
			want: "identical false, 1 of 1+0 differ, allowed [], only [] []\npacket 1 after 0\n  fault: none | outside the packet (main.c:101)\n" +
				"  1: r6 = *(u8 *)(r1 + 59) (main.c:101) | 1: r6 = *(u8 *)(r1 + 60) (main.c:101)\n"},
		{name: "a map of its own moves no addresses", a: "r0 = map[counts] ll\nr0 = 2\nexit", b: "r0 = map[counts] ll\nr1 = map[more] ll\nr0 = 1\nexit", n: 1,
			maps: []*spec.Map{{Name: "more", Type: spec.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 8}},
			want: "identical false, 1 of 1+0 differ, allowed [], only [] [\"more\"]\npacket 1 after 0\n  return: XDP_PASS | XDP_DROP\n" +
				"  1: r0 = 2 (main.c:101) | 2: r0 = 1 (main.c:102)\n"},
		{name: "random numbers and times are the same", a: "call bpf_ktime_get_ns\nr6 = r0\ncall bpf_get_prandom_u32\nr0 += r6\nexit",
			b: "call bpf_ktime_get_ns\nr7 = r0\ncall bpf_get_prandom_u32\nr0 += r7\nexit", n: 3, options: Options{Random: 200},
			want: "identical false, 0 of 3+200 differ, allowed [], only [] []\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Given = given(tt.n)
			r, err := Run(object(t, spec.ProgramXDP, tt.a), object(t, spec.ProgramXDP, tt.b, tt.maps...), Pair{"main", "main"}, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(r); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// Random packets find what depends on a port that only the program has, and on entries of a map.
func TestRunRandom(t *testing.T) {
	const head = "r2 = *(u32 *)(r1 + 4)\nr1 = *(u32 *)(r1 + 0)\nr3 = r1\nr3 += 38\nr0 = 2\nif r3 > r2 goto out\n"
	port := func(n string) string {
		return head + "r4 = *(u16 *)(r1 + 36)\nif r4 != " + n + " goto out\nr0 = 1\nout:\nexit"
	}
	source := func(found string) string {
		return head + "r4 = *(u32 *)(r1 + 26)\n*(u32 *)(r10 - 4) = r4\nr1 = map[seen] ll\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem\n" +
			"r1 = r0\nr0 = 2\nif r1 == 0 goto out\nr0 = " + found + "\nout:\nexit"
	}
	for name, ab := range map[string][2]string{"port": {port("12345"), port("12346")}, "entry": {source("1"), source("3")}} {
		a, b := object(t, spec.ProgramXDP, ab[0]), object(t, spec.ProgramXDP, ab[1])
		r, err := Run(a, b, Pair{"main", "main"}, Options{Random: 1000, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if r.Differing == 0 {
			t.Errorf("%s: no difference was found", name)
		}
		again, err := Run(a, b, Pair{"main", "main"}, Options{Random: 1000, Seed: 1})
		if err != nil || text(again) != text(r) {
			t.Errorf("%s: the second time it is\n%s%v, the first\n%s", name, text(again), err, text(r))
		}
	}
}

// Every kind of program gets inputs that it runs on.
func TestRunTypes(t *testing.T) {
	for _, typ := range []spec.ProgramType{
		spec.ProgramXDP, spec.ProgramSchedCls, spec.ProgramSocketFilter, spec.ProgramCgroupSkb, spec.ProgramKprobe,
		spec.ProgramTracepoint, spec.ProgramRawTracepoint, spec.ProgramCgroupSockAddr, spec.ProgramTracing,
	} {
		r, err := Run(object(t, typ, "r0 = 1\nexit"), object(t, typ, "r0 = 0\nexit"), Pair{"main", "main"}, Options{Random: 10})
		if err != nil || r.Differing != 10 {
			t.Errorf("%v: %+v, %v", typ, r, err)
		}
	}
}

func TestRunErrors(t *testing.T) {
	a := object(t, spec.ProgramXDP, "r0 = 0\nexit")
	_, err := Run(a, object(t, spec.ProgramKprobe, "r0 = 0\nexit"), Pair{"main", "main"}, Options{Random: 1})
	if err == nil || !strings.Contains(err.Error(), "of types xdp and kprobe") {
		t.Errorf("%v", err)
	}
	b := object(t, spec.ProgramXDP, "call bpf_csum_level\nr0 = 0\nexit")
	if _, err := Run(a, b, Pair{"main", "main"}, Options{Random: 1}); err == nil {
		t.Error("a helper that programs of the type cannot call is called")
	}
	for in, want := range map[Pair]string{{"man", "main"}: `the first has no program "man", did you mean "main"?`, {"main", "x"}: `the second has no program "x"`} {
		if _, _, _, err := Pairs(a, a, []Pair{in}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: %v", in, err)
		}
	}
}

// Programs of two names are compared under the first.
func TestRunNames(t *testing.T) {
	a, b := object(t, spec.ProgramXDP, "r0 = 2\nexit"), object(t, spec.ProgramXDP, "r0 = 2\nexit")
	b.Programs[0].Name = "other"
	r, err := Run(a, b, Pair{"main", "other"}, Options{Random: 5})
	if err != nil || !r.Identical {
		t.Errorf("%+v, %v", r, err)
	}
	if b.Programs[0].Name != "other" {
		t.Error("the collection was changed")
	}
	pairs, onlyA, onlyB, err := Pairs(a, b, nil)
	if len(pairs) > 0 || len(onlyA) != 1 || len(onlyB) != 1 || err != nil {
		t.Errorf("%v %v %v %v", pairs, onlyA, onlyB, err)
	}
}

// An input that is made for each machine fails by name.
func TestRunMake(t *testing.T) {
	a, b := object(t, spec.ProgramKprobe, "r0 = 0\nexit"), object(t, spec.ProgramKprobe, "r0 = 1\nexit")
	in := Input{Name: "line 3", Make: func(*vm.Machine, *spec.Collection, *spec.Program) (vm.Input, error) {
		return vm.Input{}, fmt.Errorf("reason")
	}}
	_, err := Run(a, b, Pair{"main", "main"}, Options{Given: []Input{in}})
	if err == nil || err.Error() != "compare main: line 3: reason" {
		t.Errorf("%v", err)
	}
}
