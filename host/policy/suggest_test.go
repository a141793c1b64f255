package policy

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/signature"
)

const suggested = `# What plugin guard needs for this plan: without any of these lines it is refused.
# Lines that start with # narrow it further; take the # away to use them.
#plugin: {sha256: DIGEST-A, signers: ["KEY-A"]}  # this module only
#class: enforce            # the narrowest that has all of this
objects:
  drops.bpf.o:
    edit: true             # the plugin changes it
    #sha256: "DIGEST-B"
  other.bpf.o: {}          # is not changed
programs:
  types:
    - xdp                  # program count
    - tracing              # program peek
    - ext                  # program extra; it replaces functions of other programs
  helpers:
    - bpf_map_lookup_elem  # src.c:7, insn 1 of count and 2 more places
    - bpf_redirect         # insn 3 of count
  kfuncs:
    - bpf_task_release     # insn 0 of peek
  modify_return: true      # program peek
  sleepable: true          # program peek
  freplace: true           # program extra
  #max: 3
  #max_insns: 6            # program count
attach:
  xdp:
    - veth0                # program count
  tracing:
    - tcp_connect          # program peek; it sees the whole machine
  kprobe:
    - do_unlinkat          # program count; it sees the whole machine
  netns:
    - /run/netns/a         # program count
    - /run/netns/b         # program count
maps:
  types:
    - percpu_array         # map counts
    - ringbuf              # map events
    - hash_of_maps         # map outer
    - hash                 # inner map of outer
  #max: 3
  #max_entries: 1000       # inner map of outer
  #max_bytes_each: 83776   # map outer
  #max_bytes_total: 104824
pins:
  read:
    - events               # map events
  write:
    - events               # map events
`

func TestSuggest(t *testing.T) {
	c := example()
	in := insns(asm.LoadMap(asm.R1, "counts"), asm.Call(asm.HelperMapLookupElem), asm.Call(asm.HelperMapLookupElem), asm.Call(asm.HelperRedirect), asm.Exit())
	first := in.At(1)
	first.Line = btf.NewLineInfo("dir/src.c", "lookup();", 7, 0)
	second := in.At(3)
	second.Func = &btf.FuncInfo{Name: "g"}
	c.Programs[0].Insns = spec.NewInsns(in.At(0), first, in.At(2), second, in.At(4))
	accesses := Accesses(Final{Plugin: "guard", SHA256: digestA, Signers: []signature.Key{keyA}, Machine: spec.Machine{CPUs: 4}, Collections: []Input{
		{Object: "drops.bpf.o", SHA256: digestB, Edited: true, Collection: c}, {Object: "other.bpf.o", Collection: &spec.Collection{}},
	}})
	s := Suggest(nil, accesses)
	got := strings.NewReplacer(digestA, "DIGEST-A", digestB, "DIGEST-B", keyA, "KEY-A").Replace(s.Text)
	if d := cmp.Diff(suggested, got); d != "" || s.Err() != nil {
		t.Errorf("%v (-want +got):\n%s", s.Err(), d)
	}
	smallest(t, s.Text, accesses)
	if none := Suggest(nil, nil); !strings.HasSuffix(none.Text, "\n{}\n") || none.Err() != nil {
		t.Errorf("for nothing: %s, %v", none.Text, none.Err())
	}
}

// smallest fails the test unless the policy allows everything, also with the lines in its comments,
// and no more without any of its lines.
func smallest(t *testing.T, text string, accesses []Access) {
	t.Helper()
	if err := FirstDenial(parse(t, text).Evaluate(nil, accesses)); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var narrow []string
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, l := range lines {
		if code := strings.TrimLeft(l, " "); strings.HasPrefix(code, "#") && !strings.HasPrefix(code, "# ") {
			l = strings.Replace(l, "#", "", 1)
		}
		narrow = append(narrow, l)
		if l == "{}" || strings.HasPrefix(strings.TrimLeft(lines[i], " "), "#") {
			continue
		}
		for _, rest := range without(lines, i) {
			p, err := Parse("less.yaml", []byte(strings.Join(rest, "\n")+"\n"))
			if err == nil && FirstDenial(p.Evaluate(nil, accesses)) == nil {
				t.Fatalf("line %d can be left out of\n%s", i+1, text)
			}
		}
	}
	if err := FirstDenial(parse(t, strings.Join(narrow, "\n")).Evaluate(nil, accesses)); err != nil {
		t.Fatalf("with what is in comments: %v\n%s", err, text)
	}
}

// without returns the lines without one of them: alone, and with the keys above it that would be
// left without a value.
func without(lines []string, i int) [][]string {
	cut := append(append([]string(nil), lines[:i]...), lines[i+1:]...)
	all := [][]string{cut}
	depth := func(l string) int { return len(l) - len(strings.TrimLeft(l, " ")) }
	for i--; i >= 0; i-- {
		next := "" // the line after, comments left out
		for _, l := range cut[i+1:] {
			if !strings.HasPrefix(strings.TrimLeft(l, " "), "#") {
				next = l
				break
			}
		}
		code, _, _ := strings.Cut(cut[i], "  #")
		if !strings.HasSuffix(code, ":") || next != "" && depth(next) > depth(cut[i]) {
			break
		}
		cut = append(append([]string(nil), cut[:i]...), cut[i+1:]...)
		all = append(all, append(cut, "class: enforce"))
	}
	return all
}

// suggestNames are names that random accesses have, some of which no pattern can say.
var suggestNames = []string{"a", "b", "a*", "*", "?", "!a", " a ", "a\x1b[2J", "ä", "null", "0x10", "yes", "a: b", "#250", "- a", "", "a\nb", strings.Repeat("n", 300)}

// randomAccess returns an access that some policy can grant.
func randomAccess(r *rand.Rand) Access {
	word := func() string { return pick(r, suggestNames) }
	some := pick(r, []Access{
		ProgramType(pick(r, []spec.ProgramType{spec.ProgramXDP, spec.ProgramTracing, spec.ProgramLSM, 999})),
		MapType(pick(r, []spec.MapType{spec.MapHash, spec.MapArray, spec.MapRingbuf, 999})),
		Helper(pick(r, []asm.Helper{asm.HelperRedirect, asm.HelperProbeWriteUser, asm.HelperKtimeGetNs, 9999})),
		{Kind: KindKfunc, Name: pick(r, []string{"bpf_task_release", "bpf_task_release___x", "crash_kexec", "unknown___v2", "unknown"})},
		{Kind: KindKsym, Name: pick(r, []string{"runqueues", "runqueues___x", "jiffies"})},
		{Kind: KindRight, Name: pick(r, []string{RightSleepable, RightFreplace, RightSyscall, RightStructOps, RightModifyReturn})},
		MapRW(word()), MapRW(word()), MapRW(word()),
		hook(spec.HookXDP, pick(r, []string{"a", "b", "a*", "*"})), hook(spec.HookRawTracepoint, word()), hook(spec.HookRawTracepoint, word()),
		hook(spec.HookTracing, pick(r, []string{"tcp_connect", "tcp_connect___x", "nf_tables:f", "f"})),
		hook(spec.HookNetns, pick(r, []string{"/run/netns/a", "/run/netns/b*"})),
		{Kind: KindNetns, Name: pick(r, []string{"/run/netns/a", "/run/netns/b*"})},
		{Kind: KindPinRead, Name: pick(r, []string{"/sys/fs/bpf/x", "/sys/fs/bpf/*", "/sys/fs/bpf/y z"})},
		{Kind: KindPinWrite, Name: "/sys/fs/bpf/x"}, {Kind: KindPinShare, Name: "x"},
		{Kind: KindPrograms, Value: r.Uint64N(1024)}, {Kind: KindInsns, Value: r.Uint64N(1000)}, {Kind: KindTotalBytes, Value: r.Uint64N(1 << 32)},
		{Kind: KindPlugin, Name: word()}, Module(digestA, nil),
		{Kind: KindObject, Name: pick(r, []string{"a.o", "b.o"}), Digest: digestA}, {Kind: KindObjectEdit, Name: "a.o", Digest: digestA},
	})
	if r.IntN(2) == 0 {
		some.Where = pick(r, []string{"insn 3 of p", "program \x1b[2J\n- x"})
	}
	return some
}

// What is suggested for random accesses lets them through, and none of its lines can be left out.
func TestSuggestSmallest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	lines := 0
	for range 120 {
		c := &collector{index: map[accessKey]int{}}
		for range r.IntN(20) {
			if a := randomAccess(r); a.impossible() == "" && (a.Name != "" || a.Kind >= KindPrograms) {
				c.add(a)
			}
		}
		if i, ok := c.index[accessKey{KindObjectEdit, "a.o"}]; ok {
			c.add(Access{Kind: KindObject, Name: "a.o", Digest: c.list[i].Digest})
		}
		s := Suggest(nil, c.list)
		if err := s.Err(); err != nil {
			t.Fatalf("%v\n%s", err, s.Text)
		}
		smallest(t, s.Text, c.list)
		lines += strings.Count(s.Text, "\n")
	}
	if lines < 1_200 {
		t.Errorf("the test tries too little: %d lines", lines)
	}
}

// What no policy grants is said, each with its reason.
func TestSuggestDenied(t *testing.T) {
	accesses := []Access{
		Helper(asm.HelperRedirect), Helper(asm.HelperKtimeGetNs), {Kind: KindNumeric, Name: "map #5", Where: "insn 1 of p"}, {Kind: KindTotalBytes, Value: 9 << 30},
	}
	s := Suggest(requests(t, "helper ktime_get_ns"), accesses)
	var got []string
	for _, d := range s.Denied {
		got = append(got, d.Err().Error())
	}
	want := []string{
		"plugin does not request helper bpf_redirect",
		"no policy grants numeric reference map #5 (insn 1 of p): instructions must name what they use, not number it",
		"no policy grants map-bytes-total 9 GiB: the limit is 8 GiB",
	}
	if d := cmp.Diff(want, got); d != "" || s.Err() == nil || !strings.HasSuffix(s.Err().Error(), " (and 2 more)") {
		t.Errorf("%v (-want +got):\n%s", s.Err(), d)
	}
}
