package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inputs are what a plan was made from, with one thing changed.
func inputs(change func(*Inputs)) *Inputs {
	in := &Inputs{
		Plugin:     NewFile("/p/guard.wasm", []byte("code")),
		Objects:    []File{NewFile("/p/drops.o", []byte("object"))},
		Policy:     NewFile("", []byte("class: observe\n")),
		Parameters: NewParameters(map[string]string{"iface": "veth0"}, []string{"one"}, nil),
		Kernel:     KernelID{Release: "6.18.1", BTF: "b7f", SecurityModules: []string{"capability", "bpf"}},
	}
	change(in)
	return in
}

// TestMoved changes every input, alone.
func TestMoved(t *testing.T) {
	was := inputs(func(*Inputs) {})
	if err := was.Moved(inputs(func(*Inputs) {})); err != nil {
		t.Errorf("nothing moved: %v", err)
	}
	other := NewFile("/p/x", []byte("other"))
	for _, c := range []struct {
		what   string
		change func(*Inputs)
	}{
		{"plugin guard.wasm from sha256 5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b to sha256 " + other.SHA256,
			func(in *Inputs) { in.Plugin = other }},
		{"signature from nothing to sha256 " + other.SHA256, func(in *Inputs) { in.Signature = &other }},
		{"object drops.o from sha256 2958d416d08aa5a472d7b509036cb7eafd542add84527e66a145ea64cb4cdc75 to sha256 " + other.SHA256,
			func(in *Inputs) { in.Objects[0].SHA256 = other.SHA256 }},
		{"object x from nothing to sha256 " + other.SHA256, func(in *Inputs) { in.Objects = append(in.Objects, other) }},
		{"object drops.o from sha256 2958d416d08aa5a472d7b509036cb7eafd542add84527e66a145ea64cb4cdc75 to nothing",
			func(in *Inputs) { in.Objects = nil }},
		{"built-in policy from sha256 " + was.Policy.SHA256 + " to sha256 " + other.SHA256, func(in *Inputs) { in.Policy = other }},
		{"types for CO-RE from nothing to sha256 " + other.SHA256, func(in *Inputs) { in.CoreTypes = &other }},
		{"parameters from sha256 " + was.Parameters.SHA256 + " to sha256 " + NewParameters(nil, nil, nil).SHA256,
			func(in *Inputs) { in.Parameters = NewParameters(nil, nil, nil) }},
		{"kernel release from 6.18.1 to 6.18.2", func(in *Inputs) { in.Kernel.Release = "6.18.2" }},
		{"kernel BTF from sha256 b7f to nothing", func(in *Inputs) { in.Kernel.BTF = "" }},
		{"security modules from capability,bpf to capability", func(in *Inputs) { in.Kernel.SecurityModules = []string{"capability"} }},
	} {
		err := was.Moved(inputs(c.change))
		want := "what the plan was made from has changed: " + c.what + "; plan again"
		if err == nil || err.Error() != want {
			t.Errorf("\n got %v\nwant %s", err, want)
		}
		if moved := (*MovedError)(nil); !errors.As(err, &moved) || len(moved.Moves) != 1 {
			t.Errorf("%s: %#v", c.what, err)
		}
	}
}

func TestNewParameters(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range []Parameters{
		NewParameters(nil, nil, nil), NewParameters(map[string]string{"a": "b"}, nil, nil), NewParameters(nil, []string{"a", "b"}, nil), NewParameters(nil, []string{"a=b"}, nil),
	} {
		if seen[p.SHA256] {
			t.Errorf("%v has the digest of other parameters", p)
		}
		seen[p.SHA256] = true
	}
	if a, b := NewParameters(nil, nil, nil), NewParameters(map[string]string{}, []string{}, nil); !cmp.Equal(a, b) {
		t.Errorf("none and empty differ: %v and %v", a, b)
	}
}

// TestSaveLoad saves a plan with text that a terminal would take for a command, and compares it.
func TestSaveLoad(t *testing.T) {
	p := &Plan{Plugin: Info{Name: "guard"}, Notes: []Note{{Text: "\u202e <b> \x1b"}}}
	in := *inputs(func(*Inputs) {})
	text, err := Save(p, in)
	if err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(string(text), func(r rune) bool { return r == '\u202e' || r < ' ' && r != '\n' }); i >= 0 {
		t.Errorf("control character at %d", i)
	}
	s, err := LoadSaved(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, s.Inputs); diff != "" {
		t.Error(diff)
	}
	if err := s.Same(p); err != nil {
		t.Error(err)
	}
	p.Notes = append(p.Notes, Note{Text: "more"})
	want := `what the plan was made from has changed: plan: notes[1] from nothing to {"about":"","severity":"info","text":"more"}; plan again`
	if err := s.Same(p); err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}

func TestLoadSavedRejects(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, "EOF"},
		{`[]`, "cannot unmarshal array"},
		{`{}`, "it has no schema or no plan"},
		{`{"schema":"bpfhost.saved-plan/v1"}`, "it has no schema or no plan"},
		{`{"schema":"bpfhost.plan/v1","allowed":true}`, `its schema is "bpfhost.plan/v1", not "bpfhost.saved-plan/v1"`},
		{`{"schema":"bpfhost.saved-plan/v1","plan":{},"trusted":true}`, `unknown field "trusted"`},
		{`{"schema":"bpfhost.saved-plan/v1","plan":{}} {}`, "there is more after the document"},
	} {
		_, err := LoadSaved([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "not a saved plan: ") {
			t.Errorf("%s: %v, want %s", c.text, err, c.want)
		}
	}
}

// FuzzLoadSaved holds that nothing in a file panics, in reading or in comparing.
func FuzzLoadSaved(f *testing.F) {
	text, err := Save(&Plan{}, *inputs(func(*Inputs) {}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"schema":"bpfhost.saved-plan/v1","plan":[{"a":[]},null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := LoadSaved(b)
		if err != nil {
			return
		}
		for _, err := range []error{s.Moved(inputs(func(*Inputs) {})), s.Same(&Plan{})} {
			if err != nil && strings.ContainsAny(err.Error(), "\n\x1b\u202e") {
				t.Errorf("%q", err)
			}
		}
	})
}
