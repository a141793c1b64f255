package tx

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/plan"
)

func collection() *spec.Collection {
	return &spec.Collection{
		Programs: []*spec.Program{{Name: "p", Type: spec.ProgramXDP, Insns: spec.NewInsns(spec.Insn{Insn: asm.Exit()})}},
		Maps:     []*spec.Map{{Name: "m", Type: spec.MapHash}},
		Attach:   []spec.Attach{{Program: "p", Kind: spec.HookXDP, Target: "eth0"}},
	}
}

// The operator's collection stays as it is, whatever is done in the transaction, and all of it is
// logged.
func TestTransaction(t *testing.T) {
	in := collection()
	x := New("plugin", []Input{{Name: "o", Source: "o.o", Collection: in}}, nil)
	o := x.Find("")
	if o == nil || x.Find("o") != o || x.Find("nope") != nil || o.Attachment(0).Get().Target != "eth0" {
		t.Fatalf("object %+v", o)
	}
	p := ProgramRef{o, o.Work.Programs[0]}
	copied, err := x.CloneProgram(p, "copy")
	if err != nil || copied.Program.Name != "copy" || len(copied.Attachments()) != 0 {
		t.Fatalf("copy %+v, %v", copied, err)
	}
	a, err := x.AddAttach(copied, spec.HookXDP)
	if err != nil || a.Get().Program != "copy" {
		t.Fatalf("attachment %+v, %v", a, err)
	}
	if err := x.RemoveProgram(p); err != nil || len(o.Work.Attach) != 1 || a.Get() == nil || o.Work.Program("p") != nil {
		t.Errorf("after removing: %+v, %v", o.Work.Attach, err)
	}
	if err := x.RemoveAttach(a); err != nil || a.Get() != nil {
		t.Errorf("the attachment is there still: %v", err)
	}
	if err := x.RemoveMap(MapRef{o, o.Work.Maps[0]}); err != nil {
		t.Error(err)
	}
	if err := x.RemoveObject(o); err != nil || len(x.Objects) != 0 || len(x.Removed) != 1 {
		t.Errorf("%d objects, %d removed, %v", len(x.Objects), len(x.Removed), err)
	}
	if d := cmp.Diff(collection(), in); d != "" {
		t.Errorf("the operator's collection changed:\n%s", d)
	}
	var log []string
	for _, e := range x.Edits {
		log = append(log, fmt.Sprintf("%s %s %s %s", e.Owner, e.What, e.Kind, e.Name))
	}
	want := []string{"plugin clone program copy", "plugin add attach copy", "plugin remove program p", "plugin remove attach copy", "plugin remove map m", "plugin remove object o"}
	if d := cmp.Diff(want, log); d != "" {
		t.Errorf("log:\n%s", d)
	}
}

// Names are unique, and the numbers of objects and of what is in them are bounded.
func TestBounds(t *testing.T) {
	x := New("plugin", []Input{{Name: "o", Collection: collection()}}, nil)
	o := x.Objects[0]
	p, m := ProgramRef{o, o.Work.Programs[0]}, MapRef{o, o.Work.Maps[0]}
	refused := func(what string, err error, want abi.Errno) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	add := map[string]func(name string) error{
		"program":        func(n string) error { _, err := x.AddProgram(o, &spec.Program{Name: n}); return err },
		"copied program": func(n string) error { _, err := x.CloneProgram(p, n); return err },
		"map":            func(n string) error { _, err := x.AddMap(o, &spec.Map{Name: n}); return err },
		"copied map":     func(n string) error { _, err := x.CloneMap(m, n); return err },
		"object":         func(n string) error { _, err := x.AddObject(n, &spec.Collection{}); return err },
	}
	refused("a program twice", add["program"]("p"), abi.ErrExist)
	refused("a program copied over itself", add["copied program"]("p"), abi.ErrExist)
	refused("a map twice", add["map"]("m"), abi.ErrExist)
	refused("a map copied over itself", add["copied map"]("m"), abi.ErrExist)
	refused("an object twice", add["object"]("o"), abi.ErrExist)
	refused("an object without a name", add["object"](""), abi.ErrInval)
	for i := 1; i < MaxPrograms; i++ {
		if err := add["program"](fmt.Sprint("p", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := 1; i < MaxMaps; i++ {
		if err := add["map"](fmt.Sprint("m", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := 1; i < MaxObjects; i++ {
		if err := add["object"](fmt.Sprint("o", i)); err != nil {
			t.Fatal(err)
		}
	}
	for what, f := range add {
		refused("a "+what+" too many", f("more"), abi.ErrLimit)
	}
	for range MaxAttach - 1 {
		if _, err := x.AddAttach(p, spec.HookXDP); err != nil {
			t.Fatal(err)
		}
	}
	_, err := x.AddAttach(p, spec.HookXDP)
	refused("an attachment too many", err, abi.ErrLimit)
}

// The log takes only so many bytes, of edits and notes together.
func TestLogIsBounded(t *testing.T) {
	x := New("plugin", nil, nil)
	big := strings.Repeat("x", MaxLog/2)
	if err := x.Note(plan.Note{Text: big}); err != nil {
		t.Fatal(err)
	}
	if err := x.Log(plan.Edit{New: big}); !errors.Is(err, abi.ErrLimit) || len(x.Edits) != 0 {
		t.Errorf("%d edits, %v", len(x.Edits), err)
	}
}
