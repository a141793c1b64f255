package asm

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseBad(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"jmp out", `line 1:1: unknown instruction "jmp"`},
		{"exit\n\n\tr0 = 1 2", `line 3:9: expected the end of the line, found "2"`},
		{"r16 = 1", `line 1:1: unknown instruction "r16"`},
		{"r01 = 1", `line 1:1: unknown instruction "r01"`},
		{"r1 = r16", `line 1:6: expected a value, found "r16"`},
		{"r1", `line 1:3: expected "=", found the end of the line`},
		{"r1 = ", `line 1:6: expected a value, found the end of the line`},
		{"r1 == 1", `line 1:5: expected a value, found "="`},
		{"r1 ?= 1", `line 1:4: expected "=", found "?="`},
		{"r1 += ", `line 1:7: expected a number, found the end of the line`},
		{"r1 = w2", `line 1:6: both registers have to start with r`},
		{"w1 += r2", `line 1:7: both registers have to start with w`},
		{"r1 = 4294967295", `line 1:6: number does not fit 32 bits`},
		{"r1 = -2147483649", `line 1:6: number does not fit 32 bits`},
		{"w1 = 4294967296", `line 1:6: number does not fit 32 bits`},
		{"r1 += 2147483648", `line 1:7: number is not between -2147483648 and 2147483647`},
		{"w1 += 4294967296", `line 1:7: number is not between -2147483648 and 4294967295`},
		{"r1 = 18446744073709551616 ll", `line 1:6: "18446744073709551616" is not a number of at most 64 bits`},
		{"r1 = -9223372036854775809 ll", `is not a number of at most 64 bits`},
		{"r1 = 0x ll", `line 1:6: "0x" is not a number`},
		{"r1 = 12monkeys", `line 1:6: "12monkeys" is not a number`},
		{"w1 = 5 ll", `line 1:6: this needs a register that starts with r`},
		{"w1 = map[m] ll", `line 1:6: this needs a register that starts with r`},
		{"r1 = -r2", `line 1:7: negation has to name the same register twice`},
		{"r1 = be16 r2", `line 1:11: a byte order conversion has to name the same register twice`},
		{"r1 = be24 r1", `line 1:6: expected a value, found "be24"`},
		{"r1 = (u8)r2", `line 1:7: expected s8, s16 or`},
		{"w1 = (s32)w2", `line 1:7: expected s8, s16 or`},
		{"r1 = *(u7 *)(r2 + 0)", `line 1:8: expected u8, u16`},
		{"r1 = *(u8)(r2 + 0)", `line 1:10: expected "*", found ")"`},
		{"r1 = *(u8 *)(r2 + 32768)", `line 1:19: number is not between -32768 and 32767`},
		{"r1 = *(u8 *)(r2 - 32769)", `number is not between`},
		{"r1 = *(u8 *)(w2 + 0)", `line 1:14: expected a register that starts with r`},
		{"w1 = *(u64 *)(r2 + 0)", `this needs a register that starts with r`},
		{"r1 = *(u8 *)skb[0]", `a packet load is of type u8, u16 or u32 and goes to r0`},
		{"r0 = *(u64 *)skb[0]", `a packet load is of type`},
		{"*(s8 *)(r1 + 0) = 1", `line 1:2: only a load from memory can sign-extend`},
		{"*(u64 *)(r1 + 0) = w1", `this needs a register that starts with r`},
		{"*(u64 *)(r1 + 0) = 4294967295", `number is not between`},
		{"*(u64 *)(r1 + 0) += r1", `line 1:18: expected "=", found "+="`},
		{"lock *(u8 *)(r1 + 0) += r2", `line 1:7: an atomic operation is of type u32 or u64`},
		{"lock *(u64 *)(r1 + 0) -= r2", `line 1:23: expected +=, |=, &= or ^=, found "-="`},
		{"lock *(u64 *)(r1 + 0) += w2", `this needs a register that starts with r`},
		{"r1 = atomic_fetch_add((u64 *)(r1 + 0), r2)", `the old value goes to the register it is exchanged with`},
		{"r1 = cmpxchg_64(r1 + 0, r0, r2)", `cmpxchg compares with`},
		{"r0 = cmpxchg_64(r1 + 0, r1, r2)", `cmpxchg compares with`},
		{"w1 = xchg_64(r1 + 0, w1)", `this needs a register that starts with r`},
		{"r1 = addr_space_cast(r2, 65536, 0)", `line 1:26: number is not between 0 and 65535`},
		{"goto", `line 1:5: expected a label, found the end of the line`},
		{"goto out", `line 1:6: label "out" is not defined`},
		{"goto L7", `line 1:6: label "L7" is not defined`},
		{"goto (", `line 1:6: expected a label, found "("`},
		{"exit\ngoto +1", `line 2:6: target +1 is outside of the 2 slots`},
		{"goto pc-2", `line 1:6: target -2 is outside of the 1 slots`},
		{"goto 1\nr1 = 1 ll", `line 1:6: target +1 is the second half of a 64-bit load`},
		{"goto 2147483648", `line 1:6: displacement does not fit 32 bits`},
		{"goto +0 <x", `expected ">"`},
		{"goto +40000 {fixed}", `line 1:6: displacement does not fit 16 bits`},
		{"exit {fixed}", `only a displacement can be fixed`},
		{"exit {imm}", `line 1:10: expected "=", found "}"`},
		{"exit {imm=1", `line 1:12: expected dst, src, off, imm, fixed or }`},
		{"exit {off=40000}", `line 1:11: number is not between -32768 and 32767`},
		{"exit {dst=16}", `number is not between 0 and 15`},
		{"call 1 {src=9}", `line 1:9: the source of a call cannot be set`},
		{"r1 = r2 {off=3}", `makes this an unknown instruction`},
		{"out:\nexit\nout: exit", `line 3:1: label "out" is defined twice`},
		{"exit\nout:", `line 2:1: label "out" has no instruction`},
		{"if r1 = 2 goto L1", `line 1:7: expected a comparison, found "="`},
		{"if r1 == w2 goto L1", `line 1:10: both registers have to start with r`},
		{"if r1 == 2 L1", `line 1:12: expected "goto", found "L1"`},
		{"if r1 == 4294967295 goto L1", `line 1:10: number is not between`},
		{"call bpf_map_lookup_elem#2", `line 1:6: "bpf_map_lookup_elem" is not helper 2`},
		{"call bpf_x#1", `line 1:6: "bpf_x" is not helper 1`},
		{"call 2147483648", `number of a helper does not fit 32 bits`},
		{"call", `line 1:5: expected what is called, found the end of the line`},
		{"call kfunc[a", `line 1:12: expected a name and "]"`},
		{"r1 = map[] ll", `line 1:10: expected a name and "]"`},
		{"r1 = map[a b] ll", `line 1:10: name has to be in quotes`},
		{`r1 = map["a] ll`, `line 1:10: quoted name is not complete`},
		{"r1 = map[a]", `line 1:12: expected "ll", found the end of the line`},
		{"r1 = map_fd(-1) ll", `line 1:13: number is not between 0 and 2147483647`},
		{"r1 = value_fd(1) + 4294967296 ll", `number is not between 0 and 4294967295`},
		{"r1 = map[a] + 9223372036854775808 ll", `number does not fit 64 bits`},
		{".raw x", `line 1:6: expected a number, found "x"`},
		{".const", `line 1:7: expected the name of a constant, found the end of the line`},
		{".const r1 = 5", `line 1:8: a constant cannot have the name of a register`},
		{".const be16 = 5", `line 1:8: a constant cannot have the name of a register or a conversion`},
		{".const A 5", `line 1:10: expected "=", found "5"`},
		{".const A = B", `line 1:12: expected a number, found "B"`},
		{".const A = 5 6", `line 1:14: expected the end of the line, found "6"`},
		{".const A = 5\n.const A = 6", `line 2:8: constant "A" is defined twice`},
		{".const A = 0x100000000\nr1 = A", `line 2:6: number does not fit 32 bits`},
		{".const A = 5\ngoto A", `line 2:6: label "A" is not defined`},
		{"r1 = A\n.const A = 5", `line 1:6: expected a value, found "A"`},
		{".func", `line 1:6: expected the name of a function, found the end of the line`},
		{".func a\n.func b\nexit", `line 2:1: function "a" has no instruction`},
		{"exit\n.func a", `line 2:1: function "a" has no instruction`},
		{`"a" exit`, `line 1:1: expected an instruction, found "\"a\""`},
		{"12 exit", `line 1:4: expected ":", found "exit"`},
		{"(b7 r1 = 1", `expected ")"`},
		{"(18) w1 = 1", `line 1:11: this needs a register that starts with r`},
		{"(18) r1 = 1\nr1 = map[m]", `line 2:12: expected "ll"`},
		{strings.Repeat("é", 1000), `line 1:1: expected an instruction, found "\u00e9\u00e9`},
		{"goto " + strings.Repeat("a", 1000), `aaa"… is not defined`},
		{strings.Repeat("a", 1000), `aaa"…`},
		{".func " + strings.Repeat("a", 1000), `aaa"… has no instruction`},
		{"r1 = " + strings.Repeat("9", 1000), `999"… is not a number of at most 64 bits`},
	} {
		l, err := Parse(tt.text)
		var e *ParseError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) || l.Insns != nil {
			t.Errorf("Parse(%q) = %v, %v; want %q", tt.text, l.Insns, err, tt.want)
		}
		if len(err.Error()) > 300 {
			t.Errorf("an error of %d bytes: %v", len(err.Error()), err)
		}
	}
}

// TestParseSpelling checks that one instruction may be written in several ways.
func TestParseSpelling(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"\r\n  ; comment\n// comment\n# comment\n exit // comment\r\n", "exit"},
		{"  12:\texit ; comment", "exit"},
		{"12: (b7) r1 = 1", "r1 = 1"},
		{"call unknown#9999", "call 9999"},
		{"0: (18) r1 = 0xff23082843bb0800       ; R1=map_ptr(map=locked,ks=4,vs=16)", "r1 = 0xff23082843bb0800 ll"},
		{"0: (18) r1 = 0x5\n2: (18) r1 = 5 ll\n4: (b7) r1 = 5", "r1 = 0x5 ll\nr1 = 0x5 ll\nr1 = 5"},
		{"0: (18) r1 = map[m]\n2: (18) r1 = map_fd(5)", "r1 = map[m] ll\nr1 = map_fd(5) ll"},
		{"r1=0x10", "r1 = 16"},
		{".const A = 8\n.const B = A ; and more\nr1 += B\nr2 = *(u32 *)(r1 - B)", "r1 += 8\nr2 = *(u32 *)(r1 - 8)"},
		{".const A = 0xffffffffffffffff\nr1 = A ll", "r1 = 0xffffffffffffffff ll"},
		{".const map = -1\nr1 = map[map] ll\nr1 = map", "r1 = map[map] ll\nr1 = -1"},
		{".const A = 2\nA: if r1 == A goto A\nr0 = *(u8 *)skb[A]\nr1 = map_fd(A) ll\ncall A", "A:\nif r1 == 2 goto A\nr0 = *(u8 *)skb[2]\nr1 = map_fd(2) ll\ncall A"},
		{"r1 = -0x10", "r1 = -16"},
		{"r1 = +5", "r1 = 5"},
		{"w1 = 0xffffffff", "w1 = -1"},
		{"w1 &= 0x80000000", "w1 &= -2147483648"},
		{"r1 = 1 ll", "r1 = 0x1 ll"},
		{"r1 = -1 ll", "r1 = 0xffffffffffffffff ll"},
		{"r1 = 18446744073709551615 ll", "r1 = 0xffffffffffffffff ll"},
		{"r1 = *(u64 *)(r2 +16)", "r1 = *(u64 *)(r2 + 16)"},
		{"r1 = *(u64 *)(r2 -16)", "r1 = *(u64 *)(r2 - 16)"},
		{"r1 = *(u64*)(r2)", "r1 = *(u64 *)(r2 + 0)"},
		{"w1 = *(u32 *)(r2 + 0)", "r1 = *(u32 *)(r2 + 0)"},
		{"*(u32 *)(r2 + 0) = w1", "*(u32 *)(r2 + 0) = r1"},
		{"*(u32 *)(r2 + 0) = 0xffffffff", "*(u32 *)(r2 + 0) = -1"},
		{"lock *(u32 *)(r1 + 0) += r2", "lock *(u32 *)(r1 + 0) += w2"},
		{"r2 = atomic64_fetch_and((u64 *)(r1 +0), r2)", "r2 = atomic_fetch_and((u64 *)(r1 + 0), r2)"},
		{"r2 = atomic64_xchg((u64 *)(r1 +8), r2)", "r2 = xchg_64(r1 + 8, r2)"},
		{"r2 = atomic_xchg((u32 *)(r1 +8), r2)", "w2 = xchg32_32(r1 + 8, w2)"},
		{"r0 = atomic64_cmpxchg((u64 *)(r1 +8), r0, r2)", "r0 = cmpxchg_64(r1 + 8, r0, r2)"},
		{"r1 = load_acquire((u32 *)(r2 + 0))", "w1 = load_acquire((u32 *)(r2 + 0))"},
		{"if w1 > 0xffffffff goto +0 <f+0x8>\nexit", "if w1 > -1 goto L1\nL1:\nexit"},
		{"goto pc-1", "L1:\ngoto L1"},
		{"call pc-1", "L1:\ncall L1"},
		{"call bpf_ktime_get_ns", "call bpf_ktime_get_ns#5"},
		{"call 0x5", "call bpf_ktime_get_ns#5"},
		{"call func[bpf_ktime_get_ns]", "call func[bpf_ktime_get_ns]"},
		{".func bpf_ktime_get_ns\ncall bpf_ktime_get_ns", ".func bpf_ktime_get_ns\ncall func[bpf_ktime_get_ns]"},
		{"f: call f", "f:\ncall f"},
		{"call g", "call g"},
		{"a: b: L4: exit\ngoto a\ngoto b", "a:\nexit\ngoto a\ngoto a"},
		{"r1 = map[m] ll {src=0}", "r1 = map[m] ll {src=0}"},
		{"r1 = label[+1] ll\nexit", "r1 = label[L1] ll\nL1:\nexit"},
		{"if r1 & 1 goto L9\nL9: exit", "if r1 & 1 goto L9\nL9:\nexit"},
		{"L01: goto L01", "L01:\ngoto L01"},
		{".raw 0x95", ".raw 0x0000000000000095"},
		{".raw 0xffffffffffffffff", ".raw 0xffffffffffffffff"},
	} {
		l, err := Parse(tt.text)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.text, err)
			continue
		}
		got := string(AppendText(nil, l.Insns, TextOptions{LabelNames: l.LabelNames, Funcs: l.Funcs}))
		got = strings.TrimSuffix(strings.ReplaceAll(got, "\t", ""), "\n")
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", tt.text, d)
		}
	}
}

func TestParseLabelNumbers(t *testing.T) {
	l, err := Parse("start: exit\nL1: goto +1\nexit\nL5: exit\nmiddle: goto start\ngoto middle")
	if err != nil {
		t.Fatal(err)
	}
	var got []Label
	for _, in := range l.Insns {
		got = append(got, in.Label)
	}
	if d := cmp.Diff([]Label{2, 1, 0, 5, 3, 0}, got); d != "" {
		t.Errorf("labels (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[Label]string{2: "start", 3: "middle"}, l.LabelNames); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
}

func TestParseEmpty(t *testing.T) {
	for _, text := range []string{"", "\n", " ", "// nothing", "\r\n\t"} {
		if l, err := Parse(text); err != nil || len(l.Insns) != 0 {
			t.Errorf("Parse(%q) = %v, %v", text, l, err)
		}
	}
}

// TestParseReferences checks references with names of all kinds.
func TestParseReferences(t *testing.T) {
	for _, name := range []string{"a", ".rodata.str1.1", "a-b", "a b", "", "]", `"`, "\n", "\\", "ä", "\xff", "//", "#", "{", "L1", "r1", "pc", "exit", "bpf_map_lookup_elem", "func[x", "1", "-1"} {
		negative := LoadVar(R4, name, 0)
		negative.Imm = math.MinInt64
		kfunc := CallKfunc(name)
		kfunc.Imm, kfunc.Off = -1, 2
		call := CallFunc(name)
		call.Imm = -1
		insns := []Insn{
			LoadMap(R1, name), LoadMapValue(R2, name, 8), LoadVar(R3, name, math.MaxUint32), negative,
			LoadFunc(R5, name), LoadKsym(R6, name), CallFunc(name), CallKfunc(name), kfunc, call,
		}
		o := TextOptions{Funcs: map[int]string{0: name, 3: name}, LabelNames: map[Label]string{1: name}}
		insns[7].Label = 1
		insns = append(insns, Jump(1), CallLabel(1))
		if name == "" { // an empty name is none
			o.LabelNames = nil
		}
		text := string(AppendText(nil, insns, o))
		l, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v in\n%s", name, err, text)
			continue
		}
		if d := cmp.Diff(Listing{insns, o.LabelNames, o.Funcs}, l); d != "" {
			t.Errorf("%q: %s is read differently (-want +got):\n%s", name, text, d)
		}
	}
}

// verifierLine matches an instruction in a log of the verifier, and what the verifier sometimes
// writes after one on the same line.
var verifierLine = regexp.MustCompile(`(?m)^( *[0-9]+: \(([0-9a-f]{2})\) .*?)(?: [0-9]+: R.*)?$`)

// TestParseVerifierLogs reads every instruction that the verifiers of five kernels wrote about a
// hundred programs, and holds it against the opcode before it.
func TestParseVerifierLogs(t *testing.T) {
	files, err := filepath.Glob("../../internal/lab/testdata/verifier/*.log")
	if err != nil || len(files) < 400 {
		t.Fatalf("%d logs, %v", len(files), err)
	}
	lines := 0
	for _, f := range files {
		log, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range verifierLine.FindAllSubmatch(log, -1) {
			lines++
			l, err := Parse(string(m[1]))
			var e *ParseError
			if errors.As(err, &e) && strings.HasPrefix(e.Reason, "target ") { // the program has only this instruction
				continue
			}
			if err != nil || fmt.Sprintf("%02x", uint8(l.Insns[0].Op)) != string(m[2]) {
				t.Errorf("%s: %q is read as %v, %v", filepath.Base(f), m[1], l.Insns, err)
			}
		}
	}
	if lines < 1500 {
		t.Errorf("only %d lines", lines)
	}
}

// TestParseChecked ends parsing wherever it is.
func TestParseChecked(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, "l%d: if r1 == 0 goto l%[1]d\ngoto +0\n", i)
	}
	b.WriteString("exit")
	ended := errors.New("enough")
	calls, all := 0, 0
	if _, err := ParseChecked(b.String(), func() error { all++; return nil }); err != nil || all < 20 {
		t.Fatalf("%v; it asked %d times", err, all)
	}
	for _, after := range []int{0, 1, all / 2, all - 1} {
		calls = 0
		l, err := ParseChecked(b.String(), func() error {
			if calls++; calls > after {
				return ended
			}
			return nil
		})
		if err != ended || calls != after+1 || l.Insns != nil {
			t.Errorf("after %d calls: %v, %d calls, %d instructions", after, err, calls, len(l.Insns))
		}
	}
}
