package spec

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

func TestSelect(t *testing.T) {
	exit := NewInsns(Insn{Insn: asm.Exit()})
	ops := func(name string, optional bool, program string) *Map {
		return &Map{Name: name, Type: MapStructOps, Optional: optional, Values: []MapValue{{0, program}}}
	}
	c := &Collection{
		Programs: []*Program{
			{Name: "main", Type: ProgramXDP, Insns: exit},
			{Name: "spare", Type: ProgramXDP, Insns: exit, Optional: true},
			{Name: "hooked", Type: ProgramXDP, Insns: exit, Optional: true},
			{Name: "first", Type: ProgramStructOps, Insns: exit, Optional: true},
			{Name: "second", Type: ProgramStructOps, Insns: exit},
			{Name: "alone", Type: ProgramStructOps, Insns: exit},
		},
		Maps:   []*Map{{Name: "table", Optional: true}, ops("made", false, "first"), ops("maybe", true, "second")},
		Attach: []Attach{{Program: "hooked"}, {Program: "main"}, {Program: "hooked", Optional: true}, {Program: "gone"}},
	}
	for _, tt := range []struct {
		name string
		o    Choice
		want string
	}{
		{"nothing", Choice{}, "main first alone | table made"},
		{"attached", c.Attached(), "main hooked first alone | table made"},
		{"program", Choice{Programs: []string{"spare", "second"}}, "main spare first second alone | table made"},
		{"instance", Choice{Instances: []string{"maybe"}}, "main first second alone | table made maybe"},
	} {
		s := c.Select(tt.o)
		var got []string
		for _, p := range s.Programs {
			got = append(got, p.Name)
		}
		got = append(got, "|")
		for _, m := range s.Maps {
			got = append(got, m.Name)
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, text, tt.want)
		}
	}
}

// TestSplit tells faults of what is loaded from those of what is left out.
func TestSplit(t *testing.T) {
	c := &Collection{Programs: []*Program{{Name: "bad"}, {Name: "idle", Optional: true}},
		Maps:   []*Map{{Name: "odd"}, {Name: "ops", Type: MapStructOps, Optional: true, KeySize: 3}},
		Attach: []Attach{{Program: "none"}}}
	blocking, rest := c.Select(Choice{}).Split(c.CheckAll())
	text := func(list []*CheckError) (s string) {
		for _, e := range list {
			s += e.Kind.String() + " " + e.Name + ", "
		}
		return s
	}
	if got := text(blocking) + "| " + text(rest); got != "map odd, program bad, attachment none none, | map ops, program idle, " {
		t.Errorf("got %s", got)
	}
	if blocking, rest := c.Select(c.Attached()).Split(nil); blocking != nil || rest != nil {
		t.Errorf("of nothing: %v, %v", blocking, rest)
	}
}
