package host

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
	"github.com/google/go-cmp/cmp"
)

// Closing a plugin from elsewhere ends what it is doing.
func TestCloseWhilePlanning(t *testing.T) {
	w := newWasmGuest("log")
	w.hook("bpfhost_plan", "", w.call("log", i32(int64(abi.LogInfo)), w.text("planning")), wasmtest.Drop, wasmtest.Loop)
	p, err := newHost(t).Open(context.Background(), w.bytes(), PluginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	planning := make(chan bool)
	done := make(chan error)
	go func() {
		close(planning)
		_, err := p.Plan(context.Background())
		done <- err
	}()
	<-planning
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	var failed *PluginError
	if err := <-done; !errors.As(err, &failed) || failed.Kind != PluginUnusable {
		t.Errorf("plan: %v, want a plugin that is closed", err)
	}
}

func TestOpenRejects(t *testing.T) {
	h := newHost(t)
	unknown := newWasmGuest("self")
	unknown.extra = []string{"from_the_future"}
	old := newWasmGuest("self")
	old.version = 2 << 16
	newer := newWasmGuest("self")
	newer.version = int32(abi.Current) + 1
	for _, tt := range []struct {
		name  string
		wasm  []byte
		o     PluginOptions
		input bool
		want  string
	}{
		{"empty", nil, PluginOptions{Name: "x.wasm"}, true, "plugin x.wasm: this is an empty file, not a WebAssembly module"},
		{"PNG", []byte("\x89PNG\r\n\x1a\n"), PluginOptions{}, true, "plugin plugin: this is a PNG image, not a WebAssembly module"},
		{"object", []byte("\x7fELF"), PluginOptions{}, true, "plugin plugin: this is an ELF file, not a WebAssembly module"},
		{"unknown", []byte("\x01\x02\x03\x04"), PluginOptions{}, true, "plugin plugin: not a WebAssembly module: it starts with 01020304"},
		{"truncated", builder().bytes()[:200], PluginOptions{}, true, "plugin plugin: "},
		{"unknown function", unknown.bytes(), PluginOptions{}, true, "bpfhost_v1.from_the_future"},
		{"other major version", old.bytes(), PluginOptions{}, false, "plugin plugin: bpfhost_abi: built for ABI 2.0, this host has 1.0"},
		{"newer minor version", newer.bytes(), PluginOptions{}, false, "built for ABI 1.1"},
		{"object is gzip", builder().bytes(), PluginOptions{Objects: []Object{{"d/x.o", []byte("\x1f\x8b\x08\x00")}}}, true, "object d/x.o: "},
		{"bad default", newWasmGuest().describe("d", [][3]string{{"n", "u64", "many"}}).bytes(), PluginOptions{}, false,
			`plugin d: bpfhost_describe: the default of parameter "n" is "many", not a number`},
	} {
		p, err := h.Open(context.Background(), tt.wasm, tt.o)
		if err == nil {
			p.Close()
			t.Errorf("%s: opened", tt.name)
			continue
		}
		if errors.Is(err, ErrInput) != tt.input || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q (input %v), want %q (input %v)", tt.name, err, errors.Is(err, ErrInput), tt.want, tt.input)
		}
	}
	if n := len(h.plugins); n != 0 {
		t.Errorf("%d plugins are open after failures", n)
	}
}

func TestParams(t *testing.T) {
	params := [][3]string{{"n", "u64", "10"}, {"on", "bool", "true"}, {"must", "string", "required"}}
	for _, tt := range []struct {
		name  string
		given map[string]string
		want  string
	}{
		{"missing", nil, `plugin p: parameter "must" is missing; give it with --set must=VALUE`},
		{"unknown", map[string]string{"must": "x", "m": "y"}, `plugin p: parameter "m" is unknown; the plugin takes n, on, must`},
		{"no number", map[string]string{"must": "x", "n": "-1"}, `plugin p: parameter "n" is "-1", not a number from 0 to 18446744073709551615 (0x… is hexadecimal)`},
		{"no bool", map[string]string{"must": "x", "on": "yes"}, `plugin p: parameter "on" is "yes", neither true nor false`},
		{"good", map[string]string{"must": "x", "n": "0x10"}, ""},
	} {
		w := newWasmGuest().describe("p", params)
		_, err := planOf(t, w, PluginOptions{Params: tt.given})
		var bad *ParamError
		if tt.want == "" && err != nil || tt.want != "" && (!errors.As(err, &bad) || err.Error() != tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestInfo(t *testing.T) {
	p, err := newHost(t).Open(context.Background(), builder().bytes(), PluginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	i := p.Info()
	if i.Name != "counter" || i.Version != "1.0" || i.ABIMajor != 1 || len(i.Params) != 2 || i.Params[1] != (Param{Name: "limit", Type: ParamU64, Default: "10"}) ||
		!slices.Contains(i.Requests, "program xdp") || len(i.SHA256) != 64 {
		t.Errorf("info %+v", i)
	}
	if got := strings.Join(i.Hooks, " "); got != "bpfhost_abi bpfhost_describe bpfhost_plan" {
		t.Errorf("hooks %s", got)
	}
	if len(i.Imports) != len(abi.Funcs()) || i.Imports[0] != "bpfhost_v1."+abi.Funcs()[0].Name {
		t.Errorf("imports %v", i.Imports)
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	if _, err := p.Plan(context.Background()); err == nil {
		t.Error("a closed plugin planned")
	}
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

// goBuilder is what builder is, in Go. Hook "test" has a handle of the plan that is over.
func goBuilder() guest.Go {
	var object, failed int32
	do := func(rc int32) uint32 { // the first call that fails is the hook's failure
		if failed == 0 && rc < 0 {
			failed = rc
		}
		return uint32(rc)
	}
	number := func(f guest.Functions, h uint32, p abi.Prop, v uint64) { do(f.SetU(h, p, v)) }
	text := func(f guest.Functions, h uint32, p abi.Prop, v string) { do(f.SetB(h, p, []byte(v))) }
	return guest.Go{Hooks: map[string]guest.GoHook{
		"bpfhost_describe": func(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
			self := do(f.Self())
			text(f, self, abi.PropPluginName, "counter")
			text(f, self, abi.PropPluginVersion, "1.0")
			for name, typ := range map[string]uint64{"iface": uint64(abi.ParamString), "limit": uint64(abi.ParamU64)} {
				number(f, do(f.Add(self, abi.KindParam, []byte(name))), abi.PropParamType, typ)
			}
			for _, r := range []string{"program xdp", "map array", "helper bpf_map_lookup_elem", "attach xdp:*", "map-rw counts"} {
				do(f.Add(self, abi.KindRequest, []byte(r)))
			}
			return failed, nil
		},
		"bpfhost_plan": func(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
			object = f.ObjectNew([]byte("counter"))
			text(f, do(object), abi.PropObjectLicense, "Dual MIT/GPL")
			counts := do(f.Add(uint32(object), abi.KindMap, []byte("counts")))
			for p, v := range map[abi.Prop]uint64{abi.PropMapType: uint64(spec.MapArray), abi.PropMapKeySize: 4, abi.PropMapValueSize: 8, abi.PropMapMaxEntries: 1} {
				number(f, counts, p, v)
			}
			prog := do(f.Add(uint32(object), abi.KindProgram, []byte("count")))
			number(f, prog, abi.PropProgramType, uint64(spec.ProgramXDP))
			do(f.InsnAsm(prog, 0, 0, []byte(countText)))
			iface := make([]byte, 64)
			n := do(f.CfgGet([]byte("iface"), iface))
			text(f, do(f.AttachAdd(prog, abi.AttachXDP)), abi.PropAttachTarget, string(iface[:n]))
			do(f.PlanNote(prog, abi.NoteWarn, []byte("counts\x1b[2J\nPlan: allowed")))
			return failed, nil
		},
		"test": func(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
			return f.HandleKind(uint32(object)), nil
		},
	}}
}

// A plugin in Go is one like any other: the plan of the same plugin in WebAssembly is the same, and
// so are its rights.
func TestGoPlugin(t *testing.T) {
	open := func(o PluginOptions) *Plugin {
		t.Helper()
		o.Params = map[string]string{"iface": "eth9"}
		p, err := newHost(t).newPlugin(goInfo, o).open(context.Background(), goBuilder())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := open(PluginOptions{})
	made, err := p.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(builtPlan, planText(t, made)); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
	if rc, err := p.in.Call(context.Background(), "test", time.Minute); rc != -int32(abi.ErrBadh) || err != nil {
		t.Errorf("a handle after the plan: %d, %v; want that it is stale", rc, err)
	}
	var denied *policy.Error
	if _, err := open(PluginOptions{Policy: denying(t, "maps: {types: [array]}")}).Plan(context.Background()); !errors.As(err, &denied) {
		t.Errorf("without the right to load programs: %v", err)
	}
}
