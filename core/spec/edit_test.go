package spec

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/google/go-cmp/cmp"
)

// program makes a program from text.
func program(t testing.TB, text string) *Program {
	t.Helper()
	l, err := asm.Parse(text)
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	p := &Program{Name: "main", Type: ProgramXDP, LabelNames: l.LabelNames}
	var insns []Insn
	for i, in := range l.Insns {
		x := Insn{Insn: in}
		if n, ok := l.Funcs[i]; ok {
			x.Func = &btf.FuncInfo{Name: n}
		}
		insns = append(insns, x)
	}
	p.Insns = NewInsns(insns...)
	return p
}

// code returns the instructions of a text, for insertion.
func code(t testing.TB, text string) []Insn { return program(t, text).Insns.Slice() }

// listing is the program as text without properties.
func listing(p *Program) string {
	var insns []asm.Insn
	funcs := make(map[int]string)
	for i, in := range p.Insns.read() {
		insns = append(insns, in.Insn)
		if in.Func != nil {
			funcs[i] = in.Func.Name
		}
	}
	return strings.ReplaceAll(string(asm.AppendText(nil, insns, asm.TextOptions{LabelNames: p.LabelNames, Funcs: funcs})), "\t", "")
}

const twoFuncs = `
.func main
r6 = r1
if r6 == 0 goto L1
r1 = 1
call helper
L1:
r0 = 2
exit
.func helper
L2:
r0 = 3
if r1 != 0 goto L2
exit
`

var spliceTests = []struct {
	name    string
	at, del int
	ins     string
	take    bool
	want    string
}{
	{"insert before a label: jumps skip it", 4, 0, "r7 = 1", false, `
.func main
r6 = r1
if r6 == 0 goto L1
r1 = 1
call helper
r7 = 1
L1:
r0 = 2
exit
.func helper
L2:
r0 = 3
if r1 != 0 goto L2
exit
`},
	{"insert before a label and take it", 4, 0, "r7 = 1\nr8 = 1", true, `
.func main
r6 = r1
if r6 == 0 goto L1
r1 = 1
call helper
L1:
r7 = 1
r8 = 1
r0 = 2
exit
.func helper
L2:
r0 = 3
if r1 != 0 goto L2
exit
`},
	{"insert with a jump across to an old label", 1, 0, "if r1 > 5 goto L1", false, ""},
	{"insert at the entry moves the mark", 0, 0, "r9 = 1", false, `
.func main
r9 = 1
r6 = r1
if r6 == 0 goto L1
r1 = 1
call helper
L1:
r0 = 2
exit
.func helper
L2:
r0 = 3
if r1 != 0 goto L2
exit
`},
	{"insert at a function start runs once per call", 6, 0, "r9 = 1", false, `
.func main
r6 = r1
if r6 == 0 goto L1
r1 = 1
call helper
L1:
r0 = 2
exit
.func helper
r9 = 1
L2:
r0 = 3
if r1 != 0 goto L2
exit
`},
	{"append a function", 9, 0, ".func more\nr0 = 0\nexit", false, `
.func main
r6 = r1
if r6 == 0 goto L1
r1 = 1
call helper
L1:
r0 = 2
exit
.func helper
L2:
r0 = 3
if r1 != 0 goto L2
exit
.func more
r0 = 0
exit
`},
	{"replace a labelled instruction", 4, 1, "r0 = 7\nr0 += 1", false, `
.func main
r6 = r1
if r6 == 0 goto L1
r1 = 1
call helper
L1:
r0 = 7
r0 += 1
exit
.func helper
L2:
r0 = 3
if r1 != 0 goto L2
exit
`},
	{"delete a labelled instruction", 4, 1, "", false, `
.func main
r6 = r1
if r6 == 0 goto L1
r1 = 1
call helper
L1:
exit
.func helper
L2:
r0 = 3
if r1 != 0 goto L2
exit
`},
	{"delete the start of a function", 0, 1, "", false, `
.func main
if r6 == 0 goto L1
r1 = 1
call helper
L1:
r0 = 2
exit
.func helper
L2:
r0 = 3
if r1 != 0 goto L2
exit
`},
	{"replace the start of a function", 6, 1, "r0 = 9", false, `
.func main
r6 = r1
if r6 == 0 goto L1
r1 = 1
call helper
L1:
r0 = 2
exit
.func helper
L2:
r0 = 9
if r1 != 0 goto L2
exit
`},
	{"delete the end of one function and the start of the next", 5, 2, "exit", false, `
.func main
r6 = r1
if r6 == 0 goto L1
r1 = 1
call helper
L1:
r0 = 2
exit
.func helper
L2:
if r1 != 0 goto L2
exit
`},
	{"delete everything", 0, 9, "", false, ""},
}

func TestSplice(t *testing.T) {
	for _, tt := range spliceTests {
		t.Run(tt.name, func(t *testing.T) {
			p := program(t, twoFuncs)
			before := p.Clone()
			var ins []Insn
			if tt.ins != "" {
				ins = code(t, strings.Replace(tt.ins, "goto L1", "goto L1\nL1:\nexit", 1))
				if strings.Contains(tt.ins, "goto L1") {
					ins = ins[:1] // only the jump; its label is that of the program
				}
			}
			if err := p.Splice(tt.at, tt.del, ins, SpliceOptions{TakeLabel: tt.take}); err != nil {
				t.Fatal(err)
			}
			if got := listing(p); tt.want != "" && "\n"+got != tt.want {
				t.Errorf("got\n%s\nwant%s", got, tt.want)
			}
			if p.Insns.Len() != before.Insns.Len()+len(ins)-tt.del {
				t.Errorf("%d instructions", p.Insns.Len())
			}
			if p.Insns.Len() > 0 {
				if err := (&Collection{License: "GPL", Programs: []*Program{p}}).Check(); err != nil {
					t.Errorf("check after the edit: %v", err)
				}
			}
		})
	}
}

func TestSpliceRefused(t *testing.T) {
	tests := []struct {
		name    string
		at, del int
		ins     []Insn
		want    string
	}{
		{"behind the end", 10, 0, code(t, "exit"), "instructions 10 to 10 are not within its 9"},
		{"too many", 8, 2, nil, "instructions 8 to 10 are not within"},
		{"negative", -1, 0, code(t, "exit"), "are not within"},
		{"label taken", 0, 0, code(t, "L1:\nr0 = 0\nif r0 == 0 goto L1"), "label L1 of the inserted code is defined at instruction 4 already"},
		{"label twice", 0, 0, []Insn{{Insn: asm.Insn{Op: asm.OpExit, Label: 9}}, {Insn: asm.Insn{Op: asm.OpExit, Label: 9}}}, "label L9 is defined twice"},
		{"unknown label", 2, 0, []Insn{{Insn: asm.Jump(77)}}, "inserted instruction 0 jumps to label L77, which nothing carries"},
		{"label without successor", 4, 2, nil, "label L1 of deleted instruction 4 has no next instruction in its function, and instruction 1 still jumps to it"},
		{"called function", 6, 3, nil, `deleted function "helper" is still referred to by instruction 3`},
		{"entry before others", 0, 6, nil, `function "main" is the entry`},
		{"function before entry", 0, 0, code(t, ".func x\nexit"), `function "x" cannot be put before the entry function`},
		{"function name taken", 9, 0, code(t, ".func helper\nexit"), `function "helper" exists already`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := program(t, twoFuncs)
			before := p.Clone()
			err := p.Splice(tt.at, tt.del, tt.ins, SpliceOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got error %v, want one with %q", err, tt.want)
			}
			if diff := cmp.Diff(before, p); diff != "" {
				t.Errorf("a refused edit changed the program: %s", diff)
			}
		})
	}
}

func TestSpliceMergesLabels(t *testing.T) {
	p := program(t, "if r1 == 0 goto one\nif r1 == 1 goto two\none:\nr0 = 1\ntwo:\nexit")
	if err := p.Delete(2, 1); err != nil {
		t.Fatal(err)
	}
	want := "if r1 == 0 goto two\nif r1 == 1 goto two\ntwo:\nexit\n"
	if got := listing(p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSpliceCallByLabel(t *testing.T) {
	p := &Program{Name: "main", Type: ProgramXDP, Insns: NewInsns(
		Insn{Insn: asm.CallLabel(1), Func: &btf.FuncInfo{Name: "main"}},
		Insn{Insn: asm.Exit()},
		Insn{Insn: asm.Insn{Op: asm.Mov64Imm(asm.R0, 1).Op, Label: 1}, Func: &btf.FuncInfo{Name: "sub"}},
		Insn{Insn: asm.Exit()},
	)}
	if err := p.Insert(2, Insn{Insn: asm.Mov64Imm(asm.R6, 1)}); err != nil {
		t.Fatal(err)
	}
	if r := &p.Insns.read()[0]; r.Ref != asm.RefFunc || r.Symbol != "sub" {
		t.Errorf("call refers to %+v, want function sub: the inserted start would be skipped", r)
	}
}

func TestSpliceLines(t *testing.T) {
	line := func(n uint32) *btf.LineInfo { return btf.NewLineInfo("a.c", "", n, 0) }
	fresh := func() *Program {
		p := program(t, twoFuncs)
		p.Insns.Edit(func(in []Insn) { in[0].Line, in[2].Line, in[4].Line, in[6].Line = line(1), line(3), line(5), line(10) })
		return p
	}
	at := func(p *Program, i int) uint32 {
		if l := p.Insns.read()[i].Line; l != nil {
			return l.Line
		}
		return 0
	}
	p := fresh()
	if err := p.Insert(0, code(t, "r9 = 1")...); err != nil {
		t.Fatal(err)
	}
	if at(p, 0) != 1 || at(p, 1) != 1 {
		t.Errorf("after an insertion at the entry lines are %d and %d, want 1 and 1", at(p, 0), at(p, 1))
	}
	p = fresh()
	if err := p.Delete(2, 1); err != nil {
		t.Fatal(err)
	}
	if at(p, 2) != 3 {
		t.Errorf("the line of a deleted instruction went to %d, want 3", at(p, 2))
	}
	p = fresh()
	if err := p.Delete(6, 1); err != nil {
		t.Fatal(err)
	}
	if at(p, 6) != 10 || p.Insns.read()[6].Func == nil {
		t.Error("the next instruction did not become the start of the function with its line")
	}
	p = fresh()
	if err := p.Splice(9, 0, code(t, ".func more\nexit"), SpliceOptions{}); err != nil {
		t.Fatal(err)
	}
	if p.Insns.read()[9].Line == nil {
		t.Error("a new function has no line although the program has lines")
	}
	p = fresh()
	p.Insns.private()[1].Core = &btf.CoreRelo{Type: 1}
	if err := p.Splice(1, 1, code(t, "r0 = 1"), SpliceOptions{}); err == nil {
		if p.Insns.read()[1].Core != nil {
			t.Error("a replacement inherited the CO-RE record")
		}
	} else {
		t.Fatal(err)
	}
}

// TestSpliceRandom edits at random places and checks that what every jump does is kept: each jump
// still lands on the instruction that it landed on, or on what follows it if that is gone.
func TestSpliceRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		p := program(t, twoFuncs)
		for i := range p.Insns.read() {
			p.Insns.private()[i].Line = &btf.LineInfo{Line: uint32(i + 1)} // identity
		}
		at := r.IntN(p.Insns.Len() + 1)
		del := r.IntN(min(3, p.Insns.Len()-at) + 1)
		ins := make([]Insn, r.IntN(3))
		for k := range ins {
			ins[k] = Insn{Insn: asm.Mov64Imm(asm.R8, int32(k)), Line: &btf.LineInfo{Line: 100}}
		}
		old := p.Clone()
		if err := p.Splice(at, del, ins, SpliceOptions{}); err != nil {
			continue
		}
		if p.Insns.Len() == 0 {
			continue
		}
		if err := (&Collection{Programs: []*Program{p}}).Check(); err != nil {
			t.Fatalf("round %d: splice(%d, %d, %d insns): %v\n%s", round, at, del, len(ins), err, listing(p))
		}
		for i := range p.Insns.read() {
			ref := p.Insns.read()[i]
			if ref.Ref != asm.RefLabel || p.Insns.read()[i].Line.Line == 100 {
				continue
			}
			was := old.FindLabel(old.Insns.read()[p.Insns.read()[i].Line.Line-1].Target)
			want := was
			switch {
			case was >= at && was < at+del && was == at && len(ins) > 0:
				want = at
			case was >= at && was < at+del:
				want = at + len(ins)
			case was >= at+del:
				want = was - del + len(ins)
			}
			if got := p.FindLabel(ref.Target); got != want {
				t.Fatalf("round %d: splice(%d, %d, %d insns): jump went to %d, now to %d, want %d\n%s", round, at, del, len(ins), was, got, want, listing(p))
			}
		}
	}
}
