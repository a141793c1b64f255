package tx

import (
	"errors"
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Whatever a plugin makes more of, there is an end to it, and what it takes away makes room.
func TestMemoryIsBounded(t *testing.T) {
	insns := make([]spec.Insn, 100)
	for i := range insns {
		insns[i].Insn = asm.Mov64Imm(asm.R0, 1)
	}
	for _, tt := range []struct {
		name string
		more func(x *Transaction, o *Object, i int) error
	}{
		{"programs", func(x *Transaction, o *Object, i int) error {
			_, err := x.AddProgram(o, &spec.Program{Name: fmt.Sprint("n", i)})
			return err
		}},
		{"maps", func(x *Transaction, o *Object, i int) error {
			_, err := x.AddMap(o, &spec.Map{Name: fmt.Sprint("n", i)})
			return err
		}},
		{"copies of programs", func(x *Transaction, o *Object, i int) error {
			_, err := x.CloneProgram(ProgramRef{o, o.Work.Programs[0]}, fmt.Sprint("n", i))
			return err
		}},
		{"copies of maps", func(x *Transaction, o *Object, i int) error {
			_, err := x.CloneMap(MapRef{o, o.Work.Maps[0]}, fmt.Sprint("n", i))
			return err
		}},
		{"instructions", func(x *Transaction, o *Object, _ int) error {
			return x.Splice(ProgramRef{o, o.Work.Programs[0]}, Splice{Insns: insns})
		}},
		{"objects", func(x *Transaction, o *Object, i int) error {
			_, err := x.AddObject(fmt.Sprint("n", i), &spec.Collection{Programs: []*spec.Program{{Name: "p", Insns: spec.NewInsns(insns...)}}})
			return err
		}},
		{"data", func(x *Transaction, o *Object, i int) error {
			m, err := x.AddMap(o, &spec.Map{Name: fmt.Sprint("n", i), ValueSize: 1000, Data: []byte{1}})
			if err == nil {
				err = m.SetData([]byte{2})
			}
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := New("plugin", []Input{{Name: "o", Collection: collection()}})
			x.maxHeld = 20_000
			var err error
			for i := 0; err == nil && i < 60; i++ {
				err = tt.more(x, x.Objects[0], i)
			}
			if !errors.Is(err, abi.ErrLimit) || x.held > x.maxHeld {
				t.Fatalf("%d bytes are held, error %v", x.held, err)
			}
		})
	}
	x, p := looping()
	x.maxHeld = 3000
	for i := range 50 {
		if err := errors.Join(x.Splice(p, Splice{Insns: insns}), x.Splice(p, Splice{Del: len(insns)})); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		if _, err := x.AddProgram(p.Object, &spec.Program{Name: p.Program.Name}); !errors.Is(err, abi.ErrExist) {
			t.Fatalf("round %d: a program twice: %v", i, err)
		}
		added, err := x.AddProgram(p.Object, &spec.Program{Name: "added"})
		if err == nil {
			err = x.RemoveProgram(added)
		}
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
	}
}
