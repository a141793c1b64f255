package plan

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// judged returns the diagnostics of a plan that makes a program, or an operator's program another.
func judged(t *testing.T, before, after string) *Plan {
	t.Helper()
	made := func(text string) *spec.Collection {
		if text == "" {
			return nil
		}
		l, err := asm.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p := &spec.Program{Name: "p", Type: spec.ProgramXDP, Insns: spec.NewInsns(l.Insns...)}
		return &spec.Collection{License: "GPL", Programs: []*spec.Program{p}}
	}
	o := Object{Name: "o", Before: made(before), After: made(after)}
	if before != "" {
		o.Source = "o.bpf.o"
	}
	if err := o.Complete(nil); err != nil {
		t.Fatal(err)
	}
	p := &Plan{Plugin: Info{Name: "guard"}, Objects: []Object{o}}
	p.Diagnose()
	return p
}

func TestDiagnoseAuthor(t *testing.T) {
	for _, tt := range []struct{ name, before, after, want string }{
		{"right", "r0 = 2\nexit", "r0 = 1\nexit", ""},
		{"built", "", "r0 = 2", `object o: program "p": instruction 0: control runs past the end of the function; written by plugin guard`},
		{"the object", "r0 = r5\nexit", "r0 = r5\nexit", `object o: program "p": instruction 0: read of a register that has no value: r5; written by o.bpf.o`},
		{"the object, moved", "r0 = r5\nexit", "r3 = 1\nr0 = r5\nexit",
			`object o: program "p": instruction 1: read of a register that has no value: r5; written by o.bpf.o`},
		{"an instruction of the plugin", "r0 = 2\nexit", "r0 = r5\nexit",
			`object o: program "p": instruction 0: read of a register that has no value: r5; written by plugin guard`},
		{"what the plugin took away", "r0 = 2\nexit", "r0 = 2", `object o: program "p": instruction 0: control runs past the end of the function; written by plugin guard`},
		{"the same twice", "r10 = 1\nr0 = 2\nexit", "r10 = 2\nr10 = 1\nr0 = 2\nexit",
			`object o: program "p": instruction 0: write to the frame pointer r10; written by plugin guard (and 1 more)`},
		{"both", "r0 = r5\nexit", "r10 = 1\nr0 = r5\nexit",
			`object o: program "p": instruction 0: write to the frame pointer r10; written by plugin guard (and 1 more)`},
	} {
		p := judged(t, tt.before, tt.after)
		got := ""
		if err := p.Refused(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestDiagnoseShown(t *testing.T) {
	p := judged(t, "", "r0 = r5\nexit")
	var text strings.Builder
	if err := p.WriteText(&text, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nerror: object o: program \"p\": instruction 0: ", "\nKernels refuse it: 1 error above.\nPlan: "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	b, err := json.Marshal(p)
	const want = `"diagnostics":[{"collection":"o","severity":"error","code":"unset_register","object":"program","name":"p","insn":0,"file":"","line":0,` +
		`"text":"read of a register that has no value: r5","author":"guard","plugin":true}]`
	if err != nil || !strings.Contains(string(b), want) {
		t.Errorf("no %s in\n%s, %v", want, b, err)
	}
	var e *RefusedError
	if warned := judged(t, "", "again: goto again"); len(warned.Diagnostics) != 1 || errors.As(warned.Refused(), &e) {
		t.Errorf("warning: %v, %v", warned.Diagnostics, warned.Refused())
	}
}
