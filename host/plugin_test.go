package host

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
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
		{"empty", nil, PluginOptions{Name: "x.wasm"}, true, "plugin x.wasm: "},
		{"PNG", []byte("\x89PNG\r\n\x1a\n"), PluginOptions{}, true, "plugin plugin: "},
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
