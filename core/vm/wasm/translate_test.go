package wasm

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

var update = flag.Bool("update", false, "write testdata/shapes.txt")

// program reads a program.
func program(t testing.TB, text string) *Program {
	t.Helper()
	l, err := asm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return &Program{Insns: l.Insns, Funcs: l.Funcs, Code: 0xc0de << 32, StackTop: 1 << 17, Context: 1<<17 + 64, Size: 24, Data: 0, End: 4,
		Value: func(int) uint64 { return 0 }}
}

// shapes are the ways that control flows, with what keeps only branches in the text: the instructions that
// nest, branch and return.
var shapes = []struct {
	name, text string
	tables     []asm.Label
}{
	{"straight", "r0 = 1\nexit", nil},
	{"if", "if r1 == 0 goto L1\nr2 = 1\nL1:\nr0 = 2\nexit", nil},
	{"if and else", "if r1 == 0 goto L1\nr0 = 1\ngoto L2\nL1:\nr0 = 2\nL2:\nexit", nil},
	{"loop", "L1:\nr1 += 1\nif r1 != 9 goto L1\nexit", nil},
	{"loop left in the middle", "L1:\nr1 += 1\nif r1 == 5 goto L2\nif r1 != 9 goto L1\nL2:\nexit", nil},
	{"nested loops", "L1:\nr1 += 1\nr2 = 0\nL2:\nr2 += 1\nif r2 != 3 goto L2\nif r1 != 9 goto L1\nexit", nil},
	{"loop with two ways back", "L1:\nr1 += 1\nif r1 == 3 goto L1\nr1 += 2\nif r1 != 9 goto L1\nexit", nil},
	{"jump to the next", "if r1 == 0 goto L1\nL1:\nexit", nil},
	{"two entries", "if r1 == 0 goto L2\nL1:\nr1 += 1\nL2:\nr1 += 2\nif r1 != 9 goto L1\nexit", nil},
	{"switch", "gotox r1\nL1:\nr0 = 1\nexit\nL2:\nr0 = 2\nL3:\nexit", []asm.Label{1, 2, 3}},
	{"switch in a loop", "L1:\nr1 += 1\ngotox r2\nL2:\nr0 = 2\ngoto L1\nL3:\nexit", []asm.Label{1, 2, 3}},
}

// TestShapes holds how branches nest. Loops have several entries in one shape only, which alone is a br_table in
// a loop.
func TestShapes(t *testing.T) {
	var b strings.Builder
	for _, s := range shapes {
		p := program(t, s.text)
		if p.Tables = s.tables; p.Tables != nil {
			p.Funcs = nil
		}
		module, _, err := Translate(p)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		b.WriteString("# " + s.name + "\n")
		for _, line := range strings.SplitAfter(functions(t, module)[0], "\n") {
			switch strings.Fields(line + " .")[0] {
			case "block", "loop", "if", "else", "end", "br", "br_if", "br_table", "return", "unreachable":
				b.WriteString(line)
			}
		}
	}
	const name = "testdata/shapes.txt"
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s\n(-update writes it)", got, want)
	}
}

// TestProven holds which accesses are not held against the shadow: those of which the text has no call of
// the function that asks the host.
func TestProven(t *testing.T) {
	const packet = "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 14\n"
	const lookup = "*(u32 *)(r10 - 4) = 0\nr1 = map[m] ll\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem\n"
	const reserve = "r1 = map[r] ll\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\n"
	const out = "\nout:\nr0 = 0\nexit"
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"stack", "*(u64 *)(r10 - 8) = 1" + out, true},
		{"stack by a copy", "r1 = r10\nr1 += -512\n*(u64 *)(r1 + 0) = 1" + out, true},
		{"below the stack", "*(u64 *)(r10 - 520) = 1" + out, false},
		{"above the stack", "*(u64 *)(r10 - 4) = 1" + out, false},
		{"context", "r0 = *(u32 *)(r1 + 20)" + out, true},
		{"past the context", "r0 = *(u32 *)(r1 + 24)" + out, false},
		{"packet", packet + "if r4 > r3 goto out\nr0 = *(u16 *)(r2 + 12)" + out, true},
		{"packet, compared the other way", packet + "if r3 >= r4 goto ok\ngoto out\nok:\nr0 = *(u16 *)(r2 + 12)" + out, true},
		{"packet not compared", packet + "r0 = *(u16 *)(r2 + 12)" + out, false},
		{"packet on the wrong side", packet + "if r4 <= r3 goto out\nr0 = *(u16 *)(r2 + 12)" + out, false},
		{"past what was compared", packet + "if r4 > r3 goto out\nr0 = *(u16 *)(r2 + 13)" + out, false},
		{"packet that moved", "r6 = *(u32 *)(r1 + 0)\nr7 = *(u32 *)(r1 + 4)\nr4 = r6\nr4 += 14\nif r4 > r7 goto out\nr2 = 0\ncall bpf_xdp_adjust_head\nr0 = *(u16 *)(r6 + 0)" + out, false},
		{"value", lookup + "if r0 == 0 goto out\nr1 = *(u64 *)(r0 + 8)" + out, true},
		{"value by a copy", lookup + "r6 = r0\nif r0 == 0 goto out\n*(u64 *)(r6 + 8) = 1" + out, true},
		{"value not compared", lookup + "r1 = *(u64 *)(r0 + 8)" + out, false},
		{"past a value", lookup + "if r0 == 0 goto out\nr1 = *(u64 *)(r0 + 9)" + out, false},
		{"value of one of two", lookup + "if r0 == 0 goto L1\nr0 += 1\nL1:\nr1 = *(u64 *)(r0 + 0)" + out, false},
		{"record", reserve + "*(u64 *)(r0 + 8) = 1" + out, true},
		{"past a record", reserve + "*(u64 *)(r0 + 9) = 1" + out, false},
		{"record that was submitted", reserve + "r6 = r0\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_submit\n*(u64 *)(r6 + 0) = 1" + out, false},
		{"record of an earlier round", "r6 = 0\nL1:\n" + reserve + "r7 = r6\nr6 = r0\n*(u64 *)(r7 + 0) = 1\ngoto L1" + out, false},
		{"anything", "r2 += 8\nr0 = *(u8 *)(r2 + 0)" + out, false},
	} {
		p := program(t, tt.text)
		p.Maps = []Map{
			{Handle: 1 << 20, Kind: MapArray, KeySize: 4, Size: 16, Entries: 1, Data: 1 << 21, Stride: 24},
			{Handle: 1<<20 + 8, Kind: MapRing, Data: 1 << 22, Mask: 4095, Positions: 1 << 23},
		}
		p.Value = func(i int) uint64 {
			if p.Insns[i].Symbol == "r" {
				return p.Maps[1].Handle
			}
			return p.Maps[0].Handle
		}
		module, _, err := Translate(p)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := !strings.Contains(strings.Join(functions(t, module), ""), "i32.const 3\n"); got != tt.want {
			t.Errorf("%s: it is proven: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestNotTranslated(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"falls into a function", "call f\nr0 = 1\nf:\nr0 = 2\nexit", "control leaves a function"},
		{"jumps into a function", "call f\ngoto L1\nf:\nr0 = 2\nL1:\nexit", "control leaves a function"},
	} {
		if _, _, err := Translate(program(t, tt.text)); !errors.Is(err, ErrNotTranslated) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
