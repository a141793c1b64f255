package host

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/policy"
)

// What a plugin asks for on the way and does not plan in the end is in the policy too: without it the
// plugin would be refused there.
func TestSuggest(t *testing.T) {
	prop := func(p abi.Prop) []byte { return i32(int64(p)) }
	w := newWasmGuest()
	w.describe("wavers", nil, "program *", "helper *", "map *")
	w.hook("bpfhost_plan", "",
		w.must(0, 0, "object_new", w.text("o")),
		w.must(0, 1, "add", local(0), i32(int64(abi.KindProgram)), w.text("p")),
		w.must(0, -1, "set_u", local(1), prop(abi.PropProgramType), i64(int64(spec.ProgramTracepoint))),
		w.must(0, -1, "set_u", local(1), prop(abi.PropProgramType), i64(int64(spec.ProgramXDP))),
		w.must(0, -1, "insn_asm", local(1), i32(0), i32(0), w.text("call bpf_ktime_get_ns\nr0 = 2\nexit")),
		w.must(0, -1, "insn_asm", local(1), i32(0), i32(1), w.text("call bpf_get_prandom_u32")),
	)
	open := func(p *policy.Policy) *Plugin {
		t.Helper()
		plugin, err := newHost(t).Open(context.Background(), w.bytes(), PluginOptions{Policy: p})
		if err != nil {
			t.Fatal(err)
		}
		return plugin
	}
	nothing := denying(t, "{}")
	p := open(nothing)
	s, made, err := p.Suggest(context.Background())
	if err != nil || s.Err() != nil || made == nil {
		t.Fatal(err, s.Err())
	}
	for _, line := range []string{
		"    - xdp                  # program p\n", "    - tracepoint           # while it plans\n",
		"    - bpf_get_prandom_u32  # insn 0 of p\n", "    - bpf_ktime_get_ns     # while it plans\n",
	} {
		if !strings.Contains(s.Text, line) {
			t.Errorf("%q is not in\n%s", line, s.Text)
		}
	}
	if _, err := p.Apply(context.Background(), made); !errors.Is(err, errSuggested) {
		t.Errorf("apply: %v", err)
	}
	if _, _, err := p.Suggest(context.Background()); err == nil || !strings.Contains(err.Error(), "it has planned already") {
		t.Errorf("second time: %v", err)
	}
	if _, err := open(denying(t, s.Text)).Plan(context.Background()); err != nil {
		t.Errorf("with the policy: %v", err)
	}
	for _, line := range strings.Split(s.Text, "\n") {
		if !strings.Contains(line, "- ") {
			continue
		}
		var denied *policy.Error
		less := denying(t, strings.Replace(s.Text, line+"\n", "", 1))
		if _, err := open(less).Plan(context.Background()); !errors.As(err, &denied) {
			t.Errorf("without %q: %v", line, err)
		}
	}
}
