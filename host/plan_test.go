package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

func newHost(t testing.TB) *Host {
	t.Helper()
	patient := time.Minute // an emulated machine is slow, and limits are tested where they are the subject
	h, err := New(context.Background(), Config{NoCache: true, Isolate: testIsolate(), Limits: Limits{
		Describe: patient, Configure: patient, Plan: patient, Loaded: patient, Started: patient,
		Events: patient, Tick: patient, Stop: patient,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// describe adds a bpfhost_describe that says a name, parameters (name, type, default) and requests.
func (w *wasmGuest) describe(name string, params [][3]string, requests ...string) *wasmGuest {
	prop := func(p abi.Prop) []byte { return i32(int64(p)) }
	code := [][]byte{
		w.must(0, 0, "self"),
		w.must(0, -1, "set_b", local(0), prop(abi.PropPluginName), w.text(name)),
		w.must(0, -1, "set_b", local(0), prop(abi.PropPluginVersion), w.text("1.0")),
	}
	for _, p := range params {
		typ := map[string]uint32{"string": uint32(abi.ParamString), "u64": uint32(abi.ParamU64), "bool": uint32(abi.ParamBool)}[p[1]]
		code = append(code,
			w.must(0, 1, "add", local(0), i32(int64(abi.KindParam)), w.text(p[0])),
			w.must(0, -1, "set_u", local(1), prop(abi.PropParamType), i64(int64(typ))))
		if p[2] == "required" {
			code = append(code, w.must(0, -1, "set_u", local(1), prop(abi.PropParamRequired), i64(1)))
		} else {
			code = append(code, w.must(0, -1, "set_b", local(1), prop(abi.PropParamDefault), w.text(p[2])))
		}
	}
	for _, want := range requests {
		code = append(code, w.must(0, -1, "add", local(0), i32(int64(abi.KindRequest)), w.text(want)))
	}
	return w.hook("bpfhost_describe", "", code...)
}

// builder is a guest that makes a counting XDP program from nothing.
func builder() *wasmGuest {
	w := newWasmGuest()
	w.describe("counter", [][3]string{{"iface", "string", "veth0"}, {"limit", "u64", "10"}},
		"program xdp", "map array", "map ringbuf", "helper bpf_map_lookup_elem", "attach xdp:*", "map-rw counts")
	prop := func(p abi.Prop) []byte { return i32(int64(p)) }
	return w.hook("bpfhost_plan", "",
		w.must(0, 0, "object_new", w.text("counter")),
		w.must(0, -1, "set_b", local(0), prop(abi.PropObjectLicense), w.text("Dual MIT/GPL")),
		w.must(0, 1, "add", local(0), i32(int64(abi.KindMap)), w.text("counts")),
		w.must(0, -1, "set_u", local(1), prop(abi.PropMapType), i64(int64(spec.MapArray))),
		w.must(0, -1, "set_u", local(1), prop(abi.PropMapKeySize), i64(4)),
		w.must(0, -1, "set_u", local(1), prop(abi.PropMapValueSize), i64(8)),
		w.must(0, -1, "set_u", local(1), prop(abi.PropMapMaxEntries), i64(1)),
		w.must(0, 2, "add", local(0), i32(int64(abi.KindProgram)), w.text("count")),
		w.must(0, -1, "set_u", local(2), prop(abi.PropProgramType), i64(int64(spec.ProgramXDP))),
		w.must(0, -1, "insn_asm", local(2), i32(0), i32(0), w.text(countText)),
		w.must(0, 3, "attach_add", local(2), i32(int64(abi.AttachXDP))),
		w.must(0, -1, "cfg_get", w.text("iface"), i32(512), i32(64)),
		w.must(0, -1, "set_b", local(3), prop(abi.PropAttachTarget), i32(512), local(7)),
		w.must(0, -1, "plan_note", local(2), i32(int64(abi.NoteWarn)), w.text("counts\x1b[2J\nPlan: allowed")),
	)
}

// countText is the program of builder.
const countText = `.func count
	*(u32 *)(r10 - 4) = 0
	r1 = map[counts] ll
	r2 = r10
	r2 += -4
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = 1
	lock *(u64 *)(r0 + 0) += r1
out:
	r0 = 2
	exit
`

// planText is the text of a plan without hashes.
func planText(t *testing.T, made *plan.Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := made.WriteText(&b, plan.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	hash := made.Plugin.SHA256
	return strings.ReplaceAll(strings.ReplaceAll(b.String(), hash, "HASH64"), hash[:12], "HASH")
}

// planOf opens a guest and has it plan.
func planOf(t *testing.T, w *wasmGuest, o PluginOptions) (*plan.Plan, error) {
	t.Helper()
	p, err := newHost(t).Open(context.Background(), w.bytes(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p.Plan(context.Background())
}

const builtPlan = `counter 1.0  abi 1.0  sha256 HASH  (policy: built-in default)

object counter, built by counter, license Dual MIT/GPL
  + map   counts  array  key 4 value 8 max 1  320 B
  + prog  count   xdp    10 insns
  + link  count   xdp:eth9

  count
           count:
   +     0  *(u32 *)(r10 - 4) = 0
   +     1  r1 = map[counts] ll
   +     2  r2 = r10
   +     3  r2 += -4
   +     4  call bpf_map_lookup_elem#1
   +     5  if r0 == 0 goto out
   +     6  r1 = 1
   +     7  lock *(u64 *)(r0 + 0) += r1
          out:
   +     8  r0 = 2
   +     9  exit

note by counter (warn): program count: counts\x1b[2J\nPlan: allowed

Needs: kernel 5.10, CAP_BPF + CAP_NET_ADMIN, kernel BTF: no.
At run time the plugin may run a timer; read and write map counts.
Policy: built-in default allows it:
  allowed  any plugin          plugin counter
  allowed  any module          module HASH64
  allowed  allow program *     program xdp
  allowed  allow helper *      helper bpf_map_lookup_elem
  allowed  allow map *         map array
  allowed  allow map-rw *      map-rw counts
  allowed  allow attach xdp:*  attach xdp:eth9

Plan: 2 to create, 0 to patch, 1 to attach. Nothing is loaded yet.
`

func TestPlanBuilt(t *testing.T) {
	made, err := planOf(t, builder(), PluginOptions{Params: map[string]string{"iface": "eth9"}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(builtPlan, planText(t, made)); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
	if s := made.Summary(); s != (plan.Summary{Create: 2, Attach: 1}) {
		t.Errorf("summary %+v", s)
	}
}

// patcher is a guest that patches the test object.
func patcher(more ...string) *wasmGuest {
	w := newWasmGuest()
	requests := []string{"object edit", "program xdp", "map *", "helper bpf_get_smp_processor_id", "attach xdp:*"}
	w.describe("patcher", nil, append(requests, more...)...)
	return w.hook("bpfhost_plan", "",
		w.must(0, 0, "object_open", w.text("drops")),
		w.must(0, 1, "find", local(0), i32(int64(abi.KindProgram)), w.text("count_drops")),
		w.must(0, -1, "insn_asm", local(1), i32(2), i32(0), w.text("call bpf_get_smp_processor_id\nif r0 == 7 goto L1")),
		w.must(0, 2, "find", local(0), i32(int64(abi.KindMap)), w.text("blocked")),
		w.must(0, -1, "set_u", local(2), i32(int64(abi.PropMapMaxEntries)), i64(4096)),
		w.must(0, 3, "find", local(0), i32(int64(abi.KindVar)), w.text("limit")),
		w.must(0, -1, "var_write", local(3), i32(0), w.text("\x2a\x00\x00\x00")),
	)
}

// patchPlan runs a guest on the test object, which no ELF file is needed for.
func patchPlan(t *testing.T, w *wasmGuest, o PluginOptions) (*plan.Plan, *Plugin, error) {
	t.Helper()
	p, err := newHost(t).Open(context.Background(), w.bytes(), o)
	if err != nil {
		t.Fatal(err)
	}
	p.inputs = []tx.Input{{Name: "drops", Source: "drops.bpf.o", SHA256: strings.Repeat("ab", 32), Collection: backendtest.Collection()}}
	made, err := p.Plan(context.Background())
	return made, p, err
}

const patchedPlan = `patcher 1.0  abi 1.0  sha256 HASH  (policy: built-in default)

object drops, from drops.bpf.o, license GPL
  ~ map   blocked      hash     key 4 value 8 max 4096  321 KiB  max_entries 1024 -> 4096
  + map   .rodata      array    key 4 value 16 max 1    328 B
  ~ var   limit        .rodata  value 0 -> 42
  ~ prog  count_drops  xdp      6 -> 8 insns            patched by patcher
  + link  count_drops  xdp:eth0

  count_drops
           count_drops:
         0  r1 = *(u32 *)(r1 + 0)                       ; drops.bpf.c:38  reason = ctx->reason;
         1  if r1 == 0 goto L1
   +     2  call bpf_get_smp_processor_id#8             ; patcher
   +     3  if r0 == 7 goto L1                          ; patcher
         4  r0 = 1
         5  exit
          L1:
         6  r0 = 2

Needs: kernel 5.10, CAP_BPF + CAP_NET_ADMIN, kernel BTF: yes.
At run time the plugin may run a timer.
Policy: built-in default allows it:
  allowed  any plugin           plugin patcher
  allowed  any module           module HASH64
  allowed  allow object *       object drops.bpf.o
  allowed  allow object edit *  object edit drops.bpf.o
  allowed  allow program *      program xdp
  allowed  allow helper *       helper bpf_get_smp_processor_id
  allowed  allow map *          map hash, map array
  allowed  allow attach xdp:*   attach xdp:eth0

Plan: 1 to create, 3 to patch, 1 to attach. Nothing is loaded yet.
`

func TestPlanPatched(t *testing.T) {
	made, p, err := patchPlan(t, patcher(), PluginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(patchedPlan, planText(t, made)); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
	want := plan.Edit{
		Owner: "patcher", Object: "drops", Kind: "program", Name: "count_drops", What: "insns",
		Insns: &plan.InsnRange{At: 2, Inserted: 2}, Old: "nothing", New: "2 at 2",
	}
	if d := cmp.Diff(want, made.Edits[0]); d != "" {
		t.Errorf("the log (-want +got):\n%s", d)
	}
	if d := cmp.Diff(backendtest.Collection().Programs, p.inputs[0].Collection.Programs); d != "" {
		t.Errorf("the operator's object was changed:\n%s", d)
	}
}

// The same plugin, object, parameters and policy result in the same plan, byte for byte.
func TestPlanDeterministic(t *testing.T) {
	var texts, docs []string
	for range 3 {
		made, _, err := patchPlan(t, patcher(), PluginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := made.WriteText(&b, plan.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		texts, docs = append(texts, b.String()), append(docs, string(doc))
	}
	if texts[0] != texts[1] || texts[1] != texts[2] || docs[0] != docs[1] || docs[1] != docs[2] {
		t.Errorf("three plans differ: %v, %v", cmp.Diff(texts[0], texts[1]), cmp.Diff(docs[0], docs[1]))
	}
}

func TestPlanJSON(t *testing.T) {
	made, _, err := patchPlan(t, patcher(), PluginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Schema      string
		Policy      string
		Allowed     bool
		Collections []struct {
			Name, Source string
			Programs     []struct {
				Name, Type, Change string
				Insns              int
			}
			Changes []struct {
				Op, Kind, Name string
				Props          []struct{ Name, Old, New string }
				Hunks          []struct {
					Lines []struct{ Op, Text, By string }
				}
			}
			Attach []struct{ Program, Kind, Target string }
		}
		Decisions []struct {
			Access, Rule, Policy string
			Allowed              bool
		}
		Edits        []struct{ Object, Kind, Name, What, Old, New string }
		Requirements struct{ Kernel string }
		Summary      plan.Summary
	}
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != "bpfhost.plan/v1" || !got.Allowed || got.Summary.Patch != 3 || got.Requirements.Kernel != "5.10" || len(got.Edits) != 3 {
		t.Errorf("%s", doc)
	}
	c := got.Collections[0]
	if c.Source != "drops.bpf.o" || c.Programs[0].Change != "change" || c.Programs[0].Insns != 8 || c.Attach[0].Target != "eth0" {
		t.Errorf("collection %+v", c)
	}
	by := 0
	for _, ch := range c.Changes {
		for _, h := range ch.Hunks {
			for _, l := range h.Lines {
				if l.By == "patcher" && l.Op == "+" {
					by++
				}
			}
		}
	}
	if by != 2 {
		t.Errorf("%d lines are by the plugin, want 2", by)
	}
}

// TestPlanDenied holds that a policy that denies returns the plan with its decisions, and an error;
// it cannot be applied.
func TestPlanDenied(t *testing.T) {
	text := "objects: {\"*\": {edit: true}}\nprograms:\n  types: [xdp]\n  helpers: [\"*\"]\nmaps: {types: [\"*\"]}\nattach: {xdp: [\"veth*\"]}\n"
	made, p, err := patchPlan(t, patcher(), PluginOptions{Policy: denying(t, text)})
	var denied *policy.Error
	if !errors.As(err, &denied) || denied.Line != 6 || made == nil {
		t.Fatalf("plan %v, error %v; want a plan and a denial by line 6", made, err)
	}
	if strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("the error is not one line: %q", err)
	}
	var b bytes.Buffer
	if err := made.WriteText(&b, plan.TextOptions{NoInsns: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "Policy: test.yaml denies it:\n  denied   line 6: no rule for attach xdp") {
		t.Errorf("text:\n%s", b.String())
	}
	if run, err := p.Apply(context.Background(), made); run != nil || !errors.As(err, &denied) {
		t.Errorf("apply = %v, %v; want the denial", run, err)
	}
}

// A plugin that gives up at the first refusal leaves a plan with all of them, which cannot be applied.
// What it says is written once.
func TestPlanDeniedEarly(t *testing.T) {
	var out, log bytes.Buffer
	w := patcher()
	made, p, err := patchPlan(t, w, PluginOptions{Policy: denying(t, "programs: {types: [xdp]}"), Stderr: &out, Stdout: &log})
	var denied *policy.Error
	if made == nil || !errors.As(err, &denied) || denied.Access != "object edit drops.bpf.o" {
		t.Fatalf("plan %v, error %v; want a plan and a denial", made, err)
	}
	if want := "plugin patcher: policy test.yaml denies object edit drops.bpf.o: objects grants no edit (and 4 more)"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	var refused []string
	for _, d := range made.Decisions {
		if !d.Allowed {
			refused = append(refused, d.Access)
		}
	}
	want := []string{
		"object edit drops.bpf.o", "helper bpf_get_smp_processor_id (insn 2 of count_drops)", "map hash (map blocked)",
		"map array (map .rodata)", "attach xdp:eth0 (program count_drops)",
	}
	if d := cmp.Diff(want, refused); d != "" {
		t.Error(d)
	}
	if run, err := p.Apply(context.Background(), made); run != nil || !errors.As(err, &denied) {
		t.Errorf("apply = %v, %v; want the denial", run, err)
	}
}

// What a plugin was refused on the way is in the plan though nothing of it is left in the end; such a
// plan cannot be applied either.
func TestPlanDeniedOnTheWay(t *testing.T) {
	h := newHost(t)
	code := guest.Go{Hooks: map[string]guest.GoHook{
		"bpfhost_plan": func(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
			o := f.ObjectNew([]byte("o"))
			p := f.Add(uint32(o), abi.KindProgram, []byte("p"))
			if rc := f.SetU(uint32(p), abi.PropProgramType, uint64(spec.ProgramXDP)); rc < 0 {
				return rc, nil
			}
			return f.Remove(uint32(p)), nil
		},
	}}
	p, err := h.newPlugin(goInfo, PluginOptions{}).open(context.Background(), code)
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.Plan(context.Background())
	var denied *policy.Error
	if made == nil || !errors.As(err, &denied) || denied.Access != "program xdp" {
		t.Fatalf("plan %v, error %v; want a denial of program xdp", made, err)
	}
	if run, err := p.Apply(context.Background(), made); run != nil || !errors.As(err, &denied) {
		t.Errorf("apply = %v, %v; want the denial", run, err)
	}
}

// A plugin that asks to use a map at run time is denied by its plan, not by its first call.
func TestPlanDeniedRuntime(t *testing.T) {
	rules := "objects: {\"*\": {edit: true}}\nprograms: {types: [xdp], helpers: [\"*\"]}\nattach: {xdp: [\"*\"]}\n"
	for rule, want := range map[string]string{
		"maps: {types: [\"*\"]}":                        "map-rw blocked (at run time)",
		"maps: {types: [\"*\"], runtime_rw: [blocked]}": "",
	} {
		made, _, err := patchPlan(t, patcher("map-rw blocked"), PluginOptions{Policy: denying(t, rules+rule)})
		var denied *policy.Error
		if got := errors.As(err, &denied); got != (want != "") || got && denied.Access != want {
			t.Errorf("%s: %v, want %q", rule, err, want)
		}
		if made == nil || (want == "") != (len(made.Runtime().Maps) == 1) {
			t.Errorf("%s: the plan is %+v", rule, made)
		}
	}
}

// An object that makes no sense is not the plugin's fault if it came like that.
func TestPlanInvalidObject(t *testing.T) {
	w := newWasmGuest("self").hook("bpfhost_plan", "")
	p, err := newHost(t).Open(context.Background(), w.bytes(), PluginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := backendtest.Collection()
	c.Programs[0].Type = spec.ProgramUnspec
	p.inputs = []tx.Input{{Name: "drops", Source: "drops.o", Collection: c}}
	_, err = p.Plan(context.Background())
	var fault *spec.CheckError
	if !errors.Is(err, ErrInput) || !strings.HasPrefix(err.Error(), "object drops.o: ") || !errors.As(err, &fault) || fault.Name != "count_drops" {
		t.Errorf("error %v, want that the object is rejected for its program", err)
	}
}

// Of an object that made no sense as it came, what the plugin broke besides is the plugin's fault;
// a relocation that cannot be read is the object's.
func TestPlanInvalidSince(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(c *spec.Collection)
		add  bool // the plugin adds a program without type
		want string
	}{
		{"both", func(c *spec.Collection) { c.Programs[0].Type = spec.ProgramUnspec }, true,
			`plugin self: bpfhost_plan: object drops: check program "p": it has no type`},
		{"relocation", func(c *spec.Collection) {}, false, "object drops.o: compute CO-RE relocations: the collection has no types"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWasmGuest().describe("self", nil, "object edit", "program *")
			code := w.must(0, 0, "object_open", w.text("drops"))
			if tt.add {
				code = append(code, w.must(0, -1, "add", local(0), i32(int64(abi.KindProgram)), w.text("p"))...)
			}
			w.hook("bpfhost_plan", "", code)
			h, err := New(context.Background(), Config{NoCache: true, Isolate: testIsolate(), CoreTypes: coreTypes(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			p, err := h.Open(context.Background(), w.bytes(), PluginOptions{})
			if err != nil {
				t.Fatal(err)
			}
			c := backendtest.Collection()
			tt.make(c)
			p.inputs = []tx.Input{{Name: "drops", Source: "drops.o", Collection: c}}
			if _, err := p.Plan(context.Background()); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// coreTypes are types of a kernel that CO-RE can be computed for.
func coreTypes(t *testing.T) *btf.Types {
	var b btf.Builder
	b.Add(&btf.Int{Name: "int", Size: 4})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// TestPlanIdle plans an object with an optional program that could not be loaded: it matters only
// once something attaches it.
func TestPlanIdle(t *testing.T) {
	for _, attached := range []bool{false, true} {
		p, err := newHost(t).Open(context.Background(), newWasmGuest().describe("self", nil).hook("bpfhost_plan", "").bytes(), PluginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c := backendtest.Collection()
		c.Attach = nil
		c.Programs = append(c.Programs, &spec.Program{Name: "spare", Section: "?mylib", Optional: true, Insns: spec.NewInsns(
			spec.Insn{Insn: asm.Call(asm.HelperOverrideReturn), Core: &btf.CoreRelo{Type: 99, Access: "x"}})})
		if attached {
			c.Attach = []spec.Attach{{Program: "spare", Kind: spec.HookXDP, Target: "eth0"}}
		}
		p.inputs = []tx.Input{{Name: "drops", Source: "drops.o", Collection: c}}
		made, err := p.Plan(context.Background())
		const fault = `check program "spare": it has no type: section "?mylib" names none`
		if attached {
			if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), fault) {
				t.Errorf("attached: %v", err)
			}
			continue
		}
		if made == nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := made.WriteText(&b, plan.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		text := b.String()
		if !strings.Contains(text, "  not loaded, and could not be: "+fault+"\n") || !strings.Contains(text, "    prog  spare        unspec  1 insns                 not loaded: nothing attaches it\n") ||
			!strings.Contains(text, "Plan: 3 to create, 0") {
			t.Errorf("the plan is\n%s", text)
		}
		if !strings.Contains(string(doc), `"unfit":[{"object":"program","name":"spare","insn":-1,`) {
			t.Errorf("the plan is %s", doc)
		}
		for _, d := range made.Decisions {
			if strings.Contains(d.Access, "override_return") {
				t.Errorf("evaluated: %+v", d)
			}
		}
	}
}

// What a plugin does without having declared it is denied, whatever the policy grants.
func TestPlanUnrequested(t *testing.T) {
	w := newWasmGuest()
	w.describe("sneaky", nil, "program xdp", "attach xdp:*", "object edit")
	w.hook("bpfhost_plan", "", w.must(0, 0, "object_open", w.text("drops")))
	_, _, err := patchPlan(t, w, PluginOptions{})
	var denied *policy.Error
	if !errors.As(err, &denied) || denied.Rule != policy.Unrequested {
		t.Errorf("error %v, want a map that was not requested", err)
	}
}

// A plugin that fails in whatever way leaves no plan, and says where and why in one line.
func TestPlanFails(t *testing.T) {
	plan := func(code ...[]byte) func(*wasmGuest) {
		return func(w *wasmGuest) { w.hook("bpfhost_plan", "", code...) }
	}
	for _, tt := range []struct {
		name string
		do   func(w *wasmGuest)
		kind PluginErrorKind // empty for a limit
		want string
	}{
		{"returns an error", plan(i32(-5), wasmtest.Return), PluginFailed, "plugin bad: bpfhost_plan: returned -5 (NOENT: there is no such thing)"},
		{"returns no code", plan(i32(math.MinInt32), wasmtest.Return), PluginFailed, "plugin bad: bpfhost_plan: returned -2147483648 (unknown error)"},
		{"hands on what failed", func(w *wasmGuest) {
			w.hook("bpfhost_plan", "", w.must(0, 0, "object_open", w.text("no\tpe"[:2])))
		}, PluginFailed, `plugin bad: bpfhost_plan: returned -5 (object_open: there is no object "no"; the operator names objects with --object)`},
		{"traps", plan(wasmtest.Unreachable), PluginTrap, "plugin bad: bpfhost_plan: trapped: unreachable"},
		{"loops", plan(wasmtest.Loop), "", "plugin bad: bpfhost_plan: wall time limit of 300ms reached; the plugin was stopped"},
		{"wrong phase", func(w *wasmGuest) {
			w.hook("bpfhost_plan", "", w.must(0, 0, "map_open", w.text("m")))
		}, PluginFailed, "plugin bad: bpfhost_plan: returned -8 (map_open: map_open may not be called in phase plan)"},
		{"bad pointer", func(w *wasmGuest) {
			w.hook("bpfhost_plan", "", w.must(0, 0, "object_open", i32(-16), i32(64)))
		}, PluginFailed, "plugin bad: bpfhost_plan: returned -2 (object_open: FAULT: a pointer and length are not in the guest's memory)"},
		{"bad pointers for ever", func(w *wasmGuest) {
			w.hook("bpfhost_plan", "", []byte{0x03, 0x40}, w.call("object_open", i32(-16), i32(64)), wasmtest.Drop, []byte{0x0c, 0x00, 0x0b})
		}, "", "plugin bad: bpfhost_plan: bad pointers limit of 1000 reached; the plugin was stopped"},
		{"plans nonsense", func(w *wasmGuest) {
			w.hook("bpfhost_plan", "", w.must(0, 0, "object_new", w.text("o")), w.must(0, -1, "add", local(0), i32(int64(abi.KindProgram)), w.text("p")))
		}, PluginInvalid, `plugin bad: bpfhost_plan: object o: check program "p": it has no type`},
		{"fails to configure", func(w *wasmGuest) { w.hook("bpfhost_configure", "", i32(-1), wasmtest.Return) }, PluginFailed,
			"plugin bad: bpfhost_configure: returned -1 (INVAL: an argument is not allowed)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWasmGuest().describe("bad", nil)
			tt.do(w)
			h, err := New(context.Background(), Config{NoCache: true, Isolate: testIsolate(), Limits: Limits{Plan: 300 * 1e6}})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			p, err := h.Open(context.Background(), w.bytes(), PluginOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Plan(context.Background())
			if got != nil || err == nil || err.Error() != tt.want {
				t.Fatalf("plan %v, error %v\nwant error %s", got, err, tt.want)
			}
			var failed *PluginError
			var limit *LimitError
			if tt.kind == "" && !errors.As(err, &limit) || tt.kind != "" && (!errors.As(err, &failed) || failed.Kind != tt.kind) {
				t.Errorf("the error is a %T of kind %v", err, failed)
			}
		})
	}
}

func TestPlanCanceled(t *testing.T) {
	w := newWasmGuest().describe("slow", nil)
	w.hook("bpfhost_plan", "", wasmtest.Loop)
	p, err := newHost(t).Open(context.Background(), w.bytes(), PluginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("operator pressed Ctrl-C")
	stop := context.AfterFunc(ctx, func() {})
	defer stop()
	go cancel(cause)
	if _, err := p.Plan(ctx); !errors.Is(err, cause) {
		t.Errorf("error %v, want the cause of the context", err)
	}
	if _, err := p.Plan(context.Background()); err == nil {
		t.Error("a plugin planned twice")
	}
}

// A plugin applies a plan that its module made, after it has planned itself, and no other.
func TestApplyRefuses(t *testing.T) {
	made, err := planOf(t, builder(), PluginOptions{Params: map[string]string{"iface": "eth9"}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newHost(t).Open(context.Background(), newWasmGuest().describe("other", nil).bytes(), PluginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if run, err := p.Apply(context.Background(), made); run != nil || !errors.Is(err, errNoPlan) {
		t.Errorf("before it planned: %v, %v", run, err)
	}
	if _, err := p.Plan(context.Background()); err != nil {
		t.Fatal(err)
	}
	if run, err := p.Apply(context.Background(), made); run != nil || !errors.Is(err, errNotOwner) {
		t.Errorf("the plan of another: %v, %v", run, err)
	}
}
