package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/tx"
)

const originalText = `.func count_drops
	r1 = *(u32 *)(r1 + 0)
	if r1 == 0 goto L1
	r0 = 1
	exit
L1:
	r0 = 2
	exit
`

func TestInsnAsm(t *testing.T) {
	for _, tt := range []struct {
		name    string
		at, del uint32
		text    string
		n       int32
		want    string
	}{
		{"labels are local", 2, 0, "top:\n r2 = 1\n if r2 == 0 goto top", 2, `.func count_drops
	r1 = *(u32 *)(r1 + 0)
	if r1 == 0 goto L1
top:
	r2 = 1
	if r2 == 0 goto top
	r0 = 1
	exit
L1:
	r0 = 2
	exit
`},
		{"a number that the program has is another label in the text", 2, 0, "L1:\n r2 = 1\n goto L1", 2, `.func count_drops
	r1 = *(u32 *)(r1 + 0)
	if r1 == 0 goto L1
L2:
	r2 = 1
	goto L2
	r0 = 1
	exit
L1:
	r0 = 2
	exit
`},
		{"to a label of the program", 0, 0, "if r1 == 7 goto L1", 1, `.func count_drops
	if r1 == 7 goto L1
	r1 = *(u32 *)(r1 + 0)
	if r1 == 0 goto L1
	r0 = 1
	exit
L1:
	r0 = 2
	exit
`},
		{"any jump to a label of the program, and a constant", 0, 0, ".const SEVEN = 7\nif r1 == SEVEN goto +1\nmay_goto L1", 2, `.func count_drops
	if r1 == 7 goto L2
	may_goto L1
L2:
	r1 = *(u32 *)(r1 + 0)
	if r1 == 0 goto L1
	r0 = 1
	exit
L1:
	r0 = 2
	exit
`},
		{"to the end of the text", 2, 0, "if r1 == 7 goto out\nr0 = 9\nexit\nout:", 3, `.func count_drops
	r1 = *(u32 *)(r1 + 0)
	if r1 == 0 goto L1
	if r1 == 7 goto L2
	r0 = 9
	exit
L2:
	r0 = 1
	exit
L1:
	r0 = 2
	exit
`},
		{"the end has a label already", 4, 0, "if r1 == 7 goto +0", 1, `.func count_drops
	r1 = *(u32 *)(r1 + 0)
	if r1 == 0 goto L1
	r0 = 1
	exit
	if r1 == 7 goto L1
L1:
	r0 = 2
	exit
`},
		{"replaces", 2, 2, "r0 = 5\nexit", 2, `.func count_drops
	r1 = *(u32 *)(r1 + 0)
	if r1 == 0 goto L1
	r0 = 5
	exit
L1:
	r0 = 2
	exit
`},
		{"deletes", 2, 1, "", 0, `.func count_drops
	r1 = *(u32 *)(r1 + 0)
	if r1 == 0 goto L1
	exit
L1:
	r0 = 2
	exit
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, obj := planning(t)
			h, p := programOf(t, x, obj)
			if d := cmp.Diff(originalText, textOf(t, p)); d != "" {
				t.Fatalf("before (-want +got):\n%s", d)
			}
			if n := x.InsnAsm(h, tt.at, tt.del, []byte(tt.text)); n != tt.n {
				t.Fatalf("insn_asm = %d, want %d: %v", n, tt.n, x.last.err)
			}
			if d := cmp.Diff(tt.want, textOf(t, p)); d != "" {
				t.Errorf("after (-want +got):\n%s", d)
			}
		})
	}
}

func TestInsnAsmMisuse(t *testing.T) {
	x, obj := planning(t)
	h, p := programOf(t, x, obj)
	before := p.Clone()
	for _, tt := range []struct {
		name    string
		at, del uint32
		text    string
		want    abi.Errno
		message string
	}{
		{"no instruction", 0, 0, "r2 = 1\nhello", abi.ErrInval, `line 2:1: unknown instruction "hello"`},
		{"missing label", 0, 0, "goto nowhere", abi.ErrInval, `line 1:6: label "nowhere" is not defined`},
		{"label of no program", 0, 0, "goto L77", abi.ErrInval, `line 1:6: label "L77" is not defined`},
		{"displacement out of the text", 0, 0, "goto +1", abi.ErrInval, "line 1:6: target +1 is outside of the 2 slots"},
		// With a label of the program in use, its place is not reachable by a displacement either.
		{"displacement to a neighbour", 0, 0, "goto +1\ngoto L1", abi.ErrInval, ""},
		{"displacement past a neighbour", 0, 0, "goto +2\ngoto L1", abi.ErrInval, ""},
		{"end of the program", 6, 0, "goto out\nout:", abi.ErrRange, "the text jumps to its end, and no instruction comes after it"},
		{"past the end", 9, 0, "exit", abi.ErrRange, ""},
		{"too long", 0, 0, strings.Repeat("\n", maxAsmText+1), abi.ErrLimit, ""},
		{"long line", 0, 0, "exit; " + strings.Repeat("x", maxAsmLine), abi.ErrLimit, ""},
		{"function without code", 6, 0, "exit\n.func f", abi.ErrInval, ""},
	} {
		rc := x.InsnAsm(h, tt.at, tt.del, []byte(tt.text))
		if tt.name == "displacement to a neighbour" {
			// goto +1 over one instruction is the end of the text, which is a place.
			if rc != 2 {
				t.Errorf("%s = %d: %v", tt.name, rc, x.last.err)
			}
			*p = *before.Clone()
			continue
		}
		errnoIn(t, tt.name, rc, tt.want)
		if tt.message != "" && x.last.err.Error() != tt.message {
			t.Errorf("%s: %q, want %q", tt.name, x.last.err.Error(), tt.message)
		}
		if d := cmp.Diff(before, p); d != "" {
			t.Fatalf("%s changed the program:\n%s", tt.name, d)
		}
	}
}

// What insn_dump shows insn_asm reads.
func TestInsnAsmDump(t *testing.T) {
	x, obj := planning(t)
	h, p := programOf(t, x, obj)
	text := []byte(textOf(t, p))
	if n := x.InsnAsm(h, 0, uint32(p.Insns.Len()), text); int(n) != 6 {
		t.Fatalf("insn_asm = %d: %v", n, x.last.err)
	}
	// The labels are the text's own now, so their numbers are fresh; the code is the same.
	want := `.func count_drops
	r1 = *(u32 *)(r1 + 0)
	if r1 == 0 goto L2
	r0 = 1
	exit
L2:
	r0 = 2
	exit
`
	if d := cmp.Diff(want, textOf(t, p)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Whatever the text is, the host does not panic, a refused edit changes nothing, and a program that
// was edited still has a place for every jump.
func FuzzInsnAsm(f *testing.F) {
	f.Add("if r1 == 0 goto L1\ngoto out\nout:", uint32(1), uint32(2))
	f.Add(".func f\nL9: goto L9\ncall func[f]", uint32(0), uint32(0))
	f.Add("goto +0\ngoto L1", uint32(6), uint32(0))
	f.Add("\"L1\":\ngoto \"L1\"", uint32(0), uint32(6))
	f.Fuzz(func(t *testing.T, text string, at, del uint32) {
		x, obj := planning(t)
		h, p := programOf(t, x, obj)
		before := p.Clone()
		rc := x.InsnAsm(h, at, del, []byte(text))
		if rc < 0 {
			if d := cmp.Diff(before, p); d != "" {
				t.Fatalf("a refused edit changed the program:\n%s", d)
			}
			return
		}
		if want := before.Insns.Len() - int(del) + int(rc); p.Insns.Len() != want {
			t.Fatalf("%d instructions, want %d", p.Insns.Len(), want)
		}
		for i, in := range p.Insns.All() {
			if l := in.Target; l != 0 && p.FindLabel(l) < 0 {
				t.Fatalf("instruction %d jumps to label %d, which is nowhere", i, l)
			}
		}
	})
}

// Labels are found whether few or many are looked for; names take precedence over numbers.
func TestAssemblyPlaces(t *testing.T) {
	var insns []spec.Insn
	for i := range 20 {
		in := spec.Insn{Insn: asm.Mov64Imm(asm.R0, int32(i))}
		in.Label = asm.Label(i + 1)
		insns = append(insns, in)
	}
	p := &spec.Program{Name: "p", Insns: spec.NewInsns(insns...), LabelNames: map[asm.Label]string{3: "named", 4: "L6", 77: "gone"}}
	for _, n := range []int{0, 15} {
		names := map[string]bool{"L1": true, "L01": true, "L3": true, "named": true, "L6": true, "gone": true, "L99": true, "L0": true, "other": true}
		want := map[string]asm.Label{"L1": 1, "L3": 3, "named": 3, "L6": 4}
		for i := range n {
			name := fmt.Sprintf("L%d", 6+i)
			if names[name] = true; i > 0 && 6+i <= 20 {
				want[name] = asm.Label(6 + i)
			}
		}
		r := tx.ProgramRef{Object: &tx.Object{}, Program: p}
		a := assembly{r: r, p: p, check: func() error { return nil }}
		got, err := a.places(names)
		if d := cmp.Diff(want, got); d != "" || err != nil || len(r.LabelsNamed("gone")) != 1 || r.LabelsNamed("L1") != nil {
			t.Errorf("%d more names: %s, %v", n, d, err)
		}
	}
}

// longText is a text as long as may be, with a label at each line.
func longText() []byte {
	var b []byte
	for i := 0; len(b) < maxAsmText-40; i++ {
		b = fmt.Appendf(b, "l%d: if r1 == 0 goto l%[1]d\n", i)
	}
	return b
}

// textOf is the text of a program.
func textOf(t *testing.T, p *spec.Program) string {
	t.Helper()
	text, err := dumpProgram(p, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// expiring is a guest whose running call has to end when it was asked for that so many times.
type expiring struct {
	Guest
	left    int
	aborted error
}

var errExpired = errors.New("no more time")

func (e *expiring) Expired() error {
	if e.left--; e.left < 0 {
		return errExpired
	}
	return nil
}

func (e *expiring) Abort(err error) { e.aborted = err }

// TestExpired ends calls that take long within them, wherever they are, and leaves nothing behind.
func TestExpired(t *testing.T) {
	text := longText()
	for _, left := range []int{0, 1, 300, 700} {
		x, obj := planning(t)
		h, p := programOf(t, x, obj)
		before := textOf(t, p)
		g := &expiring{Guest: x.guest, left: left}
		x.guest = g
		x.InsnAsm(h, 2, 0, text)
		if g.left >= 0 {
			t.Fatalf("insn_asm asks %d times: raise what is tried", left-g.left)
		}
		if g.aborted != errExpired {
			t.Errorf("insn_asm, after %d times: aborted with %v", left, g.aborted)
		}
		if after := textOf(t, p); after != before {
			t.Errorf("insn_asm, after %d times: the program is\n%s", left, after)
		}
		if len(x.tx.Edits) > 0 {
			t.Errorf("insn_asm, after %d times: logged %+v", left, x.tx.Edits)
		}
	}
}

// TestExpiredRecords is TestExpired for functions that move records.
func TestExpiredRecords(t *testing.T) {
	x, obj := planning(t)
	h, p := programOf(t, x, obj)
	records := make([]byte, 3*perCheck*abi.InsnSize)
	for i := range 3 * perCheck {
		rec := abi.Insn{Op: uint8(asm.Mov64Imm(asm.R2, 1).Op), Dst: 2, Imm: 1}
		rec.Put(records[i*abi.InsnSize:])
	}
	g := &expiring{Guest: x.guest}
	for _, left := range []int{0, 1} {
		*g = expiring{Guest: g.Guest, left: left}
		x.guest = g
		n := p.Insns.Len()
		x.InsnSplice(h, 0, 0, records)
		if g.aborted != errExpired || p.Insns.Len() != n {
			t.Errorf("insn_splice, after %d times: aborted with %v, %d instructions", left, g.aborted, p.Insns.Len())
		}
	}
	*g = expiring{Guest: g.Guest, left: 100}
	x.ok(t, "insn_splice", x.InsnSplice(h, 0, 0, records))
	*g = expiring{Guest: g.Guest}
	x.InsnRead(h, 0, records)
	if g.aborted != errExpired {
		t.Errorf("insn_read: aborted with %v", g.aborted)
	}
	*g = expiring{Guest: g.Guest}
	if n := x.InsnDump(h, records); n >= 0 || g.aborted != errExpired {
		t.Errorf("insn_dump: %d, aborted with %v", n, g.aborted)
	}
}

// TestExpiredObject is TestExpired for the reading of an object.
func TestExpiredObject(t *testing.T) {
	file, err := os.ReadFile("../../../core/elf/testdata/basic-el.o")
	if err != nil {
		t.Fatal(err)
	}
	x, _ := planning(t)
	for _, left := range []int{0, 1, 2, 3, 4, 5, 8} {
		g := &expiring{Guest: x.guest, left: left}
		x.guest = g
		x.ObjectFromBytes([]byte("more"), file)
		if x.guest = g.Guest; g.aborted != errExpired || len(x.tx.Objects) != 1 {
			t.Errorf("object_from_bytes, after %d times: aborted with %v, %d objects", left, g.aborted, len(x.tx.Objects))
		}
	}
	x.ok(t, "object_from_bytes", x.ObjectFromBytes([]byte("more"), file))
}

// TestExpiredGo has a built-in plugin that is not wanted any more while it assembles a long text.
func TestExpiredGo(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	unwanted, returned := errors.New("the run is over"), false
	x, obj := planning(t)
	h, _ := programOf(t, x, obj)
	x.guest.(*goGuest).code.Hooks = map[string]GoHook{"bpfhost_plan": func(_ context.Context, f Functions, _ ...uint64) (int32, error) {
		cancel(unwanted)
		f.InsnAsm(h, 0, 0, longText())
		returned = true
		return 0, nil
	}}
	if _, err := x.Call(ctx, "bpfhost_plan", time.Minute); !errors.Is(err, unwanted) || returned {
		t.Errorf("error %v; insn_asm returned: %v", err, returned)
	}
}

// TestInsnAsmMany inserts named labels by many texts: names stay unique, numbers free, and jumps
// between the texts lead where they should.
func TestInsnAsmMany(t *testing.T) {
	x, obj := planning(t)
	h, p := programOf(t, x, obj)
	const n = 300
	x.ok(t, "insn_asm", x.InsnAsm(h, 0, 0, []byte("base: r2 = 0")))
	for i := range n {
		text := fmt.Sprintf("step_%d: r2 = %d\nif r2 == 7 goto base\nsame: r3 = 1\ngoto same", i, i)
		if i > 0 {
			text += fmt.Sprintf("\nif r2 == 8 goto step_%d", i-1)
		}
		x.ok(t, "insn_asm", x.InsnAsm(h, 1, 0, []byte(text)))
	}
	// What is deleted frees its name; the label that comes to stand there keeps its own.
	at := p.FindLabel(x.tx.Objects[0].Work.Programs[0].NewLabel() - 1)
	if at < 0 {
		t.Fatal("the last label is not there")
	}
	x.ok(t, "insn_asm", x.InsnAsm(h, uint32(at), 1, []byte("again: r4 = 1\ngoto again")))
	names := make(map[string]int)
	for _, name := range p.LabelNames {
		names[name]++
	}
	if names["base"] != 1 || names["same"] != 1 || names["step_0"] != 1 || names["again"] != 1 {
		t.Errorf("names: %v", names)
	}
	if err := x.tx.Objects[0].Work.Check(); err != nil {
		t.Error(err)
	}
	if _, err := asm.Parse(textOf(t, p)); err != nil {
		t.Error(err)
	}
}
