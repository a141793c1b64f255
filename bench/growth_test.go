package bench

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/elflink"
	"github.com/bpfhost/bpfhost/core/elf/elfwrite"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/core/spec/opt"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
)

// The sizes up to which time has to grow as the input does.
const (
	growInsns    = 100_000
	growPrograms = 2_000
	growVars     = 10_000
	growAttach   = 4_000
)

// growths is everything whose growth is measured.
func growths() []Growth {
	var all []Growth
	add := func(name, unit string, limit int, f func(n int) (Call, error)) {
		all = append(all, Growth{Name: name, Unit: unit, Max: limit, From: max(limit/1000, 40), Make: f})
	}
	for _, at := range []struct {
		name  string
		place func(i, n int) int
	}{
		{"at the start", func(i, n int) int { return 1 }},
		{"at the end", func(i, n int) int { return n - 1 }},
		{"anywhere", func(i, n int) int { return 1 + (i*7919)%(n-1) }},
	} {
		add("insert "+at.name, "insn", growInsns, func(n int) (Call, error) { return growInsert(n, at.place), nil })
	}
	add("insert with labels", "insn", growInsns, growInsertLabels)
	add("replace", "insn", growInsns, growReplace)
	add("set", "insn", growInsns, growSet)
	add("delete", "insn", growInsns, growDelete)
	add("write code with labels", "insn", growInsns, growWriteCode)
	add("parse code with labels", "insn", growInsns, growParseCode)
	add("diff after one edit", "insn", growInsns, growDiffInsns)
	add("diff after one edit", "program", growPrograms, growDiffPrograms)
	add("diff after one edit", "variable", growVars, growDiffVars)
	for _, c := range []struct {
		unit  string
		limit int
		make  func(n int) *spec.Collection
	}{{"program", growPrograms, programsOf}, {"variable", growVars, varsOf}, {"map", growPrograms, mapsOf}} {
		add("write", c.unit, c.limit, func(n int) (Call, error) {
			x := c.make(n)
			var b []byte
			return func() error { b = x.AppendText(b[:0]); return nil }, nil
		})
		add("parse", c.unit, c.limit, func(n int) (Call, error) {
			text := c.make(n).String()
			return func() error { _, err := spec.Parse(text); return err }, nil
		})
		add("check", c.unit, c.limit, func(n int) (Call, error) { return c.make(n).Check, nil })
		add("find by name", c.unit, c.limit, func(n int) (Call, error) { return growFind(c.make(n)), nil })
		add("rename", c.unit, c.limit, func(n int) (Call, error) { return growRename(c.make(n)), nil })
	}
	add("diff after all edits", "variable", growVars, growDiffValues)
	add("set by path", "variable", growVars, growSetPath)
	add("rename beside externs", "variable", growVars, growRenameExterns)
	add("lint and needs", "program", growPrograms, growLint)
	add("fold", "program", growPrograms, growFold)
	add("write object", "program", growPrograms, func(n int) (Call, error) { return growObject(objectOf(programsOf(n))), nil })
	add("write object", "variable", growVars, func(n int) (Call, error) { return growObject(objectOf(varsOf(n))), nil })
	add("write object", "function", growPrograms, func(n int) (Call, error) { return growObject(functionsOf(n)), nil })
	add("link", "map", growPrograms, growLink)
	add("remove and rename", "program", growPrograms, growRemove)
	add("assemble texts with labels", "text", growVars, growAsm)
	add("remove duplicates", "type", growVars*2, growDedup)
	add("plan", "attachment", growAttach, growPlan)
	return all
}

// code is a function of n instructions, with a label at each tenth, that conditions jump to.
func code(name string, n int, each func(i int) spec.Insn) spec.Insns {
	list := make([]spec.Insn, n)
	for i := range list {
		if list[i] = each(i); list[i].Op == 0 {
			list[i].Insn = asm.Mov64Imm(asm.R0, int32(i))
		}
	}
	list[0].Func = &btf.FuncInfo{Name: name}
	list[n-1] = spec.Insn{Insn: asm.Exit(), Func: list[n-1].Func}
	return spec.NewInsns(list...)
}

func plainInsn(int) spec.Insn { return spec.Insn{} }

// jumpy has a label at each tenth instruction, to which the one before jumps.
func jumpy(i int) (in spec.Insn) {
	switch i % 10 {
	case 5:
		in.Insn = asm.Mov64Imm(asm.R0, int32(i))
		in.Label = asm.Label(i/10 + 1)
	case 4:
		in.Insn = asm.JumpImm(asm.Equal, asm.R0, int32(i), asm.Label(i/10+1))
	}
	return in
}

// empty is a program of little code.
func empty() *spec.Program {
	return &spec.Program{Name: "p", Type: spec.ProgramXDP, Insns: code("p", 3, plainInsn)}
}

// growInsert inserts n instructions one by one.
func growInsert(n int, place func(i, n int) int) Call {
	return func() error {
		p := empty()
		for i := range n {
			if err := p.Insert(place(i, p.Insns.Len()), spec.Insn{Insn: asm.Mov64Imm(asm.R0, int32(i))}); err != nil {
				return err
			}
		}
		return nil
	}
}

// growInsertLabels inserts n instructions, of which every other one is a condition that jumps to
// the label of the other.
func growInsertLabels(n int) (Call, error) {
	return func() error {
		p := empty()
		last := spec.Insn{Insn: asm.Mov64Imm(asm.R1, 1)}
		last.Label = p.NewLabel()
		if err := p.Insert(1, last); err != nil {
			return err
		}
		for i := range n / 2 {
			to := spec.Insn{Insn: asm.Mov64Imm(asm.R1, int32(i))}
			to.Label = p.NewLabel()
			at := 1 + (i*7919)%(p.Insns.Len()-1)
			if err := p.Insert(at, to); err != nil {
				return err
			}
			if err := p.Insert(at, spec.Insn{Insn: asm.JumpImm(asm.Equal, asm.R0, 1, to.Label)}); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// jumpyProgram has n instructions with labels.
func jumpyProgram(n int) *spec.Program {
	return &spec.Program{Name: "p", Type: spec.ProgramXDP, Insns: code("p", n, jumpy)}
}

// growReplace replaces each instruction but the last.
func growReplace(n int) (Call, error) {
	whole := jumpyProgram(n)
	return func() error {
		p := whole.Clone()
		for i := range n - 1 {
			in := p.Insns.At(i)
			in.Label, in.Func = 0, nil
			in.Imm++
			if err := p.Splice(i, 1, []spec.Insn{in}, spec.SpliceOptions{}); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// growSet sets each instruction.
func growSet(n int) (Call, error) {
	whole := jumpyProgram(n)
	return func() error {
		p := whole.Clone()
		for i := range n {
			in := p.Insns.At(i)
			in.Imm++
			p.Insns.Set(i, in)
		}
		return nil
	}, nil
}

// growDelete deletes all but the ends, from the start on.
func growDelete(n int) (Call, error) {
	whole := jumpyProgram(n)
	return func() error {
		p := whole.Clone()
		for range n - 2 {
			if err := p.Delete(1, 1); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// namedLabels is code with a name for every label.
func namedLabels(n int) ([]asm.Insn, map[asm.Label]string) {
	p := jumpyProgram(n)
	insns, err := p.Resolve()
	if err != nil {
		panic(err)
	}
	names := map[asm.Label]string{}
	for i := range insns {
		if l := insns[i].Label; l != 0 {
			names[l] = fmt.Sprintf("target_of_%d", l)
		}
	}
	return insns, names
}

func growWriteCode(n int) (Call, error) {
	insns, names := namedLabels(n)
	var b []byte
	return func() error {
		b = asm.AppendText(b[:0], insns, asm.TextOptions{LabelNames: names})
		return nil
	}, nil
}

func growParseCode(n int) (Call, error) {
	insns, names := namedLabels(n)
	text := string(asm.AppendText(nil, insns, asm.TextOptions{LabelNames: names}))
	return func() error { _, err := asm.Parse(text); return err }, nil
}

// growDiffInsns compares a program with itself after an insertion.
func growDiffInsns(n int) (Call, error) {
	a := &spec.Collection{Programs: []*spec.Program{jumpyProgram(n)}}
	return growDiff(a)
}

// growDiff compares a collection with itself after one edit.
func growDiff(a *spec.Collection) (Call, error) {
	b := a.Clone()
	if err := b.Programs[0].Insert(2, spec.Insn{Insn: asm.Mov64Imm(asm.R2, 1)}); err != nil {
		return nil, err
	}
	return func() error {
		if n := len(spec.Diff(a, b)); n != 1 {
			return fmt.Errorf("%d changes", n)
		}
		return nil
	}, nil
}

func growDiffPrograms(n int) (Call, error) { return growDiff(programsOf(n)) }
func growDiffVars(n int) (Call, error)     { return growDiff(varsOf(n)) }

// valuesOf is varsOf with numbers that have a type and a value.
func valuesOf(n int) (*spec.Collection, error) {
	c := varsOf(n)
	var b btf.Builder
	number := b.Add(&btf.Int{Name: "long", Size: 8, Encoding: btf.IntSigned})
	var err error
	if c.BTF, err = b.Types(); err != nil {
		return nil, err
	}
	x := spec.NewIndex(c)
	for i, v := range c.Vars {
		v.Type = number
		if err := v.SetUint(x, uint64(i)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// growDiffValues compares a collection with itself after every variable got another value.
func growDiffValues(n int) (Call, error) {
	a, err := valuesOf(n)
	if err != nil {
		return nil, err
	}
	b := a.Clone()
	x := spec.NewIndex(b)
	for i, v := range b.Vars {
		if err := v.SetUint(x, uint64(i+1)); err != nil {
			return nil, err
		}
	}
	return func() error {
		if k := len(spec.Diff(a, b)); k != n {
			return fmt.Errorf("%d changes", k)
		}
		return nil
	}, nil
}

// growSetPath sets every variable, found by its path.
func growSetPath(n int) (Call, error) {
	c, err := valuesOf(n)
	if err != nil {
		return nil, err
	}
	return func() error {
		x := spec.NewIndex(c)
		for i, v := range c.Vars {
			p, err := x.VarPath(v.Name)
			if err != nil {
				return err
			}
			if err := p.SetUint(x, uint64(i)); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// growRenameExterns renames variables of a collection that has as many kernel symbols.
func growRenameExterns(n int) (Call, error) {
	c := varsOf(n)
	c.Programs = nil
	for i := range n {
		c.Externs = append(c.Externs, spec.Extern{Name: fmt.Sprintf("symbol_%d", i), Kind: spec.ExternKsym})
	}
	return growRename(c), nil
}

// growLint judges programs that all have guarded code, an extern and a constant of their own.
func growLint(n int) (Call, error) {
	c := guardedOf(n)
	return func() error {
		if list := lint.Collection(c); len(list) > 0 {
			return fmt.Errorf("%v", list[0])
		}
		if r := lint.Requirements(c); r.Kernel != spec.Oldest || len(r.Optional) != 1 {
			return fmt.Errorf("needs %+v", r)
		}
		return nil
	}, nil
}

// guardedOf returns n programs that call a helper where a constant lets them.
func guardedOf(n int) *spec.Collection {
	c := &spec.Collection{License: "GPL"}
	data := &spec.Map{Name: ".rodata", Section: ".rodata", Type: spec.MapArray, KeySize: 4, ValueSize: uint32(n), MaxEntries: 1, Flags: spec.FlagReadOnlyProg, Freeze: true, Data: make([]byte, n)}
	c.Maps = append(c.Maps, data)
	for i := range n {
		name, v := fmt.Sprintf("program_%d", i), fmt.Sprintf("constant_%d", i)
		c.Externs = append(c.Externs, spec.Extern{Name: fmt.Sprintf("symbol_%d", i), Kind: spec.ExternKsym, Weak: true})
		c.Vars = append(c.Vars, &spec.Var{Name: v, Section: ".rodata", Map: ".rodata", Offset: uint32(i), Size: 1})
		out := asm.Exit()
		out.Label = 1
		c.Programs = append(c.Programs, &spec.Program{Name: name, Section: "xdp", Type: spec.ProgramXDP, Insns: spec.NewInsns(
			spec.Insn{Insn: asm.Mov64Imm(asm.R0, 2), Func: &btf.FuncInfo{Name: name}},
			spec.Insn{Insn: asm.LoadVar(asm.R1, v, 0)},
			spec.Insn{Insn: asm.LoadMem(asm.R1, asm.R1, 0, asm.Byte)},
			spec.Insn{Insn: asm.JumpImm(asm.Equal, asm.R1, 0, 1)},
			spec.Insn{Insn: asm.Call(asm.HelperKtimeGetTaiNs)},
			spec.Insn{Insn: asm.Mov64Imm(asm.R0, 2)},
			spec.Insn{Insn: out},
		)})
	}
	return c
}

// growFold folds programs that all read a constant.
func growFold(n int) (Call, error) {
	whole := guardedOf(n)
	return func() error {
		done, err := opt.Fold(whole.Clone())
		if err == nil && len(done) != 2*n {
			err = fmt.Errorf("%d instructions folded", len(done))
		}
		return err
	}, nil
}

// objectOf is a collection as an object can say it: every program in its own section.
func objectOf(c *spec.Collection) *spec.Collection {
	c.Attach = nil
	for _, p := range c.Programs {
		p.Type, p.Probe, p.AttachTo = spec.ProgramKprobe, spec.ProbeKprobe, p.Name
		p.Section = "kprobe/" + p.Name
	}
	for _, m := range c.Maps {
		if m.Data != nil {
			m.Flags |= spec.FlagMmapable
		}
	}
	return c
}

// functionsOf returns n programs that each call a function of one name and other code.
func functionsOf(n int) *spec.Collection {
	c := programsOf(n)
	for i, p := range c.Programs {
		call := p.Insns.At(1)
		call.Insn = asm.CallFunc("helper")
		p.Insns.Set(1, call)
		more := []spec.Insn{
			{Insn: asm.Mov64Imm(asm.R0, int32(i)), Func: &btf.FuncInfo{Name: "helper"}},
			{Insn: asm.Exit()},
		}
		p.Insns = spec.NewInsns(append(p.Insns.Slice(), more...)...)
	}
	return objectOf(c)
}

func growObject(c *spec.Collection) Call {
	return func() error { _, err := elfwrite.Write(c); return err }
}

// growLink links two objects of n maps and programs each.
func growLink(n int) (Call, error) {
	var objects []elflink.Object
	for i := range 2 {
		c := objectOf(mapsOf(n))
		if err := renameAll(c, fmt.Sprint("_of_", i)); err != nil {
			return nil, err
		}
		b, err := elfwrite.Write(objectOf(c))
		if err != nil {
			return nil, err
		}
		objects = append(objects, elflink.Object{Name: fmt.Sprint(i), Data: b})
	}
	return func() error { _, err := elflink.Link(objects...); return err }, nil
}

// programsOf returns n programs of fifty instructions, each with a map that they look at.
func programsOf(n int) *spec.Collection {
	c := &spec.Collection{License: "GPL"}
	for i := range n {
		name, m := fmt.Sprintf("program_%d", i), fmt.Sprintf("map_%d", i)
		c.Maps = append(c.Maps, &spec.Map{Name: m, Section: ".maps", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 16})
		c.Programs = append(c.Programs, &spec.Program{Name: name, Section: "xdp", Type: spec.ProgramXDP, Insns: code(name, 50, func(i int) spec.Insn {
			if i == 7 {
				return spec.Insn{Insn: asm.LoadMap(asm.R1, m)}
			}
			return jumpy(i)
		})})
		c.Attach = append(c.Attach, spec.Attach{Program: name, Kind: spec.HookXDP, Target: "eth0"})
	}
	return c
}

// mapsOf is the same.
func mapsOf(n int) *spec.Collection { return programsOf(n) }

// varsOf returns n variables in sections of ten, and programs of which each refers to ten of them.
func varsOf(n int) *spec.Collection {
	c := &spec.Collection{License: "GPL"}
	for i := range n {
		section := fmt.Sprintf(".data.%d", i/10)
		if i%10 == 0 {
			c.Maps = append(c.Maps, &spec.Map{Name: section, Section: section, Type: spec.MapArray, KeySize: 4, ValueSize: 80, MaxEntries: 1, Data: make([]byte, 80)})
		}
		c.Vars = append(c.Vars, &spec.Var{Name: fmt.Sprintf("variable_%d", i), Section: section, Map: section, Offset: uint32(i % 10 * 8), Size: 8})
	}
	for k := 0; k < n; k += 10 {
		name := fmt.Sprintf("program_%d", k)
		c.Programs = append(c.Programs, &spec.Program{Name: name, Section: "xdp", Type: spec.ProgramXDP, Insns: code(name, 40, func(i int) spec.Insn {
			if i%4 == 1 {
				return spec.Insn{Insn: asm.LoadVar(asm.R1, c.Vars[min(k+i/4, n-1)].Name, 0)}
			}
			return spec.Insn{}
		})})
	}
	return c
}

// growDedup removes the duplicates of types that come from four tables.
func growDedup(n int) (Call, error) {
	var b btf.Builder
	for range 4 {
		number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
		last := number
		for i := range n / 8 {
			s := b.Add(&btf.Struct{Name: fmt.Sprintf("item_%d", i), Size: 16, Members: []btf.Member{{Name: "a", Type: number}, {Name: "next", Type: last, Offset: 64}}})
			last = b.Add(&btf.Pointer{Type: s})
		}
	}
	types, err := b.Types()
	if err != nil {
		return nil, err
	}
	return func() error { _, _, err := types.Dedup(); return err }, nil
}

// growPlan completes, evaluates and shows a plan of n attachments, each of its own program.
func growPlan(n int) (Call, error) {
	before := programsOf(n)
	after := before.Clone()
	before.Attach = nil
	return func() error {
		p := plan.Plan{Objects: []plan.Object{{Name: "o", Source: "o.bpf.o", Before: before, After: after}}}
		if err := p.Objects[0].Complete(nil); err != nil {
			return err
		}
		p.Require(false)
		p.Decisions = policy.BuiltIn().Evaluate(nil, policy.Accesses(policy.Final{Collections: []policy.Input{{Object: "o.bpf.o", Collection: after}}}))
		if err := p.WriteText(new(strings.Builder), plan.TextOptions{}); err != nil {
			return err
		}
		_, err := p.MarshalJSON()
		return err
	}, nil
}

// growFind finds everything by its name.
func growFind(c *spec.Collection) Call {
	return func() error {
		x := spec.NewIndex(c)
		for _, p := range c.Programs {
			if x.Program(p.Name) != p {
				return fmt.Errorf("found another program")
			}
		}
		for _, m := range c.Maps {
			if x.Map(m.Name) != m {
				return fmt.Errorf("found another map")
			}
		}
		for _, v := range c.Vars {
			if x.Var(v.Name) != v {
				return fmt.Errorf("found another variable")
			}
		}
		return nil
	}
}

// growRemove removes every program but one with its map, found by name, and renames the last map
// each time.
func growRemove(n int) (Call, error) {
	whole := programsOf(n)
	return func() error {
		c := whole.Clone()
		x := spec.NewIndex(c)
		last := c.Maps[n-1].Name
		for i := range n - 1 {
			x.RemoveProgram(x.Program(fmt.Sprintf("program_%d", i)))
			x.RemoveMap(x.Map(fmt.Sprintf("map_%d", i)))
			to := fmt.Sprintf("last_%d", i)
			if err := x.RenameMap(last, to); err != nil {
				return err
			}
			last = to
		}
		if len(c.Programs) != 1 || len(c.Maps) != 1 {
			return fmt.Errorf("%d programs and %d maps are left", len(c.Programs), len(c.Maps))
		}
		return nil
	}, nil
}

// growRename renames everything.
func growRename(whole *spec.Collection) Call {
	return func() error { return renameAll(whole.Clone(), "_new") }
}

// renameAll appends to the names of programs, maps and variables.
func renameAll(c *spec.Collection, suffix string) error {
	x := spec.NewIndex(c)
	for _, p := range c.Programs {
		if err := x.RenameProgram(p.Name, p.Name+suffix); err != nil {
			return err
		}
	}
	for _, m := range c.Maps {
		if err := x.RenameMap(m.Name, m.Name+suffix); err != nil {
			return err
		}
	}
	for _, v := range c.Vars {
		if err := x.RenameVar(v.Name, v.Name+suffix); err != nil {
			return err
		}
	}
	return nil
}

// TestGrowth prints how time grows with the size of the input.
func TestGrowth(t *testing.T) {
	if *rounds <= 0 {
		t.Skip("run with -rounds 3 to measure")
	}
	var all []Grown
	for _, g := range growths() {
		if !strings.Contains(g.Name+" "+g.Unit, *only) {
			continue
		}
		grown, err := Grow(g, Options{Rounds: *rounds, Each: *each / 5})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, grown)
		if *gate && grown.Missed() {
			t.Errorf("%s: exponents %.2f and %.2f, goals %.1f and %.1f", g.Name, median(grown.All), median(grown.Last), GrowthGoal, LastGoal)
		}
	}
	if err := PrintGrowth(os.Stdout, all); err != nil {
		t.Fatal(err)
	}
}

// TestGrowthWorks does each work once on a small input, so that the rows do not rot.
func TestGrowthWorks(t *testing.T) {
	for _, g := range growths() {
		f, err := g.Make(g.From)
		if err != nil {
			t.Fatalf("%s: %v", g.Name, err)
		}
		if err := f(); err != nil {
			t.Errorf("%s of %d %ss: %v", g.Name, g.From, g.Unit, err)
		}
	}
}

// TestGrow holds which sizes are measured, and the exponents and the table of figures.
func TestGrow(t *testing.T) {
	g := Growth{Name: "walk", Unit: "step", Max: 1000, From: 100}
	if d := fmt.Sprint(g.sizes()); d != "[125 250 500 1000]" {
		t.Error(d)
	}
	points := func(x float64) (out []Point) {
		for _, n := range g.sizes() {
			out = append(out, Point{n, 1e-6 * math.Pow(float64(n), x)})
		}
		return out
	}
	if x := exponent(points(1.5)); math.Abs(x-1.5) > 1e-9 {
		t.Errorf("exponent %v", x)
	}
	if last := lastDecade([]Point{{10, 1}, {40, 1}, {100, 1}, {400, 1}}); len(last) != 3 {
		t.Errorf("last decade %v", last)
	}
	var out strings.Builder
	err := PrintGrowth(&out, []Grown{
		{g, points(1), []float64{1, 1.05, 1.2}, []float64{1.1, 1.2, 1.4}},
		{g, points(1.2), []float64{1.2}, []float64{1.2}},
		{g, points(1)[:2], []float64{1}, []float64{1}},
	})
	const want = `growth  sizes              time of the last  exponent  [min .. max]    last decade  [min .. max]    goals
walk    125 .. 1000 steps  1000 ns/step      1.05      [1.00 .. 1.20]  1.20         [1.10 .. 1.40]  <= 1.1, 1.3
walk    125 .. 1000 steps  3981 ns/step      1.20      [1.20 .. 1.20]  1.20         [1.20 .. 1.20]  <= 1.1, 1.3 MISSED
walk    125 .. 250 steps   1000 ns/step      1.00      [1.00 .. 1.00]  1.00         [1.00 .. 1.00]  <= 1.1, 1.3 MISSED: more than 250 takes too long
`
	if err != nil || out.String() != want {
		t.Errorf("%v, got\n%s", err, out.String())
	}
	calls := 0
	g.Make = func(n int) (Call, error) { return func() error { calls++; return nil }, nil }
	if r, err := Grow(g, Options{Rounds: 2, Each: 5 * time.Millisecond}); err != nil || len(r.All) != 2 || len(r.Points) != 4 || calls < 16 {
		t.Errorf("%+v, %v, %d calls", r, err, calls)
	}
}
