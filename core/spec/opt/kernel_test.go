package opt_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/core/spec/opt"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// run loads a collection and runs its first program, an XDP program, on an empty packet.
func run(t *testing.T, c *spec.Collection) uint32 {
	t.Helper()
	got, err := loader.Load(c, loader.Options{})
	if errors.Is(err, loader.ErrPermission) || errors.Is(err, loader.ErrNotSupported) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, c)
	}
	defer got.Close()
	r, err := got.Program(c.Programs[0].Name).TestRun(loader.TestRunOptions{Data: make([]byte, 64)})
	if err != nil {
		t.Fatal(err)
	}
	return r.Ret
}

// xdp makes a collection of one XDP program.
func xdp(t *testing.T, text string) *spec.Collection {
	t.Helper()
	l, err := asm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p := &spec.Program{Name: "test", Type: spec.ProgramXDP, LabelNames: l.LabelNames}
	var insns []spec.Insn
	for i, in := range l.Insns {
		x := spec.Insn{Insn: in}
		if name, ok := l.Funcs[i]; ok {
			x.Func = &btf.FuncInfo{Name: name}
		}
		insns = append(insns, x)
	}
	p.Insns = spec.NewInsns(insns...)
	return &spec.Collection{License: "GPL", Programs: []*spec.Program{p}}
}

// TestInlineOnKernel inlines call after call, and demands the same result each time.
func TestInlineOnKernel(t *testing.T) {
	c := xdp(t, `
	.func main
	*(u64 *)(r10 - 16) = 100
	r6 = 7
	r7 = r1
	r1 = 3
	call mix
	r6 += r0
	r1 = 5
	call mix
	r6 += r0
	r1 = *(u64 *)(r10 - 16)
	r6 += r1
	r0 = *(u32 *)(r7 + 4)
	r1 = *(u32 *)(r7 + 0)
	r0 -= r1
	r0 += r6
	exit
	.func mix
	*(u64 *)(r10 - 8) = r1
	r6 = r10
	r6 += -8
	r7 = 0
L1:	r7 += 2
	r1 = *(u64 *)(r6 + 0)
	if r1 == 0 goto L2
	r1 += -1
	*(u64 *)(r6 + 0) = r1
	call twice
	r7 += r0
	if r7 < 40 goto L1
	r0 = r7
	exit
L2:	r0 = r7
	r0 *= 3
	exit
	.func twice
	r0 = r1
	r0 *= 2
	exit`)
	want := run(t, c)
	if want == 0 {
		t.Fatal("the program gives nothing")
	}
	p := c.Programs[0]
	n := 0
	for ; n < 10; n++ {
		at := -1
		for i, in := range p.Insns.All() {
			if in.Op == asm.OpCall && in.Src == asm.PseudoCall {
				at = i
			}
		}
		if at < 0 {
			break
		}
		if err := opt.Inline(p, at); err != nil {
			t.Fatal(err)
		}
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		if got := run(t, c); got != want {
			t.Fatalf("after call %d was inlined the program gives %d, not %d\n%s", n, got, want, c)
		}
	}
	if n != 3 || strings.Contains(c.String(), ".func mix") {
		t.Errorf("%d calls were inlined\n%s", n, c)
	}
	g, err := opt.Graph(p)
	if err != nil || len(g.Funcs) != 1 {
		t.Errorf("%d functions are left, %v", len(g.Funcs), err)
	}
}

// TestFoldOnKernel folds and prunes a program, which then returns the same and needs no map.
func TestFoldOnKernel(t *testing.T) {
	make := func(debug byte) *spec.Collection {
		c := xdp(t, `
	.func main
	r6 = 1
	r1 = var[debug] ll
	r1 = *(u8 *)(r1 + 0)
	if w1 == 0 goto L1
	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[log] ll
	call bpf_map_lookup_elem#1
	if r0 == 0 goto L1
	r6 = *(u32 *)(r0 + 0)
	call count
	r6 += r0
L1:	r1 = var[factor] ll
	r1 = *(u32 *)(r1 + 0)
	r6 *= r1
	r0 = r6
	exit
	.func count
	r0 = 70
	exit`)
		c.Maps = []*spec.Map{
			{Name: "log", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1},
			{Name: ".rodata", Section: ".rodata", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1,
				Flags: spec.FlagReadOnlyProg, Freeze: true, Data: []byte{debug, 0, 0, 0, 6, 0, 0, 0}},
		}
		c.Vars = []*spec.Var{{Name: "debug", Map: ".rodata", Section: ".rodata", Size: 1}, {Name: "factor", Map: ".rodata", Section: ".rodata", Offset: 4, Size: 4}}
		return c
	}
	for debug, maps := range []int{0, 1} {
		c := make(byte(debug))
		want := run(t, c)
		if _, err := opt.Fold(c); err != nil {
			t.Fatal(err)
		}
		folded := c.Clone()
		if _, err := opt.Prune(c, opt.PruneOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := run(t, c); got != want || len(c.Maps) != maps {
			t.Errorf("debug %d: the program gives %d, not %d, with %d maps\n%s", debug, got, want, len(c.Maps), c)
		}
		if folded.Programs[0].FindFunc("count") < 0 {
			t.Error("folding alone removed a function")
		}
	}
}

// TestPruneObjects leaves one program after the other of compiled objects alone, folds and prunes,
// and loads what is left.
func TestPruneObjects(t *testing.T) {
	run(t, xdp(t, "r0 = 1\nexit")) // skips without a kernel
	removed := 0
	for _, name := range []string{"basic", "maps", "legacy"} {
		b, err := os.ReadFile("../../elf/testdata/" + name + "-el.o")
		if err != nil {
			t.Fatal(err)
		}
		all, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range all.Programs {
			t.Run(name+" "+p.Name, func(t *testing.T) {
				c := all.Clone()
				c.Programs = c.Programs[i : i+1]
				c.Attach = nil
				for _, m := range c.Maps {
					m.Pinning = spec.PinNone
					m.Values = nil
				}
				if n := lint.Requirements(c); len(n.Causes) > 0 {
					testenv.NeedKernel(t, n.Kernel.String(), n.Causes[0].What)
				}
				before, err := loader.Load(c, loader.Options{})
				if err != nil {
					t.Fatalf("it does not load as it is: %v", err)
				}
				before.Close()
				if _, err := opt.Fold(c); err != nil {
					t.Fatal(err)
				}
				pruned, err := opt.Prune(c, opt.PruneOptions{})
				if err != nil {
					t.Fatal(err)
				}
				removed += len(pruned.Maps)
				if err := c.Check(); err != nil {
					t.Fatal(err)
				}
				after, err := loader.Load(c, loader.Options{})
				if err != nil {
					t.Fatalf("%v\n%+v\n%s", err, pruned, c)
				}
				for _, n := range after.Notes() {
					t.Errorf("note: %s", n.Text)
				}
				after.Close()
			})
		}
	}
	if removed == 0 {
		t.Error("no map was removed")
	}
}
