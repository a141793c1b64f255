package opt

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// PruneOptions say what Prune leaves alone. The zero value removes all that nothing needs.
type PruneOptions struct {
	KeepMaps []string // maps that user space needs although no program uses them
	CodeOnly bool     // remove no maps
}

// Pruned is what Prune removed.
type Pruned struct {
	Programs []PrunedProgram // those that changed
	Maps     []string
	Vars     []string // variables of these maps
}

// PrunedProgram is what Prune removed of a program.
type PrunedProgram struct {
	Program     string
	Unreachable int      // instructions that control cannot get to
	Useless     int      // instructions whose result nobody uses
	Funcs       []string // functions that nothing calls
}

// Prune removes from all programs the code that control cannot get to, functions that nothing calls,
// and instructions whose only effect is a result that nobody uses; then maps that nothing refers to
// any more, with their variables, and values of the kernel's configuration among these. It reports
// what it removed. On error nothing has changed.
//
// A map stays if an instruction refers to it, a map of maps that stays has it as an initial value, it
// is pinned by its name (others may use it), it is of type struct_ops, or PruneOptions says so.
// Functions where jumps go to addresses in registers, and whatever stands beside instructions that
// are not known, are not touched.
func Prune(c *spec.Collection, o PruneOptions) (Pruned, error) {
	var out Pruned
	programs := make([]*spec.Program, len(c.Programs))
	for i, p := range c.Programs {
		programs[i] = p.Clone()
		done, err := prune(programs[i])
		if err != nil {
			return Pruned{}, fmt.Errorf("prune program %s: %w", quote.Quoted(p.Name), err)
		}
		if done.Unreachable+done.Useless > 0 {
			out.Programs = append(out.Programs, done)
		}
	}
	for i, q := range programs {
		*c.Programs[i] = *q
	}
	if !o.CodeOnly {
		pruneMaps(c, o, &out)
	}
	return out, nil
}

func prune(p *spec.Program) (PrunedProgram, error) {
	out := PrunedProgram{Program: p.Name}
	if p.Insns.Len() == 0 || p.Exception != "" { // what bpf_throw calls is reached by no jump
		return out, nil
	}
	g, err := Graph(p)
	if err != nil {
		return out, err
	}
	gone := make([]bool, p.Insns.Len())
	for b := range g.Blocks {
		bl := &g.Blocks[b]
		for i := bl.Start; i < bl.End && !bl.Reachable; i++ {
			gone[i] = true
			out.Unreachable++
		}
	}
	for i := range g.Funcs {
		if f := &g.Funcs[i]; !g.Blocks[f.Block].Reachable {
			out.Funcs = append(out.Funcs, f.Name)
		}
	}
	if err := p.DeleteSet(gone); err != nil {
		return out, err
	}
	out.Useless, err = pruneUseless(p)
	return out, err
}

// pruneUseless removes instructions whose result nobody uses, and jumps to what comes next anyway.
func pruneUseless(p *spec.Program) (int, error) {
	g, err := Graph(p)
	if err != nil {
		return 0, err
	}
	live := g.Live()
	insns := p.Insns.Slice()
	gone := make([]bool, len(insns))
	n := 0
	for b := range g.Blocks {
		live.Block(b, func(i int, after asm.RegSet) {
			if g.Insns[i].Dead(after) {
				gone[i] = true
				n++
			}
		})
	}
	heirs := p.Heirs(gone)
	for i := len(insns) - 2; i >= 0; i-- {
		to := g.Target(i)
		if op := insns[i].Op; op != asm.OpJump && op != asm.OpJumpLong || to <= i || insns[i].Flags&asm.Raw != 0 {
			continue
		}
		if insns[i+1].Func == nil && heirs[i+1] >= 0 && heirs[i+1] == heirs[to] {
			gone[i] = true
			heirs[i] = heirs[i+1]
			n++
		}
	}
	return n, p.DeleteSet(gone)
}

// pruneMaps removes maps that nothing refers to.
func pruneMaps(c *spec.Collection, o PruneOptions, out *Pruned) {
	used := usedMaps(c, o)
	gone := make(map[string]bool)
	for _, m := range c.Maps {
		if !used[m.Name] {
			gone[m.Name] = true
			out.Maps = append(out.Maps, m.Name)
		}
	}
	if len(gone) == 0 {
		return
	}
	configs := make(map[string]bool)
	for _, v := range c.Vars {
		if gone[v.Map] {
			out.Vars = append(out.Vars, v.Name)
			configs[v.Name] = true
		}
	}
	c.Maps = slices.DeleteFunc(c.Maps, func(m *spec.Map) bool { return gone[m.Name] })
	c.Vars = slices.DeleteFunc(c.Vars, func(v *spec.Var) bool { return gone[v.Map] })
	c.Externs = slices.DeleteFunc(c.Externs, func(e spec.Extern) bool { return e.Kind == spec.ExternKconfig && configs[e.Name] })
}

// usedMaps returns the names of the maps that stay.
func usedMaps(c *spec.Collection, o PruneOptions) map[string]bool {
	byName := make(map[string]*spec.Map, len(c.Maps))
	for _, m := range c.Maps {
		byName[m.Name] = m
	}
	varMap := make(map[string]string, len(c.Vars))
	for _, v := range c.Vars {
		varMap[v.Name] = v.Map
	}
	used := make(map[string]bool)
	var todo []string
	use := func(name string) {
		if !used[name] {
			used[name] = true
			todo = append(todo, name)
		}
	}
	for _, name := range o.KeepMaps {
		use(name)
	}
	for _, m := range c.Maps {
		if m.Pinning != spec.PinNone || m.Type == spec.MapStructOps {
			use(m.Name)
		}
	}
	for _, p := range c.Programs {
		for _, r := range p.Insns.All() {
			switch r.Ref {
			case asm.RefMap, asm.RefMapValue:
				use(r.Symbol)
			case asm.RefVar:
				use(varMap[r.Symbol])
			}
		}
	}
	for len(todo) > 0 {
		m := byName[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		if m == nil || !m.Type.HoldsMaps() {
			continue
		}
		for _, v := range m.Values {
			use(v.Name)
		}
	}
	return used
}
