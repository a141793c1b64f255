package opt

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// FuzzTransform folds, inlines and prunes programs. Whatever was right before is right afterwards.
func FuzzTransform(f *testing.F) {
	f.Add(".func main\nr1 = var[a] ll\nr0 = *(u32 *)(r1 + 0)\nif r0 == 5 goto L1\ncall f\nL1: exit\n.func f\nr6 = 1\nif r1 == 0 goto L2\nexit\nL2: r0 = 0\nexit")
	f.Add(".func main\nr6 = 1\ncall f\ncall f\nr0 = r6\nexit\n.func f\nr6 = 2\n*(u64 *)(r10 - 8) = r6\nr2 = r10\nr2 += -8\ncall g\nexit\n.func g\nr1 = func[f] ll\nr0 = 0\nexit")
	f.Add("L1: r0 = 1\ngoto L2\nL3: r0 = 2\nL2: if r1 s> 3 goto L3\nr2 = value[.rodata] + 4 ll\nexit")
	f.Add("r1 = map[m] ll\n.raw 0x00000000000000ff\nmay_goto L1\nL1: gotox r1\nexit")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := asm.Parse(text)
		if err != nil || len(l.Insns) > 2000 {
			return
		}
		p := &spec.Program{Name: "main", Type: spec.ProgramXDP, LabelNames: l.LabelNames}
		var insns []spec.Insn
		for i, in := range l.Insns {
			x := spec.Insn{Insn: in}
			if n, ok := l.Funcs[i]; ok {
				x.Func = &btf.FuncInfo{Name: n}
			}
			insns = append(insns, x)
		}
		p.Insns = spec.NewInsns(insns...)
		c := constants(p)
		if c.Check() != nil {
			return
		}
		check := func(what string) {
			t.Helper()
			if err := c.Check(); err != nil {
				t.Fatalf("%s: %v\nof\n%s", what, err, text)
			}
		}
		for i, n := 0, 0; i < p.Insns.Len() && n < 20; i++ {
			if p.Insns.At(i).Op == asm.OpCall && Inline(p, i) == nil {
				check("inline")
				n++
			}
		}
		if _, err := Fold(c); err != nil {
			t.Fatal(err)
		}
		check("fold")
		if _, err := Prune(c, PruneOptions{}); err != nil {
			t.Fatal(err)
		}
		if c.Programs[0].Insns.Len() == 0 {
			t.Fatalf("nothing is left of\n%s", text)
		}
		check("prune")
	})
}
