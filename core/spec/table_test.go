package spec

import (
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

// tabled is a program that goes to one of three places.
const tabled = `license GPL
order little

program pick
	type xdp
	table cases L1 L2 last L1
.func pick
	r1 = 1
	r2 = table[cases] ll
	r2 = *(u64 *)(r2 + 8)
	gotox r2
L1:
	r0 = 1
	exit
L2:
	r0 = 2
	exit
last:
	r0 = 3
	exit
`

func parseTabled(t *testing.T) (*Collection, *Program) {
	t.Helper()
	c, err := Parse(tabled)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	return c, c.Programs[0]
}

// TestTableText reads what is printed again.
func TestTableText(t *testing.T) {
	c, p := parseTabled(t)
	again, err := Parse(c.String())
	if err != nil {
		t.Fatal(err)
	}
	if d := Diff(c, again); d != nil || again.String() != c.String() {
		t.Errorf("%s", AppendChanges(nil, d))
	}
	if got := p.tablesText(); got != "cases 4 6 8 4" {
		t.Errorf("places %q", got)
	}
	clone := c.Clone()
	clone.Programs[0].Tables[0].Labels[0] = clone.Programs[0].Tables[0].Labels[1]
	if d := Diff(c, clone); len(d) != 1 || len(d[0].Props) != 1 || d[0].Props[0] != (PropChange{"tables", "cases 4 6 8 4", "cases 6 6 8 4"}) {
		t.Errorf("%+v", d)
	}
	if l := p.NewLabel(); slices.Contains(p.Tables[0].Labels, l) {
		t.Errorf("new label %d is one of a table", l)
	}
	if _, err := Parse(strings.Replace(tabled, "L2 last", "L2 lost", 1)); err == nil || !strings.Contains(err.Error(), `6:1: label "lost" of jump table "cases" is not in the code`) {
		t.Errorf("got %v", err)
	}
}

// TestTableEdits keeps places when instructions come and go.
func TestTableEdits(t *testing.T) {
	_, p := parseTabled(t)
	if err := p.Insert(0, Insn{Insn: asm.Mov64Imm(asm.R3, 0)}); err != nil {
		t.Fatal(err)
	}
	if err := p.Delete(7, 1); err != nil { // L2: r0 = 2
		t.Fatal(err)
	}
	if got := p.tablesText(); got != "cases 5 7 8 5" {
		t.Errorf("places %q", got)
	}
	if err := p.Delete(7, 1); err != nil { // exit, so that L2 and last are one
		t.Fatal(err)
	}
	if got := p.tablesText(); got != "cases 5 7 7 5" {
		t.Errorf("places %q", got)
	}
	if err := p.Delete(7, 2); err == nil || !strings.Contains(err.Error(), `entry 1 of jump table "cases" leads there`) {
		t.Errorf("got %v", err)
	}
	gone := make([]bool, p.Insns.Len())
	gone[7], gone[8] = true, true
	if err := p.DeleteSet(gone); err == nil || !strings.Contains(err.Error(), `entry 1 of jump table "cases" still leads to label "last"`) {
		t.Errorf("got %v", err)
	}
	if err := p.Delete(2, 3); err != nil { // what uses the table
		t.Fatal(err)
	}
	gone = make([]bool, p.Insns.Len())
	gone[4], gone[5] = true, true
	if err := p.DeleteSet(gone); err != nil || len(p.Tables) != 0 {
		t.Errorf("a table that nothing uses stays: %v, %v", p.Tables, err)
	}
}

func TestTableCheck(t *testing.T) {
	for want, edit := range map[string]func(p *Program){
		`jump table "cases" is not in the program`:                  func(p *Program) { p.Tables = nil },
		`two jump tables are named "cases"`:                         func(p *Program) { p.Tables = append(p.Tables, p.Tables[0]) },
		`jump table "cases" is empty or has no name`:                func(p *Program) { p.Tables[0].Labels = nil },
		`jump table "cases": label L99 of entry 1 is not defined`:   func(p *Program) { p.Tables[0].Labels[1] = 99 },
		`offset 8 behind jump table "cases": the kernel takes none`: func(p *Program) { p.Insns.read()[1].Imm = 8 },
		"entry 2 is in another function than the first":             func(p *Program) { p.Insns.read()[8].Func = p.Insns.read()[0].Func; p.Insns.read()[0].Func = nil },
		`jump table "cases" has the places of another function`:     func(p *Program) { p.Insns.read()[4].Func = p.Insns.read()[0].Func; p.Insns.read()[0].Func = nil },
	} {
		c, p := parseTabled(t)
		edit(p)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestRenameTable renames the references of one function of two that use tables of one name.
func TestRenameTable(t *testing.T) {
	ref := func(name string) Insn {
		in := Insn{Insn: asm.LoadImm64(asm.R1, 0)}
		in.Src = asm.PseudoMapValue
		in.SetSymbol(asm.RefTable, name)
		return in
	}
	p := &Program{Name: "p", Insns: NewInsns(ref("a"), ref("b"), ref("a"), Insn{Insn: asm.Exit()})}
	p.RenameTable(1, 3, "a", "a.2")
	var got []string
	for _, in := range p.Insns.All() {
		got = append(got, in.Symbol)
	}
	if want := []string{"a", "b", "a.2", ""}; !slices.Equal(got, want) {
		t.Errorf("references %q, want %q", got, want)
	}
}
