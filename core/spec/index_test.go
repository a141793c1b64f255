package spec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// indexed is a collection in which everything is referred to by name, also by what is of another
// kind.
func indexed() *Collection {
	c := &Collection{License: "GPL"}
	for i := range 8 {
		m := &Map{Name: fmt.Sprint("x", i), Type: MapProgArray}
		if i%2 == 0 {
			m.Type = MapHashOfMaps
		}
		for k := range 3 {
			m.Values = append(m.Values, MapValue{Key: uint32(k), Name: fmt.Sprint("x", (i+k)%8)})
		}
		v := &Var{Name: fmt.Sprint("x", i), Map: fmt.Sprint("x", i%3), Offset: uint32(i)}
		p := &Program{Name: fmt.Sprint("x", i), Insns: NewInsns(
			Insn{Insn: asm.LoadMap(asm.R1, fmt.Sprint("x", i/2)), Func: &btf.FuncInfo{Name: fmt.Sprint("x", i)}},
			Insn{Insn: asm.LoadVar(asm.R1, fmt.Sprint("x", i/3), 0)}, Insn{Insn: asm.LoadMapValue(asm.R1, fmt.Sprint("x", 7-i), 0)},
			Insn{Insn: asm.CallFunc(fmt.Sprint("x", i))}, Insn{Insn: asm.Exit()})}
		c.Maps, c.Vars, c.Programs = append(c.Maps, m), append(c.Vars, v), append(c.Programs, p)
		c.Attach = append(c.Attach, Attach{Program: fmt.Sprint("x", i/2), Kind: HookXDP})
	}
	return c
}

// sameElements compares lists whatever their order.
func sameElements(a, b []*Var) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(v *Var) bool { return !slices.Contains(b, v) })
}

// TestIndex makes edits through one index, and the same with a new index for each: nothing that was
// there when an index was made, or came later, may be forgotten.
func TestIndex(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		a, b := indexed(), indexed()
		x := NewIndex(a)
		name := func() string { return fmt.Sprint("x", r.IntN(12)) }
		for step := range 60 {
			from, to := name(), name()
			y := NewIndex(b)
			var errA, errB error
			switch r.IntN(25) {
			case 0, 1, 2, 3, 4:
				errA, errB = x.RenameProgram(from, to), y.RenameProgram(from, to)
			case 5, 6, 7, 8, 9:
				errA, errB = x.RenameMap(from, to), y.RenameMap(from, to)
			case 10, 11, 12, 13, 14:
				errA, errB = x.RenameVar(from, to), y.RenameVar(from, to)
			case 15, 16, 17, 18:
				add := []Insn{{Insn: asm.LoadVar(asm.R1, from, 0)}, {Insn: asm.LoadMap(asm.R2, to)}}
				for _, c := range []*Collection{a, b} {
					if err := c.Programs[0].Insert(1, add...); err != nil {
						t.Fatal(err)
					}
				}
				x.Refer(a.Programs[0], add)
			case 19, 20, 21, 22:
				fresh := fmt.Sprint("fresh", step)
				x.AddProgram(&Program{Name: fresh, Insns: NewInsns(asm.LoadMap(asm.R1, from))})
				y.AddProgram(&Program{Name: fresh, Insns: NewInsns(asm.LoadMap(asm.R1, from))})
				x.AddMap(&Map{Name: fresh, Type: MapProgArray, Values: []MapValue{{Name: to}}})
				y.AddMap(&Map{Name: fresh, Type: MapProgArray, Values: []MapValue{{Name: to}}})
				x.AddAttach(Attach{Program: to})
				y.AddAttach(Attach{Program: to})
			case 23: // without the index
				for _, c := range []*Collection{a, b} {
					c.Programs, c.Attach = c.Programs[1:], c.Attach[1:]
				}
			case 24:
				fresh := fmt.Sprint("renamed", step)
				a.Maps[0].Name, b.Maps[0].Name = fresh, fresh
			}
			if fmt.Sprint(errA) != fmt.Sprint(errB) {
				t.Fatalf("seed %d: step %d: %v, with a new index %v", seed, step, errA, errB)
			}
			if x.Program(from) != a.Program(from) || x.Map(from) != a.Map(from) || x.Var(to) != a.Var(to) {
				t.Fatalf("seed %d: step %d: %s or %s is not what it is", seed, step, from, to)
			}
			var vars []*Var
			for _, v := range a.Vars {
				if v.Map == to {
					vars = append(vars, v)
				}
			}
			if !sameElements(x.VarsOf(to), vars) {
				t.Fatalf("seed %d: step %d: variables of %s are %v, want %v", seed, step, to, x.VarsOf(to), vars)
			}
			if changes := Diff(b, a); changes != nil {
				t.Fatalf("seed %d: step %d: differs from edits with a new index:\n%s", seed, step, AppendChanges(nil, changes))
			}
		}
	}
}

// TestIndexExtern finds externs, also after the list changed.
func TestIndexExtern(t *testing.T) {
	c := &Collection{Externs: []Extern{{Name: "a"}, {Name: "b"}, {Name: "a", Weak: true}}}
	x := NewIndex(c)
	if e := x.Extern("a"); e != &c.Externs[0] || x.Extern("none") != nil {
		t.Errorf("found %+v", e)
	}
	c.Externs = append(c.Externs, Extern{Name: "c"})
	if e := x.Extern("c"); e != &c.Externs[3] {
		t.Errorf("after an addition found %+v", e)
	}
	c.Externs[3].Name, c.Externs[0].Name = "d", "c"
	if e := x.Extern("c"); e != &c.Externs[0] || x.Extern("a") != &c.Externs[2] {
		t.Errorf("after renames found %+v", e)
	}
}

// TestIndexVarPath sets parts of variables as a collection does.
func TestIndexVarPath(t *testing.T) {
	c := &Collection{
		Maps: []*Map{{Name: ".data", Type: MapArray, ValueSize: 16, MaxEntries: 1}},
		Vars: []*Var{{Name: "a", Map: ".data", Size: 8}, {Name: "a.b", Map: ".data", Offset: 8, Size: 4}},
	}
	x := NewIndex(c)
	for _, name := range []string{"a", "a.b", "none", "a.c"} {
		want, wantErr := c.VarPath(name)
		p, err := x.VarPath(name)
		if p != want || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%s: %+v, %v, want %+v, %v", name, p, err, want, wantErr)
		}
		if err != nil {
			continue
		}
		if err := p.SetUint(x, 7); err != nil {
			t.Error(err)
		}
		if n, err := p.Uint(c); n != 7 || err != nil {
			t.Errorf("%s is %d, %v", name, n, err)
		}
	}
}

// TestIndexRemove removes programs and maps, and finds what is left without looking at all of it.
func TestIndexRemove(t *testing.T) {
	c := &Collection{}
	x := NewIndex(c)
	for i := range 100 {
		x.AddProgram(&Program{Name: fmt.Sprint("p", i)})
		x.AddMap(&Map{Name: fmt.Sprint("m", i)})
	}
	x.Program("p0")
	x.Map("m0")
	reads := x.programs.reads + x.maps.reads
	for i := range 99 {
		x.RemoveProgram(x.Program(fmt.Sprint("p", i)))
		x.RemoveMap(x.Map(fmt.Sprint("m", i)))
		if x.Program(fmt.Sprint("p", i)) != nil || x.Map(fmt.Sprint("m", i)) != nil {
			t.Fatalf("%d is still there", i)
		}
	}
	if x.Program("p99") == nil || x.Map("m99") == nil || len(c.Programs) != 1 || len(c.Maps) != 1 {
		t.Errorf("left are %d programs and %d maps", len(c.Programs), len(c.Maps))
	}
	if n := x.programs.reads + x.maps.reads; n != reads {
		t.Errorf("everything was looked at %d times more", n-reads)
	}
	// Of two of one name the other one is found then, and one that is not there is not removed.
	one, two := &Map{Name: "twice"}, &Map{Name: "twice"}
	x.AddMap(one)
	x.AddMap(two)
	x.RemoveMap(one)
	x.RemoveMap(one)
	if x.Map("twice") != two || len(c.Maps) != 2 {
		t.Errorf("found %p of %d maps", x.Map("twice"), len(c.Maps))
	}
}
