package asm

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppendText(t *testing.T) {
	insns := []Insn{
		JumpImm(Equal, R1, 0, 2),
		at(1, CallFunc("step")),
		CallFunc("out"),
		at(2, Exit()),
		at(3, Jump(1)),
	}
	o := TextOptions{
		LabelNames: map[Label]string{2: "out", 3: "L1"},
		Funcs:      map[int]string{0: "main", 4: "my step"},
		Source: func(i int) string {
			return []string{"if (!ctx)\n\treturn 0;\r\n", "", "\x1b[31mred\x00 ä \u202e \xff", "", ""}[i]
		},
	}
	want := strings.Join([]string{
		".func main",
		"; if (!ctx)",
		"; \treturn 0;",
		"\tif r1 == 0 goto out",
		"L1:",
		"\tcall step",
		`; '\x1b'[31mred'\x00' ä '\u202e' '\ufffd'`,
		"\tcall func[out]",
		"out:",
		"\texit",
		`.func "my step"`,
		`"L1":`,
		"\tgoto L1",
		"",
	}, "\n")
	text := string(AppendText([]byte("x\n"), insns, o))
	if d := cmp.Diff("x\n"+want, text); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	l, err := Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Listing{insns, o.LabelNames, o.Funcs}, l); d != "" {
		t.Errorf("parsed (-want +got):\n%s", d)
	}
}

// TestManyLabels checks that calls are told from labels when there are too many names to look through.
func TestManyLabels(t *testing.T) {
	o := TextOptions{LabelNames: map[Label]string{}}
	for l := Label(1); l <= maxScan; l++ {
		o.LabelNames[l] = "label" + strconv.Itoa(int(l))
	}
	if got := string(AppendInsn(nil, CallFunc("step"), o)); got != "call step" {
		t.Errorf("got %q", got)
	}
	o.LabelNames[maxScan+1] = "step"
	if got := string(AppendInsn(nil, CallFunc("step"), o)); got != "call func[step]" {
		t.Errorf("got %q", got)
	}
}

// TestStray checks that references that an instruction cannot have are not hidden.
func TestStray(t *testing.T) {
	for _, tt := range []struct {
		in   Insn
		want string
	}{
		{Insn{Op: OpExit, Ref: RefMap, Symbol: "a\nb"}, `exit // refers to map "a\nb"`},
		{Insn{Op: OpExit, Ref: RefLabel, Target: 4}, `exit // refers to label L4`},
		{Insn{Op: OpJump, Ref: RefMap, Symbol: "a\nb"}, `goto +0 {fixed} // refers to map "a\nb"`},
		{Insn{Op: OpCall, Imm: 1, Ref: RefLabel, Target: 4}, `call bpf_map_lookup_elem#1 // refers to label L4`},
		{Insn{Op: OpLoadImm64, Ref: RefKfunc, Symbol: "k"}, `r0 = 0x0 ll // refers to kernel function k`},
		{Insn{Op: OpLoadImm64, Ref: 200}, `r0 = 0x0 ll // refers to reference kind 200 ""`},
		{Insn{Op: OpExit, Flags: Raw, Ref: RefLabel, Target: 4}, `.raw 0x0000000000000095 // refers to label L4`},
		{Insn{Op: 0xff, Dst: 1, Src: 2, Off: 3, Imm: 4}, `.raw 0x00000004000321ff`},
	} {
		if got := tt.in.String(); got != tt.want {
			t.Errorf("%+v is %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestTextAllocates(t *testing.T) {
	insns := append(mix(1000), LoadMap(R1, "counts"), CallFunc("step"), CallKfunc("k"), Atomic(Xchg, R1, 0, R2, Word))
	buf := AppendText(nil, insns, TextOptions{})
	n := testing.AllocsPerRun(20, func() { buf = AppendText(buf[:0], insns, TextOptions{}) })
	if n != 0 {
		t.Errorf("AppendText allocates %v times", n)
	}
}

func TestHelper(t *testing.T) {
	for _, tt := range []struct {
		h    Helper
		name string
	}{
		{HelperMapLookupElem, "bpf_map_lookup_elem"},
		{HelperGetCurrentPIDTGID, "bpf_get_current_pid_tgid"},
		{211, "bpf_cgrp_storage_delete"},
	} {
		if got := tt.h.String(); got != tt.name {
			t.Errorf("helper %d is %q, want %q", tt.h, got, tt.name)
		}
		if h, ok := ParseHelper(tt.name); !ok || h != tt.h {
			t.Errorf("ParseHelper(%q) = %d, %v; want %d", tt.name, h, ok, tt.h)
		}
	}
	for _, h := range []Helper{-1, 212, 1 << 30} {
		if got := h.String(); !strings.HasPrefix(got, "helper ") {
			t.Errorf("helper %d is %q", int32(h), got)
		}
	}
	if h, ok := ParseHelper("bpf_nothing"); ok {
		t.Errorf("bpf_nothing is helper %d", h)
	}
}
