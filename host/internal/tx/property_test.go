package tx

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Properties that take more than a store: what else changes with them, and what they refuse.
func TestProperties(t *testing.T) {
	_, o := withVars(t)
	o.Work.Programs = []*spec.Program{{Name: "p"}, {Name: "q"}}
	o.Work.Maps = append(o.Work.Maps, &spec.Map{Name: "m", KeySize: 4, ValueSize: 4, Key: 1, Value: 1})
	o.Work.Attach = []spec.Attach{{Program: "p"}}
	p, data, m := ProgramRef{o, o.Work.Programs[0]}, MapRef{o, o.Work.Maps[0]}, MapRef{o, o.Work.Maps[1]}
	_, noData := m.Data()
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"license", o.SetLicense(strings.Repeat("x", 127)), nil},
		{"long license", o.SetLicense(strings.Repeat("x", 128)), abi.ErrRange},
		{"program without a name", p.Rename(""), abi.ErrInval},
		{"name of another program", p.Rename("q"), abi.ErrExist},
		{"program", p.Rename("r"), nil},
		{"map without a name", m.Rename(""), abi.ErrInval},
		{"name of another map", m.Rename(".data"), abi.ErrExist},
		{"name of a section", data.Rename("x"), abi.ErrState},
		{"map", m.Rename("n"), nil},
		{"key as it is", m.SetKeySize(4), nil},
		{"value of 33 bits", m.SetValueSize(1 << 32), abi.ErrRange},
		{"value", m.SetValueSize(16), nil},
		{"cut off a variable", data.SetValueSize(8), nil},
		{"section of a GiB", data.SetValueSize(1 << 30), abi.ErrRange},
		{"section", data.SetValueSize(128), nil},
		{"data of a plain map", m.SetData(nil), abi.ErrNoent},
		{"no data of a plain map", noData, abi.ErrNoent},
		{"too much data", data.SetData(make([]byte, 129)), abi.ErrRange},
		{"data", data.SetData([]byte{1}), nil},
	} {
		if tt.name == "cut off a variable" {
			if tt.err == nil {
				t.Error("a section was cut within a variable")
			}
		} else if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, tt.err, tt.want)
		}
	}
	if o.Work.Attach[0].Program != "r" || p.Program.Name != "r" || m.Map.Name != "n" {
		t.Errorf("names: attachment of %q, program %q, map %q", o.Work.Attach[0].Program, p.Program.Name, m.Map.Name)
	}
	if m.Map.Key != 1 || m.Map.Value != 0 || m.Map.ValueSize != 16 {
		t.Errorf("a type stays as long as its size does: %+v", m.Map)
	}
	if b, err := data.Data(); err != nil || len(b) != 128 || b[0] != 1 || b[1] != 0 {
		t.Errorf("data %x, %v", b, err)
	}
	var n spec.MapFlags
	if err := Put32(&n, math.MaxUint32+1); !errors.Is(err, abi.ErrRange) || n != 0 {
		t.Errorf("33 bits: %v, stored %d", err, n)
	}
}

// A map that is renamed keeps what refers to it, also what came during the transaction.
func TestRenameFollowsEdits(t *testing.T) {
	x := New("plugin", []Input{{Name: "o", Collection: collection()}}, nil)
	o := x.Objects[0]
	p, m := ProgramRef{o, o.Work.Programs[0]}, MapRef{o, o.Work.Maps[0]}
	if err := m.Rename("first"); err != nil { // from here on the object knows what refers to what
		t.Fatal(err)
	}
	added, err := x.AddProgram(o, &spec.Program{Name: "added"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []ProgramRef{p, added} {
		if err := x.Splice(r, Splice{Insns: []spec.Insn{{Insn: asm.LoadMap(asm.R1, "first")}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.AddAttach(added, spec.HookXDP); err != nil {
		t.Fatal(err)
	}
	if err := m.Rename("second"); err != nil {
		t.Fatal(err)
	}
	if err := added.Rename("renamed"); err != nil {
		t.Fatal(err)
	}
	for _, r := range []ProgramRef{p, added} {
		if in := r.Program.Insns.At(0); in.Symbol != "second" {
			t.Errorf("program %s refers to %s", r.Program.Name, in.Symbol)
		}
	}
	if o.Program("renamed") != added.Program || o.Program("added") != nil || o.Map("second") != m.Map || len(added.Attachments()) != 1 {
		t.Errorf("after renaming: %+v, %+v", o.Work.Programs, o.Work.Attach)
	}
}
