package lint_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
)

// needed is "5.17 calls of bpf_loop | optional", for kernels of which the first is needed.
func needed(r spec.Requirements) string {
	var b strings.Builder
	b.WriteString(r.Kernel.String())
	for i, list := range [][]spec.Requirement{r.Causes, r.Optional} {
		between := []string{" ", " | "}[i]
		for _, n := range list {
			fmt.Fprintf(&b, "%s%s (%v)", between, n.What, n.Since)
			between = ", "
		}
	}
	return b.String()
}

// TestRequirements tells code that all kernels look at from what they may skip.
func TestRequirements(t *testing.T) {
	const tai, guard = "call bpf_ktime_get_tai_ns\n", "core r2 = 7\nif r2 == 0 goto L1\n"
	for _, tt := range []struct{ name, text, want string }{
		{"no check", tai + "exit", "6.1 calls of bpf_ktime_get_tai_ns (6.1)"},
		{"CO-RE result", guard + tai + "L1: r0 = 0\nexit", "5.10 | calls of bpf_ktime_get_tai_ns (6.1)"},
		{"either way", guard + tai + "L1: call bpf_ktime_get_coarse_ns\nexit", "5.11 calls of bpf_ktime_get_coarse_ns (5.11) | calls of bpf_ktime_get_tai_ns (6.1)"},
		{"arithmetic", "core r2 = 7\nw2 *= 3\nr3 = 1\nr3 <<= r2\nif r3 s> 5 goto L1\n" + tai + "L1: r0 = 0\nexit", "5.10 | calls of bpf_ktime_get_tai_ns (6.1)"},
		{"with what the packet says", "r3 = *(u32 *)(r1 + 12)\ncore r2 = 7\nr2 &= r3\nif r2 == 0 goto L1\n" + tai + "L1: r0 = 0\nexit", "6.1 calls of bpf_ktime_get_tai_ns (6.1)"},
		{"relocated offset", "core r2 = *(u32 *)(r1 + 12)\nif r2 == 0 goto L1\n" + tai + "L1: r0 = 0\nexit", "6.1 calls of bpf_ktime_get_tai_ns (6.1)"},
		{"configuration", "r2 = var[configured] ll\nr2 = *(u64 *)(r2 + 0)\nif r2 == 0 goto L1\n" + tai + "L1: r0 = 0\nexit", "5.10 | calls of bpf_ktime_get_tai_ns (6.1)"},
		{"somewhere in constants", "r3 = *(u32 *)(r1 + 12)\nr2 = var[fixed] ll\nr2 += r3\nr2 = *(u64 *)(r2 + 0)\nif r2 == 0 goto L1\n" + tai + "L1: r0 = 0\nexit", "6.1 calls of bpf_ktime_get_tai_ns (6.1)"},
		{"constant that is 0", "r2 = var[fixed] ll\nr2 = *(u64 *)(r2 + 0)\nif r2 == 0 goto L1\n" + tai + "L1: r0 = 0\nexit", "5.10 | calls of bpf_ktime_get_tai_ns (6.1)"},
		{"constant that is not 1", "r2 = var[fixed] ll\nr2 = *(u64 *)(r2 + 0)\nif r2 == 1 goto L1\n" + tai + "L1: r0 = 0\nexit", "6.1 calls of bpf_ktime_get_tai_ns (6.1)"},
		{"variable", "r2 = var[free] ll\nr2 = *(u64 *)(r2 + 0)\nif r2 == 0 goto L1\n" + tai + "L1: r0 = 0\nexit", "6.1 calls of bpf_ktime_get_tai_ns (6.1)"},
		{"symbol", "r2 = ksym[x] ll\nif r2 == 0 goto L1\n" + tai + "L1: r0 = 0\nexit", "5.10 | calls of bpf_ktime_get_tai_ns (6.1)"},
		{"function", ".func main\n" + guard + "call f\nL1: r0 = 0\nexit\n.func f\n" + tai + "exit", "5.10 | calls of bpf_ktime_get_tai_ns (6.1)"},
		{"condition in a function", ".func main\ncall f\nr0 = 0\nexit\n.func f\nif r1 == 0 goto L2\n" + tai + "L2: r0 = 0\nexit", "6.1 calls of bpf_ktime_get_tai_ns (6.1)"},
		{"global function", ".func main\n" + guard + "call global\nL1: r0 = 0\nexit\n.func global\n" + tai + "exit", "6.1 calls of bpf_ktime_get_tai_ns (6.1)"},
		{"after an exception", "r6 = r1\nif r6 == 7 goto L1\nr1 = 0\ncall kfunc[bpf_throw]\nL1: " + tai + "exit", "6.1 calls of bpf_ktime_get_tai_ns (6.1), calls of kernel functions (5.13)"},
		{"kernel function", guard + "call kfunc[f]\nL1: r0 = 0\nexit", "5.13 calls of kernel functions (5.13)"},
		{"kernel function that may be missing", "call kfunc[maybe]\nr0 = 0\nexit", "5.10 | calls of kernel functions (5.13)"},
		{"signed division", "r0 = 7\n" + guard + "r0 s/= 2\nL1: exit", "5.10 | instructions of -mcpu=v4 (6.6)"},
		{"byte swap", "r0 = 7\n" + guard + "r0 = bswap32 r0\nL1: exit", "6.6 instructions of -mcpu=v4 (6.6)"},
		{"sign-extending load", "*(u64 *)(r10 - 8) = 1\n" + guard + "r0 = *(s8 *)(r10 - 8)\nL1: r0 = 0\nexit", "6.6 instructions of -mcpu=v4 (6.6)"},
		{"may_goto", "r0 = 0\n" + guard + "may_goto L1\nr0 = 1\nL1: exit", "6.9 may_goto instructions (6.9)"},
		{"exchange", "*(u64 *)(r10 - 8) = 1\nr0 = 2\n" + guard + "r0 = xchg_64(r10 - 8, r0)\nL1: exit", "5.12 atomic instructions other than add (5.12)"},
		{"load-acquire", "*(u64 *)(r10 - 8) = 1\nr0 = 2\n" + guard + "r0 = load_acquire((u64 *)(r10 - 8))\nL1: exit",
			"5.12 atomic instructions other than add (5.12) | load-acquire and store-release instructions (6.15)"},
		{"load-acquire of a byte", "*(u64 *)(r10 - 8) = 1\nr0 = 2\n" + guard + "r0 = load_acquire((u8 *)(r10 - 8))\nL1: exit", "6.15 load-acquire and store-release instructions (6.15)"},
		{"callback", guard + "r2 = func[each] ll\nL1: r0 = 0\nexit\n.func each\nr0 = 0\nexit", "5.13 callbacks (5.13)"},
		{"unknown jumps", "r2 = *(u64 *)(r1 + 0)\ngotox r2\n" + guard + tai + "L1: r0 = 0\nexit", "6.19 gotox instructions (6.19), calls of bpf_ktime_get_tai_ns (6.1)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, needed(lint.Requirements(guarded(t, tt.text)))); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// guarded is a collection whose function global is one for its types.
func guarded(t *testing.T, text string) *spec.Collection {
	c := collection(t, spec.ProgramXDP, text)
	c.Externs = []spec.Extern{{Name: "maybe", Kind: spec.ExternKfunc, Weak: true}, {Name: "f", Kind: spec.ExternKfunc}}
	var b btf.Builder
	f := b.Add(&btf.Func{Name: "global", Type: b.Add(&btf.FuncProto{}), Linkage: btf.LinkGlobal})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	c.BTF = types
	c.Programs[0].Insns.Edit(func(insns []spec.Insn) {
		for i := range insns {
			if fn := insns[i].Func; fn != nil && fn.Name == "global" {
				insns[i].Func = &btf.FuncInfo{Name: fn.Name, Type: f}
			}
		}
	})
	return c
}

// TestRequirementsLarge has much code after one check, and much that is reached only after many: what is
// found out about them stays within the bound on work.
func TestRequirementsLarge(t *testing.T) {
	const n, tai = 5000, "call bpf_ktime_get_tai_ns\nr0 = *(u32 *)(r6 + 12)\n"
	var after, between strings.Builder
	after.WriteString("r6 = r1\nr0 = 0\ncore r2 = 7\nif r2 == 0 goto L0\n")
	between.WriteString("r6 = r1\nr0 = 0\n")
	for i := range n {
		fmt.Fprintf(&after, "if r0 == %d goto L%d\n%sL%[2]d: r0 += 1\n", i, i+1, tai)
		fmt.Fprintf(&between, "core r2 = %d\nif r2 == 0 goto L%d\n%sL%[2]d: r0 = *(u32 *)(r6 + 12)\n", i, i+1, tai)
	}
	after.WriteString("L0: r0 = 0\nexit")
	between.WriteString("call bpf_ktime_get_coarse_ns\nexit")
	for text, want := range map[string]string{
		after.String():   "5.10 | calls of bpf_ktime_get_tai_ns (6.1)",
		between.String(): "5.11 calls of bpf_ktime_get_coarse_ns (5.11) | calls of bpf_ktime_get_tai_ns (6.1)",
	} {
		if got := needed(lint.Requirements(collection(t, spec.ProgramXDP, text))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// guardedNeeds is what programs of guarded.c need.
var guardedNeeds = map[string]string{
	"by_value":    "5.10 | calls of bpf_ktime_get_tai_ns (6.1)",
	"by_type":     "5.10 | calls of bpf_strncmp (5.17)",
	"by_field":    "5.10 | calls of bpf_ktime_get_coarse_ns (5.11)",
	"by_version":  "5.10 | calls of bpf_ktime_get_tai_ns (6.1)",
	"by_symbol":   "5.10 | calls of bpf_ktime_get_tai_ns (6.1)",
	"by_constant": "5.10 | calls of bpf_ktime_get_tai_ns (6.1)",
	"by_function": "5.10 | calls of bpf_ktime_get_tai_ns (6.1), calls of bpf_ktime_get_coarse_ns (5.11)",
	"by_global":   "5.11 calls of bpf_ktime_get_coarse_ns (5.11)",
	"after":       "5.11 calls of bpf_ktime_get_coarse_ns (5.11)",
	"by_packet":   "5.11 calls of bpf_ktime_get_coarse_ns (5.11)",
}

// guardedPrograms are the programs of guarded.c, each in a collection without the others.
func guardedPrograms(t *testing.T) map[string]*spec.Collection {
	t.Helper()
	b, err := os.ReadFile("../../elf/testdata/guarded-el.o")
	if err != nil {
		t.Fatal(err)
	}
	all, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]*spec.Collection)
	for i, p := range all.Programs {
		c := all.Clone()
		c.Programs = c.Programs[i : i+1]
		out[p.Name] = c
	}
	return out
}

func TestRequirementsCompiled(t *testing.T) {
	got := make(map[string]string)
	for name, c := range guardedPrograms(t) {
		got[name] = needed(lint.Requirements(c))
	}
	if d := cmp.Diff(guardedNeeds, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestRequirementsOnKernel holds needs against the kernel: it loads what it has everything for, and
// nothing else.
func TestRequirementsOnKernel(t *testing.T) {
	k := needKernel(t)
	for name, c := range guardedPrograms(t) {
		needs := lint.Requirements(c)
		if err := loads(k, c); (err == nil) == k.Before(needs.Kernel) {
			t.Errorf("%s: needs %v: %v", name, needs.Kernel, err)
		}
	}
	// Of these kernels look at operation codes before they follow control, or do not.
	const guard = "r2 = 0\nif r2 == 0 goto L1\n"
	for name, text := range map[string]string{
		"signed division":        "r0 = 7\n" + guard + "r0 s/= 2\nL1: exit",
		"sign extension":         "r0 = 7\n" + guard + "r0 = (s8)r0\nL1: exit",
		"byte swap":              "r0 = 7\n" + guard + "r0 = bswap32 r0\nL1: exit",
		"sign-extending load":    "*(u64 *)(r10 - 8) = 1\n" + guard + "r0 = *(s8 *)(r10 - 8)\nL1: r0 = 0\nexit",
		"may_goto":               "r0 = 0\n" + guard + "may_goto L1\nr0 = 1\nL1: exit",
		"exchange":               "*(u64 *)(r10 - 8) = 1\nr0 = 2\n" + guard + "r0 = xchg_64(r10 - 8, r0)\nL1: exit",
		"load-acquire":           "*(u64 *)(r10 - 8) = 1\nr0 = 2\n" + guard + "r0 = load_acquire((u64 *)(r10 - 8))\nL1: exit",
		"load-acquire of a byte": "*(u64 *)(r10 - 8) = 1\nr0 = 2\n" + guard + "r0 = load_acquire((u8 *)(r10 - 8))\nL1: exit",
	} {
		c := collection(t, spec.ProgramXDP, text)
		c.Maps, c.Vars = nil, nil
		needs := lint.Requirements(c)
		if err := loads(k, c); (err == nil) == k.Before(needs.Kernel) {
			t.Errorf("%s: needs %s: %v", name, needed(needs), err)
		}
	}
}
