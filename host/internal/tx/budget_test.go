package tx

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/plan"
)

// hungry are the ways in which a plugin makes the host hold more and more. Each adds to object o; i
// is the number of the call.
var hungry = []struct {
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
		return x.Splice(ProgramRef{o, o.Work.Programs[0]}, Splice{Insns: numbers(100)})
	}},
	{"instructions one by one", func(x *Transaction, o *Object, i int) error {
		p := o.Work.Programs[0]
		return x.Splice(ProgramRef{o, p}, Splice{At: p.Insns.Len() / 2, Insns: numbers(1)})
	}},
	{"functions", func(x *Transaction, o *Object, i int) error {
		list := numbers(100)
		for k := range list {
			list[k].Func = &btf.FuncInfo{Name: fmt.Sprintf("function%07d", 100*i+k)}
		}
		return x.Splice(ProgramRef{o, o.Work.Programs[0]}, Splice{At: o.Work.Programs[0].Insns.Len(), Insns: list})
	}},
	{"parts of large texts", func(x *Transaction, o *Object, i int) error {
		text := strings.Repeat(fmt.Sprintf("%08d", i), 1000)
		list := []spec.Insn{{Insn: asm.Insn{Op: asm.Mov64Imm(asm.R0, 0).Op, Ref: asm.RefMap, Symbol: text[:8]}}}
		if err := x.Splice(ProgramRef{o, o.Work.Programs[0]}, Splice{Insns: list}); err != nil {
			return err
		}
		return x.Splice(ProgramRef{o, o.Work.Programs[0]}, Splice{Del: 1})
	}},
	{"labels", func(x *Transaction, o *Object, i int) error {
		text := strings.Repeat("label ", 1000)
		names := map[asm.Label]string{asm.Label(i + 1): text[:6]}
		return x.Splice(ProgramRef{o, o.Work.Programs[0]}, Splice{Insns: numbers(1), Names: names})
	}},
	{"objects", func(x *Transaction, o *Object, i int) error {
		_, err := x.AddObject(fmt.Sprint("n", i), &spec.Collection{Programs: []*spec.Program{{Name: "p", Insns: spec.NewInsns(numbers(1000)...)}}})
		return err
	}},
	{"data", func(x *Transaction, o *Object, i int) error {
		m, err := x.AddMap(o, &spec.Map{Name: fmt.Sprint("n", i), ValueSize: 1000, Data: []byte{1}})
		if err == nil {
			err = m.SetData([]byte{2})
		}
		return err
	}},
	{"zero data", func(x *Transaction, o *Object, i int) error {
		name := fmt.Sprint("n", i)
		_, err := x.AddMap(o, &spec.Map{Name: name, ValueSize: 1000})
		if err != nil {
			return err
		}
		o.Work.Vars = append(o.Work.Vars, &spec.Var{Name: name, Map: name, Size: 4})
		return x.WriteVar(VarRef{o, o.Work.Vars[len(o.Work.Vars)-1]}, 0, []byte{1})
	}},
	{"attachments", func(x *Transaction, o *Object, _ int) error {
		_, err := x.AddAttach(ProgramRef{o, o.Work.Programs[0]}, spec.HookXDP)
		return err
	}},
	{"edits", func(x *Transaction, o *Object, i int) error {
		return x.Log(plan.Edit{Object: "o", New: strings.Repeat("x", i%100)})
	}},
	{"notes", func(x *Transaction, o *Object, i int) error {
		return x.Note(plan.Note{Text: strings.Repeat("x", i%100)})
	}},
}

// numbers returns so many instructions.
func numbers(n int) []spec.Insn {
	list := make([]spec.Insn, n)
	for i := range list {
		list[i].Insn = asm.Mov64Imm(asm.R0, int32(i))
	}
	return list
}

// Whatever a plugin makes more of, there is an end to it, and what is held until then is no more than
// was counted.
func TestMemoryIsBounded(t *testing.T) {
	const most = 1 << 20
	for _, tt := range hungry {
		t.Run(tt.name, func(t *testing.T) {
			account := budget.NewAccount(most, "memory", "", nil)
			x := New("plugin", []Input{{Name: "o", Collection: collection()}}, account)
			before := heap()
			var err error
			for i := 0; err == nil && i < 20_000; i++ {
				err = tt.more(x, x.Objects[0], i)
			}
			held := heap() - before
			var limit *budget.LimitError
			if !errors.As(err, &limit) || !errors.Is(err, abi.ErrLimit) || account.Used() > most {
				t.Fatalf("%d bytes are counted, error %v", account.Used(), err)
			}
			if counted := int64(account.Used()); held > counted+counted/4+64<<10 {
				t.Errorf("%d bytes are held, and %d are counted", held, counted)
			}
			runtime.KeepAlive(x)
		})
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What a plugin takes away makes room, and what fails takes none.
func TestMemoryIsReturned(t *testing.T) {
	x, p := looping()
	x.budget = budget.NewAccount(150_000, "memory", "", nil)
	for i := range 200 {
		if err := errors.Join(x.Splice(p, Splice{Insns: numbers(100)}), x.Splice(p, Splice{Del: 100})); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		if _, err := x.AddProgram(p.Object, &spec.Program{Name: p.Program.Name}); !errors.Is(err, abi.ErrExist) {
			t.Fatalf("round %d: a program twice: %v", i, err)
		}
		if _, err := x.CloneProgram(p, p.Program.Name); !errors.Is(err, abi.ErrExist) {
			t.Fatalf("round %d: a copy of the same name: %v", i, err)
		}
	}
	edits := x.counted[x]
	if program := x.counted[p.Program]; program != programCost(p.Program) || edits+program != int(x.budget.Used()) {
		t.Errorf("%d bytes are counted for the program, which holds %d; %d in all", program, programCost(p.Program), x.budget.Used())
	}
	added, err := x.AddProgram(p.Object, &spec.Program{Name: "added"})
	if err == nil {
		_, err = x.AddAttach(added, spec.HookXDP)
	}
	if err == nil {
		err = x.RemoveProgram(added)
	}
	more, err2 := x.AddObject("more", collection())
	if err == nil && err2 == nil {
		err = x.RemoveObject(more)
	}
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if rest := int(x.budget.Used()) - x.counted[x]; rest != programCost(p.Program) {
		t.Errorf("%d bytes are counted for what was removed", rest-programCost(p.Program))
	}
}
