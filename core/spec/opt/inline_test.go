package opt

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/google/go-cmp/cmp"
)

func TestInline(t *testing.T) {
	for _, tt := range []struct {
		name, before string
		at           int
		want         string
	}{
		{"one exit", `
.func main
r1 = 5
call f
exit
.func f
r0 = r1
r0 += 1
exit`, 1, `
.func main
r1 = 5
r0 = r1
r0 += 1
exit
`},
		{"several exits and labels", `
.func main
L1:
r1 = 5
call f
if r0 == 0 goto L1
exit
.func f
if r1 == 0 goto L2
r0 = 1
exit
L2:
r0 = 2
if r1 == 7 goto L2
exit`, 1, `
.func main
L1:
r1 = 5
if r1 == 0 goto L3
r0 = 1
goto L4
L3:
r0 = 2
if r1 == 7 goto L3
L4:
if r0 == 0 goto L1
exit
`},
		{"label behind the call and on the last exit", `
.func main
r1 = 5
L7:
call f
L9:
r0 += 1
if r0 == 3 goto L7
if r0 == 4 goto L9
exit
.func f
if r1 == 0 goto L2
r0 = 1
L2:
exit
`, 1, `
.func main
r1 = 5
L7:
if r1 == 0 goto L10
r0 = 1
L10:
goto L9
L9:
r0 += 1
if r0 == 3 goto L7
if r0 == 4 goto L9
exit
`},
		{"frame", `
.func main
*(u32 *)(r10 - 4) = 1
call f
r1 = *(u32 *)(r10 - 4)
exit
.func f
*(u64 *)(r10 - 8) = 7
r2 = r10
r2 += -8
r1 = 3
lock *(u64 *)(r10 - 8) += r1
r0 = *(u64 *)(r2 + 0)
exit`, 1, `
.func main
*(u32 *)(r10 - 4) = 1
*(u64 *)(r10 - 16) = 7
r2 = r10
r2 += -8
r2 += -8
r1 = 3
lock *(u64 *)(r10 - 16) += r1
r0 = *(u64 *)(r2 + 0)
r1 = *(u32 *)(r10 - 4)
exit
`},
		{"saved registers", `
.func main
r6 = r1
r7 = 2
*(u8 *)(r10 - 1) = 1
call f
r0 += r6
exit
.func f
r6 = 1
r7 = 2
r8 = 3
if r6 == r7 goto L1
*(u64 *)(r10 - 8) = r8
exit
L1:
r0 = r8
exit`, 3, `
.func main
r6 = r1
r7 = 2
*(u8 *)(r10 - 1) = 1
*(u64 *)(r10 - 16) = r6
r6 = 1
r7 = 2
r8 = 3
if r6 == r7 goto L2
*(u64 *)(r10 - 24) = r8
goto L3
L2:
r0 = r8
L3:
r6 = *(u64 *)(r10 - 16)
r0 += r6
exit
`},
		{"called twice", `
.func main
call f
call f
exit
.func f
r0 = 1
exit`, 0, `
.func main
r0 = 1
call f
exit
.func f
r0 = 1
exit
`},
		{"its address is taken", `
.func main
call f
r2 = func[f] ll
exit
.func f
r0 = 1
exit`, 0, `
.func main
r0 = 1
r2 = func[f] ll
exit
.func f
r0 = 1
exit
`},
		{"into another function, which stands behind", `
.func main
call g
exit
.func f
exit
.func g
call f
r0 = 0
exit`, 3, `
.func main
call g
exit
.func g
r0 = 0
exit
`},
		{"calls of others", `
.func main
r6 = 5
call f
exit
.func f
r0 = func[g] ll
call g
exit
.func g
r0 = 0
exit`, 1, `
.func main
r6 = 5
r0 = func[g] ll
call g
exit
.func g
r0 = 0
exit
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := program(t, tt.before)
			if err := Inline(p, tt.at); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), listing(p)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if err := (&spec.Collection{Programs: []*spec.Program{p}}).Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInlineBad(t *testing.T) {
	const call = ".func main\nr1 = 1\ncall f\nr0 = 0\nexit\n.func f\n"
	for _, tt := range []struct {
		text string
		at   int
		want string
	}{
		{call + "r0 = 0\nexit", 0, "it is not a call"},
		{call + "r0 = 0\nexit", -1, "it is not a call"},
		{call + "r0 = 0\nexit", 99, "it is not a call"},
		{".func main\ncall main\nexit", 0, `function "main": it calls itself`},
		{call + "call f\nexit", 1, `function "f": it calls itself`},
		{call + "r2 = 0 ll\nr3 = 0\ncall bpf_tail_call#12\nexit", 1, "instruction 6 is a tail call"},
		{call + "r6 = r1\nr0 = *(u8 *)skb[4]\nexit", 1, "instruction 5 loads from the packet"},
		{call + "*(u64 *)(r1 + 0) = r10\nexit", 1, "instruction 4 uses r10 in a way that cannot be moved: *(u64 *)(r1 + 0) = r10"},
		{call + "*(u64 *)(r10 - 8) = r10\nexit", 1, "instruction 4 uses r10"},
		{call + "if r1 == r10 goto L1\nL1: exit", 1, "instruction 4 uses r10"},
		{call + "gotox r1\nexit", 1, "jumps to addresses in registers"},
		{call + ".raw 0x00000000000000ff\nexit", 1, "instructions that are not known"},
		{call + "r0 = 0", 1, "control runs past its end"},
		{call + "*(u8 *)(r10 - 512) = 1\nr2 = r10\nr2 += r1\nexit", 1, "it is not known how much stack"},
		{".func main\n*(u8 *)(r10 - 8) = 1\ncall f\nexit\n.func f\n*(u8 *)(r10 - 512) = 1\nexit", 1, "520 bytes of stack are needed, there are 512"},
		{".func main\ncall f\n.func f\nexit", 0, "nothing follows it in its function"},
	} {
		p := program(t, tt.text)
		before := p.Clone()
		err := Inline(p, tt.at)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\nInline(%d) = %v, want %q", tt.text, tt.at, err, tt.want)
		}
		if d := cmp.Diff(before, p); d != "" {
			t.Errorf("a refused edit changed the program:\n%s", d)
		}
	}
}

// TestInlineRecords checks that lines and CO-RE records stay with their instructions.
func TestInlineRecords(t *testing.T) {
	p := program(t, ".func main\nr1 = 1\ncall f\nr0 = 0\nexit\n.func f\nr2 = 1\nr0 = r2\nexit")
	for i := range p.Insns.Len() {
		p.Insns.Edit(func(in []spec.Insn) { in[i].Line = &btf.LineInfo{Line: uint32(10 + i)} })
	}
	p.Insns.Edit(func(in []spec.Insn) { in[2].Line = nil })
	core := &btf.CoreRelo{}
	p.Insns.Edit(func(in []spec.Insn) { in[4].Core = core })
	if err := Inline(p, 1); err != nil {
		t.Fatal(err)
	}
	var lines []uint32
	for _, in := range p.Insns.All() {
		lines = append(lines, in.Line.Line)
	}
	if d := cmp.Diff([]uint32{10, 14, 15, 11, 13}, lines); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
	if p.Insns.At(1).Core != core || p.Insns.At(1).Func != nil || p.Insns.At(1).Op != asm.Mov64Imm(0, 0).Op {
		t.Errorf("the CO-RE record is not at its instruction: %+v", p.Insns)
	}
}

// TestInlineException checks that what bpf_throw calls stays when its last call is inlined.
func TestInlineException(t *testing.T) {
	p := program(t, ".func main\nr1 = 1\ncall f\nexit\n.func f\nr0 = 2\nexit")
	p.Exception = "f"
	if err := Inline(p, 1); err != nil || p.FindFunc("f") < 0 {
		t.Errorf("%v\n%s", err, listing(p))
	}
}
