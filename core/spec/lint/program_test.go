package lint_test

import (
	stdcmp "cmp"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
)

// collection makes a collection of one program, under the GPL. Lines that begin with "core" have a
// CO-RE record, and there are variables fixed, of .rodata, configured, of .kconfig, and free.
func collection(t testing.TB, typ spec.ProgramType, text string) *spec.Collection {
	t.Helper()
	var lines []string
	relocated := map[string]bool{}
	for _, line := range strings.Split(text, "\n") {
		line, core := strings.CutPrefix(strings.TrimSpace(line), "core ")
		if lines = append(lines, line); core {
			relocated[line] = true
		}
	}
	l, err := asm.Parse(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	p := &spec.Program{Name: "p", Type: typ, LabelNames: l.LabelNames}
	var insns []spec.Insn
	for i, in := range l.Insns {
		x := spec.Insn{Insn: in}
		if name, ok := l.Funcs[i]; ok {
			x.Func = &btf.FuncInfo{Name: name}
		}
		if relocated[in.String()] {
			x.Core = &btf.CoreRelo{Kind: btf.CoreExists}
		}
		insns = append(insns, x)
	}
	p.Insns = spec.NewInsns(insns...)
	return &spec.Collection{
		License:  "GPL",
		Programs: []*spec.Program{p},
		Maps: []*spec.Map{
			{Name: ".rodata", Section: ".rodata", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: spec.FlagReadOnlyProg, Freeze: true, Data: make([]byte, 8)},
			{Name: ".kconfig", Section: ".kconfig", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: spec.FlagReadOnlyProg, Freeze: true},
			{Name: ".data", Section: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		},
		Vars: []*spec.Var{
			{Name: "fixed", Map: ".rodata", Size: 8}, {Name: "configured", Map: ".kconfig", Size: 8}, {Name: "free", Map: ".data", Size: 8},
		},
	}
}

// programCases are programs with what is said of them. What has an error is refused by every
// kernel, and what has nothing is accepted by this one.
var programCases = []struct {
	name string
	typ  spec.ProgramType // xdp if it is 0
	text string
	want string // severities, codes, instructions and texts
}{
	{name: "right", text: "r0 = 2\nexit"},
	{name: "falls off", text: "r0 = 2", want: "error falls_off 0: control runs past the end of the function"},
	{name: "jump into a load", text: ".raw 0x0000000000010005\nr0 = 1 ll\nexit", want: "warning insn 0: unknown instruction\nerror jump 0: jump into the middle of a 64-bit load"},
	{name: "unreachable", text: "r0 = 1\nexit\nr0 = 2\nexit", want: "error unreachable 2: unreachable code"},
	{name: "function that nobody calls", text: ".func main\nr0 = 1\nexit\n.func f\nr0 = 2\nexit", want: "error unreachable 2: unreachable code"},
	{name: "frame pointer", text: "r10 = 1\nr0 = 1\nexit", want: "error write_r10 0: write to the frame pointer r10"},
	{name: "frame pointer where kernels do not look", text: "r2 = 0\nif r2 == 0 goto L1\nr10 = 1\nL1: r0 = 1\nexit"},
	{name: "unset", text: "r0 = r5\nexit", want: "error unset_register 0: read of a register that has no value: r5"},
	{name: "no result", text: "exit", want: "error unset_register 0: read of a register that has no value: r0"},
	{name: "below the stack", text: "*(u64 *)(r10 - 600) = 1\nr0 = 0\nexit",
		want: "error stack 0: memory access outside of the stack: r10-600 is not in the 512 bytes below r10"},
	{name: "address below the stack and back", text: "r2 = r10\nr2 += -600\nr2 += 590\n*(u8 *)(r2 + 0) = 1\nr0 = 0\nexit"},
	{name: "deep stack", text: ".func main\n*(u64 *)(r10 - 400) = 1\ncall f\nexit\n.func f\n*(u64 *)(r10 - 400) = 1\nr0 = 0\nexit",
		want: "warning stack_depth -1: a chain of calls needs 800 bytes of stack, and kernels have 512"},
	{name: "recursive", text: ".func main\ncall f\nexit\n.func f\ncall f\nexit", want: "warning stack_depth -1: a function can call itself, so its stack has no bound"},
	{name: "endless", text: "L1: goto L1", want: "warning endless_loop 0: control never leaves this loop"},
	{name: "one way ends", text: "r0 = 0\nif r1 != 0 goto L2\nL1: r0 = 1\ngoto L1\nL2: exit",
		want: "warning endless_loop 3: control never leaves this loop"},
	{name: "loop with an end", text: "r0 = 0\nL1: r0 += 1\nif r0 < 9 goto L1\nexit"},
	{name: "unknown helper", text: "call 9999\nexit", want: "error helper 0: helper 9999 is not known; Linux 6.18 does not have it"},
	{name: "helper of another type", text: "r2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_skb_load_bytes\nr0 = 0\nexit",
		want: "error helper_type 4: xdp programs do not have helper bpf_skb_load_bytes"},
	{name: "helper of its type", typ: spec.ProgramSchedCls, text: "r2 = 0\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_skb_load_bytes\nr0 = 0\nexit"},
	{name: "helper where kernels do not look", text: "r2 = 0\nif r2 == 0 goto L1\ncall 9999\nL1: r0 = 0\nexit"},
	{name: "helper in a function", text: ".func main\nr6 = r1\nif r6 == 5 goto L1\ncall f\nL1: r0 = 0\nexit\n.func f\ncall 9999\nexit",
		want: "error helper 5: helper 9999 is not known; Linux 6.18 does not have it"},
	{name: "helper on one way", text: "r0 = *(u32 *)(r1 + 12)\nif r0 == 5 goto L1\ncall 9999\nL1: r0 = 0\nexit",
		want: "error helper 2: helper 9999 is not known; Linux 6.18 does not have it"},
	{name: "unknown instruction", text: "r0 = 0\n.raw 0x00000000000000ff\nexit", want: "warning insn 1: unknown instruction"},
}

// guardCases are programs in which a helper that is not known is or is not kept from being reached
// by what the loader fills in.
var guardCases = []struct {
	name, text string
	want       bool // there is an error
}{
	{"by a CO-RE result", "core r2 = 7\nif r2 == 0 goto L1\ncall 9999\nL1: r0 = 0\nexit", false},
	{"by what is made of it", "core r2 = 7\nr3 = r2\nr3 <<= 2\nr3 += 1\nif r1 == r3 goto L1\ncall 9999\nL1: r0 = 0\nexit", false},
	{"by a copy on the stack", "core r2 = 7\n*(u64 *)(r10 - 8) = r2\nr3 = *(u64 *)(r10 - 8)\nif r3 == 0 goto L1\ncall 9999\nL1: r0 = 0\nexit", false},
	{"by the configuration", "r2 = var[configured] ll\nr2 = *(u64 *)(r2 + 0)\nif r2 == 0 goto L1\ncall 9999\nL1: r0 = 0\nexit", false},
	{"by the address of a symbol", "r2 = ksym[x] ll\nif r2 == 0 goto L1\ncall 9999\nL1: r0 = 0\nexit", false},
	{"by a variable that is zero", "r2 = var[fixed] ll\nr2 = *(u64 *)(r2 + 0)\nif r2 == 0 goto L1\ncall 9999\nL1: r0 = 0\nexit", false},
	{"by a variable that is not one", "r2 = var[fixed] ll\nr2 = *(u64 *)(r2 + 0)\nif r2 != 1 goto L1\nr0 = 0\nexit\nL1: call 9999\nr0 = 0\nexit", true},
	{"by a variable that may be anything", "r2 = var[free] ll\nr2 = *(u64 *)(r2 + 0)\nif r2 == 0 goto L1\ncall 9999\nL1: r0 = 0\nexit", true},
	{"by an argument", "if r1 == 0 goto L1\ncall 9999\nL1: r0 = 0\nexit", true},
	{"after it", "core r2 = 7\nif r2 == 0 goto L1\nr3 = 1\nL1: call 9999\nr0 = 0\nexit", true},
	{"on both ways", "core r2 = 7\nif r2 == 0 goto L1\ncall 9998\ngoto L2\nL1: call 9999\nL2: r0 = 0\nexit", false},
	{"by two, one of which is enough", "core r2 = 7\nr3 = 0\nif r2 == 0 goto L1\nif r2 == 1 goto L1\nr0 = 0\nexit\nL1: call 9999\nr0 = 0\nexit", false},
	{"by the result of a function", ".func main\ncall f\nif r0 == 0 goto L1\ncall 9999\nL1: r0 = 0\nexit\n.func f\ncore r0 = 7\nexit", false},
	{"in a function that is called so", ".func main\ncore r2 = 7\nif r2 == 0 goto L1\ncall f\nL1: r0 = 0\nexit\n.func f\ncall 9999\nexit", false},
	{"in a loop", "core r2 = 7\nr6 = 0\nL1: r6 += 1\nif r6 > 9 goto L2\nif r2 == 0 goto L1\ncall 9999\nr2 = 0\ngoto L1\nL2: r0 = 0\nexit", false},
	{"by an exception", "r6 = r1\nr1 = 0\ncall kfunc[bpf_throw]\ncall 9999\nexit", false},
}

func TestProgram(t *testing.T) {
	for _, tt := range programCases {
		t.Run(tt.name, func(t *testing.T) {
			c := collection(t, stdcmp.Or(tt.typ, spec.ProgramXDP), tt.text)
			if d := cmp.Diff(tt.want, listing(lint.Program(c, c.Programs[0]))); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// listing is diagnostics as text.
func listing(list []lint.Diagnostic) string {
	var lines []string
	for _, d := range list {
		lines = append(lines, fmt.Sprintf("%v %s %d: %s", d.Severity, d.Code, d.Insn, d.Text))
	}
	return strings.Join(lines, "\n")
}

func TestGuards(t *testing.T) {
	for _, tt := range guardCases {
		t.Run(tt.name, func(t *testing.T) {
			c := collection(t, spec.ProgramXDP, tt.text)
			if list := lint.Program(c, c.Programs[0]); (lint.Errors(list) > 0) != tt.want {
				t.Errorf("want an error: %v, got\n%s", tt.want, listing(list))
			}
		})
	}
}

func TestLicense(t *testing.T) {
	const printk = "r1 = r10\nr1 += -8\n*(u64 *)(r10 - 8) = 0\nr2 = 8\ncall bpf_trace_printk\nr0 = 0\nexit"
	for _, tt := range []struct {
		name, license string
		typ           spec.ProgramType
		text, want    string
	}{
		{"helper", "MIT", spec.ProgramXDP, printk, "error license 4: helper bpf_trace_printk needs a license that is compatible with the GPL"},
		{"helper, none", "", spec.ProgramXDP, printk, "error license 4: helper bpf_trace_printk needs a license that is compatible with the GPL"},
		{"helper, GPL", "Dual BSD/GPL", spec.ProgramXDP, printk, ""},
		{"bare instructions", "", 0, printk, ""},
		{"kernel function", "", spec.ProgramXDP, "call kfunc[bpf_rcu_read_lock]\ncall kfunc[bpf_rcu_read_unlock]\nr0 = 0\nexit",
			"error license 0: kernel function \"bpf_rcu_read_lock\" needs a license that is compatible with the GPL"},
		{"lsm", "", spec.ProgramLSM, "r0 = 0\nexit", "error license -1: lsm programs need a license that is compatible with the GPL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := collection(t, tt.typ, tt.text)
			c.License = tt.license
			c.Externs = []spec.Extern{{Name: "bpf_rcu_read_unlock", Kind: spec.ExternKfunc, Weak: true}}
			if d := cmp.Diff(tt.want, listing(lint.Program(c, c.Programs[0]))); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestHooks(t *testing.T) {
	for _, tt := range []struct {
		a    spec.Attach
		at   spec.AttachType
		want string
	}{
		{a: spec.Attach{Kind: spec.HookXDP, Target: "eth0"}},
		{a: spec.Attach{Kind: spec.HookCgroup, Target: "/sys/fs/cgroup/x"},
			want: `attachment "p cgroup:/sys/fs/cgroup/x": cgroup hooks do not take xdp programs, but cgroup_skb, cgroup_sock, cgroup_device, cgroup_sock_addr, cgroup_sysctl, cgroup_sockopt, sock_ops, lsm`},
		{a: spec.Attach{Kind: spec.HookXDP, Target: "eth0"}, at: spec.AttachTypeXDPDevmap,
			want: `attachment "p xdp:eth0": xdp hooks do not take xdp programs with attach type xdp_devmap`},
	} {
		c := collection(t, spec.ProgramXDP, "r0 = 2\nexit")
		c.Programs[0].AttachType = tt.at
		tt.a.Program = "p"
		c.Attach = []spec.Attach{tt.a}
		got := ""
		for _, d := range lint.Collection(c) {
			got += d.String()
		}
		if got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.a, got, tt.want)
		}
	}
}

// TestBounded holds that one program has a bounded number of diagnostics.
func TestBounded(t *testing.T) {
	c := collection(t, spec.ProgramXDP, strings.Repeat("r10 = 1\n", 5000)+"r0 = 2\nexit")
	if list := lint.Program(c, c.Programs[0]); len(list) != 100 {
		t.Errorf("%d diagnostics", len(list))
	}
}

// TestObjects holds that the programs of all objects of the tree, which kernels take, have no
// diagnostics.
func TestObjects(t *testing.T) {
	programs := 0
	err := filepath.WalkDir("../../..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".o") {
			return err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		c, err := elf.LoadBytes(b, elf.Options{Lenient: true})
		if err != nil {
			return nil // it is there to be rejected
		}
		for _, p := range c.Programs {
			programs++
			for _, d := range lint.Program(c, p) {
				t.Errorf("%s: %v", file, d)
			}
		}
		return nil
	})
	if err != nil || programs < 40 {
		t.Errorf("%d programs, %v", programs, err)
	}
}

// needKernel returns a kernel that takes a right program.
func needKernel(t *testing.T) *loader.Kernel {
	t.Helper()
	k := loader.NewKernel()
	t.Cleanup(func() { k.Close() })
	c := collection(t, spec.ProgramXDP, "r0 = 2\nexit")
	c.Maps, c.Vars = nil, nil
	kerneltest.Check(t, loads(k, c))
	return k
}

// loads says why the kernel does not load the collection.
func loads(k *loader.Kernel, c *spec.Collection) error {
	loaded, err := loader.Load(c, loader.Options{Kernel: k})
	if err == nil {
		err = loaded.Close()
	}
	return err
}

// TestProgramOnKernel holds the table against the kernel: what has an error is refused, what has no
// diagnostics is accepted.
func TestProgramOnKernel(t *testing.T) {
	k := needKernel(t)
	for _, tt := range programCases {
		t.Run(tt.name, func(t *testing.T) {
			c := collection(t, stdcmp.Or(tt.typ, spec.ProgramXDP), tt.text)
			c.Maps, c.Vars = nil, nil
			list := lint.Program(c, c.Programs[0])
			if err := loads(k, c); err == nil && lint.Errors(list) > 0 {
				t.Errorf("the kernel takes it, in spite of\n%s", listing(list))
			} else if err != nil && len(list) == 0 {
				t.Error(err)
			}
		})
	}
}

// TestRandomOnKernel holds that the kernel takes no program that has an error.
func TestRandomOnKernel(t *testing.T) {
	k := needKernel(t)
	random := rand.New(rand.NewPCG(21, 22))
	taken, wrong := 0, 0
	for range 1000 {
		text := randomProgram(random)
		c := collection(t, spec.ProgramXDP, text)
		c.Maps, c.Vars = nil, nil
		list := lint.Program(c, c.Programs[0])
		if lint.Errors(list) > 0 {
			wrong++
		}
		if loads(k, c) != nil {
			continue
		}
		if taken++; lint.Errors(list) > 0 {
			t.Errorf("the kernel takes\n%s\nin spite of\n%s", text, listing(list))
		}
	}
	if taken < 50 || wrong < 200 {
		t.Errorf("the kernel takes %d, and %d have errors: the test says little", taken, wrong)
	}
}

// randomProgram makes a program of conditions and what may be wrong.
func randomProgram(random *rand.Rand) string {
	lines := []string{"r0 = 1", "r2 = 0", "r6 = *(u32 *)(r1 + 12)"}
	n := 3 + random.IntN(8)
	for i := range n {
		line := []string{
			"r0 = 2", "r2 += 1", "r3 = r6", "r7 = 1", "r0 = r7", "r10 = 1", "*(u64 *)(r10 - 600) = 1", "*(u64 *)(r10 - 8) = 1",
			"call 9999", "call bpf_ktime_get_ns", "call bpf_get_current_comm", "goto L%d", "if r6 == 5 goto L%d", "if r2 == 0 goto L%d",
			"if r2 != 0 goto L%d", "if r0 == 1 goto L%d", "if r6 > 3 goto L%d", "r4 = 3", "r0 = r4",
		}[random.IntN(19)]
		if strings.Contains(line, "%d") {
			line = fmt.Sprintf(line, i+1+random.IntN(n-i))
		}
		lines = append(lines, fmt.Sprintf("L%d: %s", i, line))
	}
	return strings.Join(slices.Concat(lines, []string{fmt.Sprintf("L%d: r0 = 2", n), "exit"}), "\n")
}
