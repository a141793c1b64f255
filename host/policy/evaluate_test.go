package policy

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/signature"
)

// Two public keys.
const (
	keyA = "ed25519:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="
	keyB = "ed25519:gTl3Dqh9F19Wo1Rmw0x+zMuNil1FZmrhsYjCYPWSqj8="
)

func TestDecision(t *testing.T) {
	helper := func(name string) Access {
		return Access{Kind: KindHelper, Name: name, Where: "insn 31 of count_drops"}
	}
	for _, tt := range []struct {
		name, text string
		s          Access
		want       string // rule of what is allowed, or the error
	}{
		{"exact", "programs: {helpers: [bpf_ktime_get_ns]}", Helper(asm.HelperKtimeGetNs), "allow helper bpf_ktime_get_ns"},
		{"wildcard", `programs: {helpers: ["bpf_ktime_*"]}`, Helper(asm.HelperKtimeGetNs), "allow helper bpf_ktime_*"},
		{"short", `programs: {helpers: ["ktime_*"]}`, Helper(asm.HelperKtimeGetNs), "allow helper ktime_*"},
		{"not listed", "programs:\n  helpers: []", helper("bpf_redirect"),
			"policy p.yaml:2 denies helper bpf_redirect (insn 31 of count_drops): programs.helpers does not list it"},
		{"no list", "{}", helper("bpf_redirect"),
			"policy p.yaml denies helper bpf_redirect (insn 31 of count_drops): programs.helpers is not granted"},
		{"taken away", "programs:\n  helpers:\n  - '*'\n  - '!bpf_redirect'", helper("bpf_redirect"),
			"policy p.yaml:4 denies helper bpf_redirect (insn 31 of count_drops)"},
		{"dangerous by wildcard", "programs:\n  helpers: ['*', 'bpf_probe_write_*']", helper("bpf_probe_write_user"),
			"policy p.yaml:2 denies helper bpf_probe_write_user (insn 31 of count_drops): it writes memory of user processes; only a policy that names it grants it"},
		{"dangerous by name", "programs: {helpers: [probe_write_user]}", helper("bpf_probe_write_user"), "allow helper probe_write_user"},
		{"unknown helper", "programs: {helpers: ['*']}", Helper(4711),
			"policy p.yaml:1 denies helper #4711: it is not known to this version; only a policy that names it grants it"},
		{"unknown helper by number", "programs: {helpers: ['#4711']}", Helper(4711), "allow helper #4711"},
		{"negative helper", "programs: {helpers: ['*']}", Helper(-1),
			"policy p.yaml:1 denies helper #-1: it is not known to this version; only a policy that names it grants it"},
		{"unknown map type", "maps: {types: ['*']}", MapType(1000),
			"policy p.yaml:1 denies map #1000: it is not known to this version; only a policy that names it grants it"},
		{"unknown program type", "programs: {types: ['*']}", ProgramType(1000),
			"policy p.yaml:1 denies program #1000: it is not known to this version; only a policy that names it grants it"},
		{"syscall by wildcard", "programs: {types: ['*'], syscall: true}", ProgramType(spec.ProgramSyscall),
			"policy p.yaml:1 denies program syscall: it calls bpf(2) itself; only a policy that names it grants it"},
		{"lsm by name", "programs: {types: [lsm]}", ProgramType(spec.ProgramLSM), "allow program lsm"},
		{"right", "programs: {freplace: true}", Access{Kind: KindRight, Name: RightFreplace}, "allow freplace"},
		{"right denied", "programs:\n  freplace: false", Access{Kind: KindRight, Name: RightFreplace}, "policy p.yaml:2 denies freplace"},
		{"right missing", "{}", Access{Kind: KindRight, Name: RightSleepable, Where: "program p"},
			"policy p.yaml denies sleepable (program p): programs.sleepable is not granted"},
		{"kfunc", `programs: {kfuncs: ["bpf_*"]}`, Access{Kind: KindKfunc, Name: "bpf_dynptr_slice"}, "allow kfunc bpf_*"},
		{"attach", `attach: {xdp: ["veth*"]}`, hook(spec.HookXDP, "veth0"), "allow attach xdp:veth*"},
		{"attach elsewhere", "attach: {tcx: ['*']}", hook(spec.HookXDP, "veth0"), "policy p.yaml denies attach xdp:veth0: attach.xdp is not granted"},
		{"attach taken away", "attach: {xdp: ['*', '!eth0']}", hook(spec.HookXDP, "eth0"), "policy p.yaml:1 denies attach xdp:eth0"},
		{"attach of unknown kind", "attach: {xdp: ['*']}", hook(99, "x"), "policy p.yaml denies attach attach_kind(99):x: attach attach_kind(99) is not granted"},
		{"cgroup", "attach: {cgroup: ['/sys/fs/cgroup/app/*']}", hook(spec.HookCgroup, "/sys/fs/cgroup/app/a"), "allow attach cgroup:/sys/fs/cgroup/app/*"},
		{"cgroup climbs", "attach: {cgroup: ['/sys/fs/cgroup/app/*']}", hook(spec.HookCgroup, "/sys/fs/cgroup/app/../x"),
			"policy p.yaml denies attach cgroup:/sys/fs/cgroup/app/../x: the path is not clean (.., ., // or a slash at its end)"},
		{"cgroup starts with dots", "attach: {cgroup: ['*']}", hook(spec.HookCgroup, ".."),
			"policy p.yaml denies attach cgroup:..: the path is not clean (.., ., // or a slash at its end)"},
		{"cgroup climbs from the start", "attach: {cgroup: ['*', '!/sys/fs/cgroup/system.slice*']}", hook(spec.HookCgroup, "../sys/fs/cgroup/system.slice"),
			"policy p.yaml denies attach cgroup:../sys/fs/cgroup/system.slice: the path is not clean (.., ., // or a slash at its end)"},
		{"relative cgroup", "attach: {cgroup: ['*', '!/sys/fs/cgroup/system.slice*']}", hook(spec.HookCgroup, "system.slice"),
			"policy p.yaml denies attach cgroup:system.slice: the path is not absolute"},
		{"relative netns", "attach: {netns: ['*']}", Access{Kind: KindNetns, Name: "ns"}, "policy p.yaml denies netns ns: the path is not absolute"},
		{"netns", "attach: {netns: ['/run/netns/*']}", Access{Kind: KindNetns, Name: "/run/netns/a"}, "allow netns /run/netns/*"},
		{"netns missing", "attach: {xdp: ['*']}", Access{Kind: KindNetns, Name: "/run/netns/a"}, "policy p.yaml denies netns /run/netns/a: attach.netns is not granted"},
		{"map type", "maps: {types: [hash]}", MapType(spec.MapHash), "allow map hash"},
		{"map use", "maps: {runtime_rw: [counts]}", MapRW("counts"), "allow map-rw counts"},
		{"map use denied", "maps: {runtime_rw: [counts]}", MapRW("blocked"), "policy p.yaml:1 denies map-rw blocked: maps.runtime_rw does not list it"},
		{"pin", "pins: {write: ['/sys/fs/bpf/x/*']}", Access{Kind: KindPinWrite, Name: "/sys/fs/bpf/x/m"}, "allow pin-write /sys/fs/bpf/x/*"},
		{"pin by name", "pins: {write: [m]}", Access{Kind: KindPinWrite, Name: "/sys/fs/bpf/x/m"}, "allow pin-write m"},
		{"pin taken away by name", "pins: {write: ['*', '!m']}", Access{Kind: KindPinWrite, Name: "/sys/fs/bpf/x/m"}, "policy p.yaml:1 denies pin-write /sys/fs/bpf/x/m"},
		{"pin of nobody", "pins: {write: ['*']}", Access{Kind: KindPinWrite},
			"policy p.yaml denies pin-write: a pin needs an owner, and a map whose name has no dot or slash in it"},
		{"shared pin", "pins: {shared: [m]}", Access{Kind: KindPinShare, Name: "m"}, "allow pin-share m"},
		{"shared pin without a grant", "pins: {read: ['*'], write: ['*']}", Access{Kind: KindPinShare, Name: "m"},
			"policy p.yaml denies pin-share m: pins.shared is not granted"},
		{"pin climbs", "pins: {write: ['*']}", Access{Kind: KindPinWrite, Name: "/sys/fs/bpf/x/../m"},
			"policy p.yaml denies pin-write /sys/fs/bpf/x/../m: the path is not absolute and clean"},
		{"pin relative", "pins: {read: ['*']}", Access{Kind: KindPinRead, Name: "m"}, "policy p.yaml denies pin-read m: the path is not absolute and clean"},
		{"numeric", "programs: {helpers: ['*'], kfuncs: ['*']}", Access{Kind: KindNumeric, Name: "map #5", Where: "insn 1 of p"},
			"policy p.yaml denies numeric reference map #5 (insn 1 of p): instructions must name what they use, not number it"},
		{"number", "programs:\n  max_insns: 10", Access{Kind: KindInsns, Value: 10}, "limit insns 10"},
		{"number too large", "programs:\n  max_insns: 10", Access{Kind: KindInsns, Value: 11, Where: "program p"},
			"policy p.yaml:2 denies insns 11 (program p): the limit is 10"},
		{"ceiling", "{}", Access{Kind: KindTotalBytes, Value: 9 << 30}, "policy p.yaml denies map-bytes-total 9 GiB: the limit is 8 GiB"},
		{"bytes", "maps: {max_bytes_total: 64MiB}", Access{Kind: KindTotalBytes, Value: 338 << 10}, "limit map-bytes-total 64 MiB"},
		{"plugin", "plugin: {name: guard, sha256: " + digestA + "}", Access{Kind: KindPlugin, Name: "guard"}, "allow plugin guard"},
		{"other plugin", "plugin: {name: guard, sha256: " + digestA + "}", Access{Kind: KindPlugin, Name: "evil\x1b"}, `policy p.yaml:1 denies plugin "evil\x1b": the policy is for plugin guard`},
		{"any plugin", "{}", Access{Kind: KindPlugin, Name: "x"}, "any plugin"},
		{"other module", "plugin: {sha256: " + digestA + "}", Access{Kind: KindModule, Name: digestB},
			"policy p.yaml:1 denies module " + digestB + ": the policy is for module " + digestA},
		{"signed", "plugin: {signers: [" + keyA + "]}", Module(digestB, []signature.Key{keyB, keyA}), "allow signer " + keyA},
		{"not signed", "plugin: {signers: [" + keyA + "]}", Module(digestB, nil),
			"policy p.yaml:1 denies module " + digestB + ": the policy is for signed plugins, and this one is not signed"},
		{"signed by another", "plugin: {signers: [" + keyA + "]}", Module(digestB, []signature.Key{keyB}),
			"policy p.yaml:1 denies module " + digestB + ": none of the policy's signers signed it, but " + keyB},
		{"signed, other module", "plugin: {signers: [" + keyA + "], sha256: " + digestA + "}", Module(digestB, []signature.Key{keyA}),
			"policy p.yaml:1 denies module " + digestB + ": the policy is for module " + digestA},
		{"signed and pinned", "plugin: {signers: [" + keyA + "], sha256: " + digestA + "}", Module(digestA, []signature.Key{keyA}), "allow signer " + keyA},
		{"any object", "{}", Access{Kind: KindObject, Name: "drops"}, "any object"},
		{"object not listed", "objects:\n  other: {}", Access{Kind: KindObject, Name: "drops"}, "policy p.yaml:1 denies object drops: objects does not list it"},
		{"no objects", "objects: {}", Access{Kind: KindObject, Name: "drops"}, "policy p.yaml:1 denies object drops: objects does not list it"},
		{"object with other digest", "objects:\n  drops: {sha256: " + digestA + "}", Access{Kind: KindObject, Name: "drops", Digest: digestB},
			"policy p.yaml:2 denies object drops: its SHA-256 is " + digestB},
		{"object with its digest", "objects: {drops: {sha256: " + digestA + "}}", Access{Kind: KindObject, Name: "drops", Digest: digestA}, "allow object drops"},
		{"edit", "objects: {'*': {edit: true}}", Access{Kind: KindObjectEdit, Name: "drops"}, "allow object edit *"},
		{"edit denied", "objects:\n  drops: {edit: false}", Access{Kind: KindObjectEdit, Name: "drops"}, "policy p.yaml:2 denies object edit drops: edit is not granted"},
		{"edit of another", "objects:\n  drops: {sha256: " + digestA + ", edit: true}", Access{Kind: KindObjectEdit, Name: "drops", Digest: digestB},
			"policy p.yaml:2 denies object edit drops: its SHA-256 is " + digestB},
		{"edit without objects", "{}", Access{Kind: KindObjectEdit, Name: "drops"}, "policy p.yaml denies object edit drops: objects grants no edit"},
		{"class", "class: observe\nprograms: {types: [xdp]}", ProgramType(spec.ProgramXDP), "policy p.yaml:1 denies program xdp: class observe does not grant it, it is of class mutate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			v := p.Decision(nil, tt.s)
			got := v.Rule
			if err := v.Err(); err != nil {
				got = err.Error()
			}
			if got != tt.want || v.Kind != tt.s.Kind || v.Policy != "p.yaml" {
				t.Errorf("\n got %s\nwant %s\n%+v", got, tt.want, v)
			}
		})
	}
}

func TestDecisionUnrequested(t *testing.T) {
	p := parse(t, "programs: {helpers: [bpf_redirect, bpf_send_signal]}")
	for name, want := range map[string]string{
		"bpf_redirect":    "plugin does not request helper bpf_redirect",
		"bpf_send_signal": "plugin does not request helper bpf_send_signal: no wildcard matches it, it must be requested by name",
	} {
		err := p.Decision(requests(t, "helper *send*"), Access{Kind: KindHelper, Name: name}).Err()
		var denied *Error
		if !errors.As(err, &denied) || denied.Rule != Unrequested || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestFirstDenial(t *testing.T) {
	p := parse(t, "programs: {types: [xdp]}")
	list := p.Evaluate(nil, []Access{ProgramType(spec.ProgramXDP), ProgramType(spec.ProgramKprobe), ProgramType(spec.ProgramTracing)})
	var denied *Error
	if err := FirstDenial(list); !errors.As(err, &denied) || denied.Access != "program kprobe" {
		t.Errorf("first denial: %v", err)
	}
	want := &Error{Access: "program kprobe", Rule: "no rule for program", Policy: "test.yaml", Line: 1, Reason: "programs.types does not list it"}
	if d := cmp.Diff(want, denied); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if err := FirstDenial(list[:1]); err != nil {
		t.Errorf("nothing is denied, yet %v", err)
	}
}

// draft is a policy from which random ones are made.
type draft struct {
	class   Class
	byName  []string
	plugin  string
	lists   map[string][]string // by list key
	rights  map[string]string
	numbers map[string]uint64 // "programs max"
	edit    map[string]string // object pattern: rest of its mapping
}

var (
	draftNames = map[string][]string{
		"program":       {"xdp", "tracing", "syscall", "lsm", "x*", "*"},
		"helper":        {"bpf_redirect", "bpf_send_signal", "bpf_map_*", "map_lookup_elem", "*"},
		"kfunc":         {"bpf_x", "crash_kexec", "bpf_*"},
		"map":           {"hash", "*hash", "array"},
		"map-rw":        {"counts", "c*", "?"},
		"attach xdp":    {"eth0", "veth*", "*"},
		"attach kprobe": {"do_exit", "*"},
		"pin-write":     {"/sys/fs/bpf/*", "/sys/fs/bpf/x"},
	}
	draftRights  = []string{RightSleepable, RightSyscall, RightFreplace, RightModifyReturn}
	draftNumbers = []string{"programs max", "programs max_insns", "maps max", "maps max_bytes_total"}
	draftProbes  = []Access{
		{Kind: KindProgram, Name: "xdp"}, {Kind: KindProgram, Name: "tracing"}, {Kind: KindProgram, Name: "syscall"}, {Kind: KindProgram, Name: "lsm"},
		{Kind: KindProgram, Name: "#77"}, {Kind: KindHelper, Name: "bpf_redirect"}, {Kind: KindHelper, Name: "bpf_send_signal"},
		{Kind: KindHelper, Name: "bpf_map_lookup_elem"}, {Kind: KindKfunc, Name: "bpf_rdonly_cast"}, {Kind: KindKfunc, Name: "crash_kexec"},
		{Kind: KindMap, Name: "hash"}, {Kind: KindMap, Name: "array"}, {Kind: KindMapRW, Name: "counts"}, {Kind: KindMapRW, Name: "d"},
		{Kind: KindHelper, Name: "bpf_probe_read_kernel"}, {Kind: KindAttach, Name: "kprobe:do_exit"}, {Kind: KindAttach, Name: "kprobe:do_fork"},
		{Kind: KindAttach, Name: "xdp:eth0"}, {Kind: KindAttach, Name: "xdp:veth1"}, {Kind: KindPinWrite, Name: "/sys/fs/bpf/x"},
		{Kind: KindRight, Name: RightSleepable}, {Kind: KindRight, Name: RightSyscall}, {Kind: KindRight, Name: RightModifyReturn},
		{Kind: KindPrograms, Value: 5}, {Kind: KindInsns, Value: 50}, {Kind: KindMaps, Value: 5}, {Kind: KindTotalBytes, Value: 50},
		{Kind: KindPlugin, Name: "guard"}, {Kind: KindObject, Name: "drops", Digest: digestA}, {Kind: KindObjectEdit, Name: "drops", Digest: digestA},
	}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// randomDraft grants a random part of everything.
func randomDraft(r *rand.Rand) *draft {
	d := &draft{lists: map[string][]string{}, rights: map[string]string{}, numbers: map[string]uint64{}, edit: map[string]string{}}
	for key, names := range draftNames {
		for range r.IntN(4) {
			d.lists[key] = append(d.lists[key], pick(r, names))
		}
	}
	for _, name := range draftRights {
		d.rights[name] = pick(r, []string{"true", "false"})
	}
	for _, n := range draftNumbers {
		if r.IntN(2) == 0 {
			d.numbers[n] = uint64(r.IntN(1000))
		}
	}
	for _, o := range []string{"*", "drops"} {
		d.edit[o] = pick(r, []string{"edit: true", "edit: false", "edit: true, sha256: " + digestA, ""})
	}
	return d
}

// restrict takes something away, and is allowed to change nothing.
func (d *draft) restrict(r *rand.Rand) string {
	key := pick(r, slices.Sorted(mapsKeys(draftNames)))
	switch r.IntN(9) {
	case 8:
		d.byName = append(d.byName, pick(r, []string{"memory", "machine"}))
		return "want requests by name"
	case 0:
		d.lists[key] = append(d.lists[key], "!"+pick(r, draftNames[key]))
		return "exclude from " + key
	case 1:
		if l := d.lists[key]; len(l) > 0 {
			d.lists[key] = l[:len(l)-1]
		}
		return "shorten " + key
	case 2:
		delete(d.lists, key)
		return "drop " + key
	case 3:
		d.rights[pick(r, draftRights)] = "false"
		return "deny a right"
	case 4:
		n := pick(r, draftNumbers)
		if have, ok := d.numbers[n]; !ok || have > 10 {
			d.numbers[n] = uint64(r.IntN(10))
		}
		return "lower " + n
	case 5:
		d.class = min(d.class+1, ClassObserve)
		return "narrow the class"
	case 6:
		d.plugin = pick(r, []string{"guard", "other"})
		return "name the plugin"
	default:
		o := pick(r, []string{"*", "drops"})
		if !strings.Contains(d.edit[o], "sha256") {
			d.edit[o] = strings.TrimPrefix(d.edit[o]+", sha256: "+pick(r, []string{digestA, digestB}), ", ")
		}
		return "pin object " + o
	}
}

func mapsKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// yaml writes the policy.
func (d *draft) yaml() string {
	sections := map[string]string{}
	for key, l := range d.lists {
		section, name, _ := strings.Cut(listPaths[key], ".")
		sections[section] += fmt.Sprintf("  %s: [%s]\n", name, "'"+strings.Join(l, "', '")+"'")
		if len(l) == 0 {
			sections[section] = strings.Replace(sections[section], "['']", "[]", 1)
		}
	}
	for name, v := range d.rights {
		sections["programs"] += fmt.Sprintf("  %s: %s\n", name, v)
	}
	for n, v := range d.numbers {
		section, name, _ := strings.Cut(n, " ")
		sections[section] += fmt.Sprintf("  %s: %d\n", name, v)
	}
	for o, rest := range d.edit {
		sections["objects"] += fmt.Sprintf("  %q: {%s}\n", o, rest)
	}
	text := ""
	if d.class != ClassAny {
		text = "class: " + d.class.String() + "\n"
	}
	if d.byName != nil {
		text += "by_name: [" + strings.Join(d.byName, ", ") + "]\n"
	}
	if d.plugin != "" {
		text += "plugin: {name: " + d.plugin + ", sha256: " + digestA + "}\n"
	}
	for section, body := range sections {
		text += section + ":\n" + body
	}
	return text
}

// TestNarrowing makes random policies, restricts each once or more, and wants that nothing is
// granted that was not granted before. Taking requests away must not grant either.
func TestNarrowing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all := requests(t, "program *", "program lsm", "program syscall", "helper *", "helper bpf_send_signal", "kfunc *", "map *", "map-rw *",
		"attach xdp:*", "attach kprobe:*", "attach kprobe:do_exit", "object edit", "sleepable", "modify_return", "pin-write *")
	granted, lost := 0, 0
	for range 5000 {
		d := randomDraft(r)
		wide := parse(t, d.yaml())
		var steps []string
		for range 1 + r.IntN(3) {
			steps = append(steps, d.restrict(r))
		}
		narrow := parse(t, d.yaml())
		some := all
		if r.IntN(3) == 0 {
			texts := all.Texts()
			some = requests(t, slices.Delete(texts, 0, r.IntN(len(texts)))...)
			steps = append(steps, "request less")
		}
		for _, s := range draftProbes {
			before, after := wide.Decision(all, s), narrow.Decision(some, s)
			if after.Allowed && !before.Allowed {
				t.Fatalf("%v granted %s by %q, which %q denied\n%s", steps, s, after.Rule, before.Rule, d.yaml())
			}
			if before.Allowed {
				granted++
				if !after.Allowed {
					lost++
				}
			}
		}
	}
	if granted < 10_000 || lost < 1_000 {
		t.Errorf("the test tries too little: %d granted, %d lost", granted, lost)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	p := parse(b, full)
	accesses := everyAccess()
	b.ReportAllocs()
	for b.Loop() {
		p.Evaluate(nil, accesses)
	}
}

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(full)))
	b.ReportAllocs()
	for b.Loop() {
		parse(b, full)
	}
}
