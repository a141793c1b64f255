package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/spec"
)

// parse parses a policy that must be right.
func parse(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	digestA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "1111111111111111111111111111111111111111111111111111111111111111"
)

// full has every key.
const full = `# a policy with every key
plugin: {name: guard, sha256: ` + digestA + `}
class: mutate
objects:
  drops: {sha256: ` + digestB + `, edit: true}
  "*": {}
programs:
  types: [xdp, "sched_*", lsm]
  max: 12
  max_insns: 20_000
  helpers: ["map_*", "!bpf_map_delete_elem", bpf_ktime_get_ns, bpf_send_signal]
  kfuncs: []
  ksyms: [jiffies]
  sleepable: true
  freplace: false
  syscall: false
  struct_ops: false
  modify_return: true
attach:
  xdp: ["veth*", "!veth9"]
  tcx: [eth0]
  cgroup: ["/sys/fs/cgroup/app/*"]
  tracepoint: ["sched/*"]
  raw_tracepoint: [sched_switch]
  tracing: ["tcp_*"]
  kprobe: [do_unlinkat]
  netns: ["/run/netns/*"]
maps:
  types: [hash, "*array"]
  max: 8
  max_entries: 100000
  max_bytes_each: 1MiB
  max_bytes_total: 16 MiB
  runtime_rw: [counts]
pins:
  read: ["/sys/fs/bpf/shared/*"]
  write: []
  shared: [counts]
wasm:
  memory: 16MiB
  wall_ms: {start: 9, describe: 1, configure: 2, plan: 3, loaded: 4, started: 5, events: 6, tick: 7, stop: 8}
  out_bytes_per_s: 1MiB
  log_lines_per_s: 50
`

func TestParse(t *testing.T) {
	p := parse(t, full)
	want := Wasm{
		MemoryBytes: 16 << 20, Start: 9 * time.Millisecond,
		Describe: time.Millisecond, Configure: 2 * time.Millisecond, Plan: 3 * time.Millisecond,
		Loaded: 4 * time.Millisecond, Started: 5 * time.Millisecond, Events: 6 * time.Millisecond,
		Tick: 7 * time.Millisecond, Stop: 8 * time.Millisecond, OutBytesPerSec: 1 << 20, LogLinesPerSec: 50,
	}
	if d := cmp.Diff(want, p.Wasm()); d != "" {
		t.Errorf("wasm (-want +got):\n%s", d)
	}
	if p.Name() != "test.yaml" {
		t.Errorf("name %q", p.Name())
	}
}

// TestParseKeys takes every key of the full policy away: each must make a difference that Decision
// or Wasm shows, so that no key is read and then ignored.
func TestParseKeys(t *testing.T) {
	probes := append(everyAccess(), Access{Kind: KindModule, Name: digestB}, Access{Kind: KindPlugin, Name: "other"},
		Access{Kind: KindObject, Name: "drops", Digest: digestA}, Access{Kind: KindObject, Name: "x"})
	state := func(p *Policy) string {
		var b strings.Builder
		for _, v := range p.Evaluate(nil, probes) {
			b.WriteString(v.Rule + v.Reason + "\n")
		}
		return b.String() + time.Duration(p.Wasm().Describe).String() + strings.Join(strings.Fields(cmp.Diff(Wasm{}, p.Wasm())), " ")
	}
	if state(parse(t, full)) == state(parse(t, strings.Replace(full, "class: mutate\n", "", 1))) {
		t.Error("nothing changes without class")
	}
	text := strings.Replace(full, "mutate", "enforce", 1) // mutate would hide some rights
	whole := state(parse(t, text))
	removed := 0
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "plugin") {
			continue
		}
		p, err := Parse("test.yaml", []byte(strings.Join(lines[:i], "")+strings.Join(lines[i+1:], "")))
		if err != nil {
			t.Errorf("without %q: %v", line, err)
		} else if state(p) == whole {
			t.Errorf("nothing changes without %q", line)
		}
		removed++
	}
	if removed != 35 {
		t.Errorf("%d keys were tried", removed)
	}
}

// everyAccess has an access that is evaluated by each key.
func everyAccess() []Access {
	list := []Access{
		{Kind: KindPlugin, Name: "guard"}, {Kind: KindModule, Name: digestA},
		{Kind: KindObject, Name: "drops", Digest: digestB}, {Kind: KindObjectEdit, Name: "drops", Digest: digestB},
		{Kind: KindProgram, Name: "xdp"}, {Kind: KindProgram, Name: "lsm"}, {Kind: KindKfunc, Name: "bpf_rdonly_cast"}, {Kind: KindKsym, Name: "jiffies"},
		{Kind: KindHelper, Name: "bpf_map_lookup_elem"}, {Kind: KindHelper, Name: "bpf_send_signal"},
		{Kind: KindNetns, Name: "/run/netns/a"}, {Kind: KindMap, Name: "hash"}, {Kind: KindMapRW, Name: "counts"},
		{Kind: KindPinRead, Name: "/sys/fs/bpf/shared/a"}, {Kind: KindPinWrite, Name: "/sys/fs/bpf/shared/a"},
		{Kind: KindPinShare, Name: "counts"},
		hook(spec.HookXDP, "veth1"), hook(spec.HookXDP, "veth9"), hook(spec.HookTCX, "eth0"),
		hook(spec.HookCgroup, "/sys/fs/cgroup/app/x"), hook(spec.HookTracepoint, "sched/sched_switch"),
		hook(spec.HookRawTracepoint, "sched_switch"), hook(spec.HookTracing, "tcp_connect"),
		hook(spec.HookKprobe, "do_unlinkat"), hook(spec.HookNetns, "/run/netns/a"),
	}
	for _, r := range []string{RightSleepable, RightFreplace, RightSyscall, RightStructOps, RightModifyReturn} {
		list = append(list, Access{Kind: KindRight, Name: r})
	}
	for k := KindPrograms; k <= KindTotalBytes; k++ {
		list = append(list, Access{Kind: k, Value: 1})
	}
	return list
}

func TestParseJSON(t *testing.T) {
	p := parse(t, "{\n\t\"class\": \"observe\",\n\t\"programs\": {\"types\": [\"tracing\"], \"max\": 3},\n\t\"maps\": {\"max_bytes_total\": \"16MiB\"}}")
	if v := p.Decision(nil, Access{Kind: KindPrograms, Value: 4}); v.Allowed || v.Line != 3 {
		t.Errorf("%+v", v)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"by_name: memory", "read policy p.yaml:1:10: want a list of memory and machine"},
		{"by_name: [memory, all]", "read policy p.yaml:1:19: there is nothing called all to be requested by name; want memory or machine"},
		{"", "read policy p.yaml: it is empty; write {} to grant nothing"},
		{"# nothing\n", "read policy p.yaml: it is empty; write {} to grant nothing"},
		{"~", "read policy p.yaml:1:1: want a mapping (key: value)"},
		{"[]", "read policy p.yaml:1:1: want a mapping (key: value)"},
		{"\xff\xfe", "read policy p.yaml: it is not UTF-8 text"},
		{strings.Repeat("#", maxText+1), "read policy p.yaml: it has 262145 bytes, the limit is 262144"},
		{"class: observe\nfoo: 1", "read policy p.yaml:2:1: unknown key foo; known here: attach, by_name, class, maps, objects, pins, plugin, programs, wasm"},
		{"maps:\n  size: 1", "read policy p.yaml:2:3: unknown key size; known here: max, max_bytes_each, max_bytes_total, max_entries, runtime_rw, types"},
		{"\"a\\e\": 1", `read policy p.yaml:1:1: unknown key "a\x1b"; known here: attach, by_name, class, maps, objects, pins, plugin, programs, wasm`},
		{"class: observe\nmaps: {}\nclass: observe", "read policy p.yaml:3:1: key class is already on line 1"},
		{"maps: {max: 1, max: 2}", "read policy p.yaml:1:16: key max is already on line 1"},
		{"class: observer", "read policy p.yaml:1:8: class observer is unknown; want observe, mutate or enforce"},
		{"class: [observe]", "read policy p.yaml:1:8: want observe, mutate or enforce"},
		{"programs: xdp", "read policy p.yaml:1:11: want a mapping (key: value)"},
		{"programs:", "read policy p.yaml:1:10: want a mapping (key: value)"},
		{"programs: {types: xdp}", `read policy p.yaml:1:19: want a list of names or patterns, e.g. [a, "b_*"]`},
		{"programs: {types: }", `read policy p.yaml:1:19: want a list of names or patterns, e.g. [a, "b_*"]`},
		{"programs: {types: [[xdp]]}", "read policy p.yaml:1:20: want a name or pattern as text; put it in quotes"},
		{"programs: {types: [1]}", "read policy p.yaml:1:20: want a name or pattern as text; put it in quotes"},
		{"programs: {types: [xpd]}", "read policy p.yaml:1:20: there is no program type xpd, did you mean xdp?"},
		{"maps: {types: [\"!hsh\"]}", "read policy p.yaml:1:16: there is no map type hsh, did you mean hash?"},
		{"programs: {types: [\"\"]}", "read policy p.yaml:1:20: pattern is empty"},
		{"maps:\n  types:\n  - !hash\n", "read policy p.yaml:3:5: tags are not supported; patterns that start with ! need quotes"},
		{"programs: {types: [&a xdp]}", "read policy p.yaml:1:20: anchors and aliases are not supported; patterns that start with * need quotes"},
		{"maps: {types: [&a hash], runtime_rw: [*a]}", "read policy p.yaml:1:16: anchors and aliases are not supported; patterns that start with * need quotes"},
		{"<<: {}", "read policy p.yaml:1:1: unknown key <<; known here: attach, by_name, class, maps, objects, pins, plugin, programs, wasm"},
		{"programs: {sleepable: yes}", "read policy p.yaml:1:23: want true or false"},
		{"programs: {sleepable: \"true\"}", "read policy p.yaml:1:23: want true or false"},
		{"programs: {max: -1}", "read policy p.yaml:1:17: want a whole number"},
		{"programs: {max: 1.5}", "read policy p.yaml:1:17: want a whole number"},
		{"programs: {max: []}", "read policy p.yaml:1:17: want a whole number"},
		{"programs: {max: 1025}", "read policy p.yaml:1:17: 1025 is above the host's own limit of 1024"},
		{"maps: {max_bytes_each: 16MB}", "read policy p.yaml:1:24: want a size such as 65536, 64KiB or 16MiB"},
		{"maps: {max_bytes_total: 1TiB}", "read policy p.yaml:1:25: 1 TiB is above the host's own limit of 8 GiB"},
		{"wasm: {memory: 1000}", "read policy p.yaml:1:16: want a multiple of 64KiB above zero"},
		{"wasm: {memory: 0}", "read policy p.yaml:1:16: want a multiple of 64KiB above zero"},
		{"wasm: {wall_ms: {plan: 0}}", "read policy p.yaml:1:24: want more than zero"},
		{"wasm: {wall_ms: {plan: 600001}}", "read policy p.yaml:1:24: 600001 is above the host's own limit of 600000"},
		{"wasm: {log_lines_per_s: 0}", "read policy p.yaml:1:25: want more than zero"},
		{"plugin: {sha256: abc}", "read policy p.yaml:1:18: want a SHA-256 as 64 lower-case hex digits"},
		{"plugin: {name: guard}", "read policy p.yaml:1:16: a name identifies nobody, any plugin can call itself so; add sha256 or signers"},
		{"plugin: {signers: []}", `read policy p.yaml:1:19: want a list of public keys, e.g. ["ed25519:..."]`},
		{"plugin: {signers: [x]}", "read policy p.yaml:1:20: want a public key as ed25519: and 44 characters of base64"},
		{"plugin: {name: 7}", "read policy p.yaml:1:16: want a text in quotes"},
		{"objects: {\"!a\": {}}", "read policy p.yaml:1:11: objects cannot be excluded, only listed"},
		{"objects: {a: {edit: 1}}", "read policy p.yaml:1:21: want true or false"},
		{"objects: [a]", "read policy p.yaml:1:10: want a mapping (key: value)"},
		{"programs: {helpers: [\"!bpf_probe_write_usr\"]}", "read policy p.yaml:1:22: there is no helper bpf_probe_write_usr, did you mean bpf_probe_write_user?"},
		{"programs: {helpers: [zzzzzzzz]}", "read policy p.yaml:1:22: there is no helper zzzzzzzz"},
		{"attach: {uprobe: []}", "read policy p.yaml:1:10: unknown key uprobe; known here: cgroup, kprobe, netns, raw_tracepoint, socket, struct_ops, tcx, tracepoint, tracing, xdp; did you mean kprobe?"},
		{"{}\n---\n{}", "read policy p.yaml:2:1: only one document is wanted"},
	} {
		_, err := Parse("p.yaml", []byte(tt.text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || err.Error() != tt.want {
			t.Errorf("%.60q:\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

// TestParseYAMLErrors has texts that the YAML reader itself refuses.
func TestParseYAMLErrors(t *testing.T) {
	for _, text := range []string{"class: observe\nmaps:\n  types: [*]\n", "a: [", "a: b: c", "\t- x", "maps: {types: [*none]}", "%", "a: \"\\q\"", "maps: {types: [!hash]}"} {
		_, err := Parse("p.yaml", []byte(text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), "not YAML: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(BuiltInText))
	f.Add([]byte(`{"programs": {"types": ["xdp"]}}`))
	f.Add([]byte("maps: {types: [&a hash], runtime_rw: [*a]}"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("p.yaml", text)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("error %q", err)
			}
			return
		}
		for _, v := range p.Evaluate(nil, everyAccess()) {
			if v.Rule == "" || v.Access == "" || strings.ContainsAny(v.Rule+v.Access+v.Reason, "\n\x1b") {
				t.Errorf("decision %+v", v)
			}
		}
	})
}

// A kernel function that is in no class is noted: a newer kernel may have it.
func TestParseNotes(t *testing.T) {
	p, err := Parse("p.yaml", []byte("programs:\n  helpers: [map_lookup_elem, bpf_loop, \"#250\"]\n  kfuncs: [bpf_*, bpf_task_relase,\n    \"!bpf_new_thing_of_7_9\"]"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"p.yaml:3: kfunc bpf_task_relase is not known to this version, did you mean bpf_task_release?",
		"p.yaml:4: kfunc bpf_new_thing_of_7_9 is not known to this version",
	}
	if d := cmp.Diff(want, p.Notes()); d != "" {
		t.Error(d)
	}
}
