package policy

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// fieldRule says how a field of a spec is judged: change alters what reaches the kernel and must
// alter the accesses; without it the reason says why nothing is to be judged.
type fieldRule struct {
	change func(c *spec.Collection)
	reason string
}

// fieldRules has a row for every field that the types of a spec have. A field without a row fails the
// test: whoever adds one says how it is judged.
var fieldRules = map[string]fieldRule{
	"Collection.Order":         {reason: "the loader takes only that of the machine"},
	"Collection.License":       {reason: "the kernel's own gate; the helpers are judged"},
	"Collection.KernelVersion": {reason: "grants nothing since Linux 5.0"},
	"Collection.Programs":      {change: func(c *spec.Collection) { c.Programs = c.Programs[:1] }},
	"Collection.Maps":          {change: func(c *spec.Collection) { c.Maps = c.Maps[:1] }},
	"Collection.Vars":          {reason: "names for bytes of a map"},
	"Collection.Externs":       {reason: "judged where an instruction refers to one"},
	"Collection.Attach":        {change: func(c *spec.Collection) { c.Attach = c.Attach[:1] }},
	"Collection.BTF":           {reason: "describes"},
	"Collection.Notes":         {reason: "for people"},
	"Collection.Hidden":        {reason: "how the verifier looks at a function"},

	"Program.Name":       {reason: "a name"},
	"Program.Section":    {reason: "where it was read from"},
	"Program.Type":       {change: func(c *spec.Collection) { c.Programs[1].Type = spec.ProgramLSM }},
	"Program.AttachType": {change: func(c *spec.Collection) { c.Programs[1].AttachType = spec.AttachTypeTraceFentry }},
	"Program.Probe":      {reason: "entry or return of the function that is judged"},
	"Program.AttachTo":   {change: func(c *spec.Collection) { c.Programs[1].AttachTo = "f" }},
	"Program.Flags":      {change: func(c *spec.Collection) { c.Programs[1].Flags = 0 }},
	"Program.Optional":   {change: func(c *spec.Collection) { c.Programs[2].Optional = true }},
	"Program.Exception":  {reason: "a function of the program"},
	"Program.Insns":      {change: func(c *spec.Collection) { c.Programs[0].Insns = insns(asm.Exit()) }},
	"Program.LabelNames": {reason: "names"},
	"Program.Tables": {change: func(c *spec.Collection) {
		c.Programs[0].Tables = []spec.JumpTable{{Name: "t", Labels: make([]asm.Label, 1<<20)}}
	}},

	"Insn.Insn": {reason: "by its own fields"},
	"Insn.Func": {reason: "describes"},
	"Insn.Line": {reason: "describes"},
	"Insn.Core": {reason: "patches a value or makes the instruction invalid; final instructions are judged again"},

	"Map.Name":       {change: func(c *spec.Collection) { c.Maps[1].Name = "other" }}, // it is pinned
	"Map.Section":    {reason: "where it was read from"},
	"Map.Type":       {change: func(c *spec.Collection) { c.Maps[0].Type = spec.MapHash }},
	"Map.KeySize":    {change: func(c *spec.Collection) { c.Maps[2].Inner.KeySize = 64 }},
	"Map.ValueSize":  {change: func(c *spec.Collection) { c.Maps[0].ValueSize = 64 << 10 }},
	"Map.MaxEntries": {change: func(c *spec.Collection) { c.Maps[0].MaxEntries = 1 << 20 }},
	"Map.Flags":      {change: func(c *spec.Collection) { c.Maps[2].Inner.Flags = spec.FlagNoPrealloc }},
	"Map.Extra":      {reason: "the address of an arena, or how many hash functions, which its size shows"},
	"Map.NUMANode":   {reason: "where its memory is"},
	"Map.Pinning":    {change: func(c *spec.Collection) { c.Maps[1].Pinning = spec.PinNone }},
	"Map.Key":        {reason: "describes"},
	"Map.Value":      {reason: "describes; of struct_ops the struct that its programs implement is judged"},
	"Map.Inner":      {change: func(c *spec.Collection) { c.Maps[2].Inner.Type = spec.MapArray }},
	"Map.Values":     {reason: "objects of the same collection"},
	"Map.Data":       {reason: "the plugin's own bytes"},
	"Map.Freeze":     {reason: "takes away"},
	"Map.Optional":   {reason: "it is judged either way"},
	"Map.Tags":       {reason: "describes"},

	"Attach.Program":  {reason: "programs are judged by what they are and do"},
	"Attach.Kind":     {change: func(c *spec.Collection) { c.Attach[0].Kind = spec.HookTCX }},
	"Attach.Target":   {change: func(c *spec.Collection) { c.Attach[0].Target = "veth1" }},
	"Attach.Netns":    {change: func(c *spec.Collection) { c.Attach[0].Netns = "/run/netns/other" }},
	"Attach.Flags":    {reason: "mode and order at the same target"},
	"Attach.Cookie":   {reason: "a number for the program itself"},
	"Attach.Optional": {reason: "what happens on an error"},
}

// insnRules are those of asm.Insn, by field.
var insnRules = map[string]fieldRule{
	"Op":     {reason: "what calls and loads refer to is judged"},
	"Dst":    {reason: "a register"},
	"Src":    {reason: "with the reference or the number beside it"},
	"Flags":  {reason: "how text is written; the kernel's view is judged"},
	"Off":    {reason: "a displacement or offset; kernel functions of modules are judged by name"},
	"Ref":    {reason: "with its name"},
	"Label":  {reason: "a place"},
	"Target": {reason: "a place"},
	"Imm":    {change: func(c *spec.Collection) { set(c, asm.Call(asm.HelperSkbLoadBytes)) }},
	"Symbol": {change: func(c *spec.Collection) { set(c, asm.CallKfunc("bpf_task_acquire")) }},
}

// set replaces the instructions of the second program.
func set(c *spec.Collection, in asm.Insn) { c.Programs[1].Insns = insns(in, asm.Exit()) }

// TestFieldsAreJudged: what changes what reaches the kernel changes the accesses.
func TestFieldsAreJudged(t *testing.T) {
	accesses := func(c *spec.Collection) []Access {
		list := Accesses(Final{SHA256: digestA, Collections: []Input{{Collection: c}}})
		for i := range list {
			list[i].Where = "" // which is for people
		}
		return list
	}
	before := accesses(example())
	seen := 0
	for name, rules := range map[string]map[string]fieldRule{"": fieldRules, "asm.Insn.": insnRules} {
		for field, rule := range rules {
			seen++
			if rule.change == nil {
				if rule.reason == "" {
					t.Errorf("%s%s has neither a change nor a reason", name, field)
				}
				continue
			}
			c := example()
			rule.change(c)
			if cmp.Equal(before, accesses(c)) {
				t.Errorf("%s%s: nothing that is judged changes", name, field)
			}
		}
	}
	fields := 0
	for _, v := range []any{spec.Collection{}, spec.Program{}, spec.Insn{}, spec.Map{}, spec.Attach{}} {
		typ := reflect.TypeOf(v)
		for f := range typ.NumField() {
			fields++
			if _, ok := fieldRules[typ.Name()+"."+typ.Field(f).Name]; !ok {
				t.Errorf("nobody said how spec.%s.%s is judged", typ.Name(), typ.Field(f).Name)
			}
		}
	}
	in := reflect.TypeOf(asm.Insn{})
	for f := range in.NumField() {
		fields++
		if _, ok := insnRules[in.Field(f).Name]; !ok {
			t.Errorf("nobody said how asm.Insn.%s is judged", in.Field(f).Name)
		}
	}
	if fields != seen {
		t.Errorf("%d fields, %d rules", fields, seen)
	}
}

// TestSameEffect: two ways to write one thing have the same accesses, and the same decisions.
func TestSameEffect(t *testing.T) {
	attach := func(p *spec.Program, a spec.Attach) func(*spec.Collection) {
		p.Name, p.Insns, a.Program = "p", insns(asm.Exit()), "p"
		return func(c *spec.Collection) { c.Programs, c.Attach = []*spec.Program{p}, []spec.Attach{a} }
	}
	for name, pair := range map[string][2]func(*spec.Collection){
		"target of a tracepoint": {
			attach(&spec.Program{Type: spec.ProgramTracepoint, AttachTo: "sched/sched_switch"}, spec.Attach{Kind: spec.HookTracepoint}),
			attach(&spec.Program{Type: spec.ProgramTracepoint}, spec.Attach{Kind: spec.HookTracepoint, Target: "sched/sched_switch"}),
		},
		"target of a raw tracepoint": {
			attach(&spec.Program{Type: spec.ProgramRawTracepoint, AttachTo: "sys_enter"}, spec.Attach{Kind: spec.HookRawTracepoint}),
			attach(&spec.Program{Type: spec.ProgramRawTracepoint}, spec.Attach{Kind: spec.HookRawTracepoint, Target: "sys_enter"}),
		},
		"module of the kernel": {
			attach(&spec.Program{Type: spec.ProgramTracing, AttachTo: "vmlinux:f"}, spec.Attach{Kind: spec.HookTracing}),
			attach(&spec.Program{Type: spec.ProgramTracing, AttachTo: "f"}, spec.Attach{Kind: spec.HookTracing}),
		},
		"target of a typed program": {
			attach(&spec.Program{Type: spec.ProgramTracing, AttachTo: "f"}, spec.Attach{Kind: spec.HookTracing, Target: "f"}),
			attach(&spec.Program{Type: spec.ProgramTracing, AttachTo: "f"}, spec.Attach{Kind: spec.HookTracing}),
		},
		"hyphens of a module": {
			attach(&spec.Program{Type: spec.ProgramKprobe, AttachTo: "nf-tables:f"}, spec.Attach{Kind: spec.HookKprobe}),
			attach(&spec.Program{Type: spec.ProgramKprobe}, spec.Attach{Kind: spec.HookKprobe, Target: "nf_tables:f"}),
		},
		"place of a network namespace": {
			attach(&spec.Program{Type: spec.ProgramSkLookup}, spec.Attach{Kind: spec.HookNetns, Target: "/run/netns/a"}),
			attach(&spec.Program{Type: spec.ProgramSkLookup}, spec.Attach{Kind: spec.HookNetns, Netns: "/run/netns/a"}),
		},
	} {
		var got [2][]Access
		for i, change := range pair {
			c := &spec.Collection{}
			change(c)
			if err := c.Check(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			got[i] = Accesses(Final{Collections: []Input{{Collection: c}}})
		}
		if d := cmp.Diff(got[0], got[1]); d != "" || len(got[0]) == 0 {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

// TestCgroupLSM: a program that a cgroup holds is judged by its LSM hook too.
func TestCgroupLSM(t *testing.T) {
	c := &spec.Collection{
		Programs: []*spec.Program{{Name: "p", Type: spec.ProgramLSM, AttachType: spec.AttachTypeLSMCgroup, AttachTo: "socket_bind", Insns: insns(asm.Exit())}},
		Attach:   []spec.Attach{{Program: "p", Kind: spec.HookCgroup, Target: "/sys/fs/cgroup/a"}},
	}
	denied := func(text string) (names []string) {
		for _, d := range parse(t, text).Evaluate(nil, Accesses(Final{Collections: []Input{{Collection: c}}})) {
			if d.Kind == KindAttach && !d.Allowed {
				names = append(names, d.Access)
			}
		}
		return names
	}
	if d := cmp.Diff([]string{"attach tracing:socket_bind (program p)"}, denied(`attach: {cgroup: ["/sys/fs/cgroup/a"]}`)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string(nil), denied(`attach: {cgroup: ["/sys/fs/cgroup/a"], tracing: [socket_bind]}`)); d != "" {
		t.Error(d)
	}
}

// TestUnresolved: an attachment that cannot be resolved is not granted by any rule.
func TestUnresolved(t *testing.T) {
	p := parse(t, `attach: {xdp: ["*", "?"], netns: ["*"], tracepoint: ["*"], kprobe: ["*"], tracing: ["*"]}`)
	for _, a := range []spec.Attach{
		{Kind: spec.HookXDP}, {Kind: spec.HookNetns}, {Kind: spec.HookTracepoint, Target: "/"},
		{Kind: spec.HookKprobe, Target: "+0"}, {Kind: spec.HookTracing, Target: "f"},
	} {
		a.Program = "p"
		c := &spec.Collection{Programs: []*spec.Program{{Name: "p", AttachTo: "elsewhere"}}, Attach: []spec.Attach{a}}
		denied := false
		for _, d := range p.Evaluate(nil, Accesses(Final{Collections: []Input{{Collection: c}}})) {
			denied = denied || d.Kind == KindAttach && !d.Allowed && d.Reason != ""
		}
		if !denied {
			t.Errorf("%v %q: allowed", a.Kind, fmt.Sprint(a.Target))
		}
	}
}
