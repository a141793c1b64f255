package spec

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

// sample is a collection with something of everything.
func sample(t testing.TB) *Collection {
	return &Collection{
		License: "GPL",
		Maps: []*Map{
			{Name: "flows", Type: MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 128},
			{Name: ".rodata", Section: ".rodata", Type: MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1, Flags: FlagReadOnlyProg, Freeze: true, Data: []byte{7, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
			{Name: ".bss", Section: ".bss", Type: MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		},
		Vars: []*Var{
			{Name: "limit", Section: ".rodata", Map: ".rodata", Offset: 0, Size: 4},
			{Name: "ports", Section: ".rodata", Map: ".rodata", Offset: 4, Size: 3},
			{Name: "seen", Section: ".bss", Map: ".bss", Offset: 0, Size: 8},
		},
		Externs:  []Extern{{Name: "bpf_x", Kind: ExternKfunc, Weak: true}},
		Programs: []*Program{program(t, twoFuncs)},
		Attach:   []Attach{{Program: "main", Kind: HookXDP, Target: "eth0"}},
	}
}

// changedInsns compares programs of one collection.
func changedInsns(a, b *Program) []Hunk {
	c := &Collection{}
	return differ{a: c, b: c}.insns(a, b)
}

func TestDiffEqual(t *testing.T) {
	a := sample(t)
	if d := Diff(a, a.Clone()); d != nil {
		t.Errorf("a clone differs: %s", AppendChanges(nil, d))
	}
	b := a.Clone()
	// Other numbers for the same labels are not a change.
	insns := b.Programs[0].Insns.private()
	for i := range insns {
		in := &insns[i]
		if in.Label != 0 {
			in.Label += 100
		}
		if in.Target != 0 {
			in.Target += 100
		}
	}
	if d := Diff(a, b); d != nil {
		t.Errorf("renumbered labels are a change: %s", AppendChanges(nil, d))
	}
}

func TestDiff(t *testing.T) {
	a := sample(t)
	b := a.Clone()
	b.License = "Dual MIT/GPL"
	b.Map("flows").MaxEntries = 256
	b.Map(".rodata").Data[9] = 0xff // no variable there
	if err := b.Var("limit").SetUint(b, 8); err != nil {
		t.Fatal(err)
	}
	if err := b.Programs[0].Insert(4, code(t, "r7 = 1")...); err != nil {
		t.Fatal(err)
	}
	b.Programs[0].Type = ProgramSchedCls
	b.Programs = append(b.Programs, program(t, "r0 = 1\nexit"))
	b.Programs[1].Name = "new\x1b"
	b.Externs = nil
	b.Attach[0].Target = "eth1"
	got := string(AppendChanges(nil, Diff(a, b)))
	want := `~ collection
    license: GPL -> Dual MIT/GPL
~ map flows
    max_entries: 128 -> 256
~ map .rodata
    data+0x9: 06 -> ff
~ variable limit
    value: 7 -> 8
- extern bpf_x
~ program main
    type: xdp -> sched_cls
    @@ -1,6 +1,7 @@
          1     1     if r6 == 0 goto L1
          2     2     r1 = 1
          3     3     call helper
    +           4     r7 = 1
                  L1:
          4     5     r0 = 2
          5     6     exit
                  .func helper
                  L2:
          6     7     r0 = 3
+ program "new\x1b"
    type: xdp
    @@ -0,0 +0,2 @@
    +           0     r0 = 1
    +           1     exit
+ attachment main xdp:eth1
- attachment main xdp:eth0
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if back := Diff(b, b.Clone()); back != nil {
		t.Error("the changed collection differs from its clone")
	}
}

func TestDiffJumps(t *testing.T) {
	old := "if r1 == 0 goto L1\nr0 = 1\nexit\nL1:\nr0 = 2\nexit"
	tests := []struct {
		name, now string
		changed   []string
	}{
		{"same", "if r1 == 0 goto L7\nr0 = 1\nexit\nL7:\nr0 = 2\nexit", nil},
		{"other target", "if r1 == 0 goto L1\nr0 = 1\nL1:\nexit\nr0 = 2\nexit", []string{"-if r1 == 0 goto L1", "+if r1 == 0 goto L1"}},
		{"code before the target, jump keeps it", "if r1 == 0 goto L1\nr0 = 1\nexit\nr3 = 1\nL1:\nr0 = 2\nexit", []string{"+r3 = 1"}},
		{"code before the target, jump takes it", "if r1 == 0 goto L1\nr0 = 1\nexit\nL1:\nr3 = 1\nr0 = 2\nexit", []string{"-if r1 == 0 goto L1", "+if r1 == 0 goto L1", "+r3 = 1"}},
		{"target replaced", "if r1 == 0 goto L1\nr0 = 1\nexit\nL1:\nr0 = 9\nexit", []string{"-r0 = 2", "+r0 = 9"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, h := range changedInsns(program(t, old), program(t, tt.now)) {
				for _, l := range h.Lines {
					if l.Op != ' ' {
						got = append(got, string(l.Op)+l.Text)
					}
				}
			}
			if strings.Join(got, "\n") != strings.Join(tt.changed, "\n") {
				t.Errorf("got %q, want %q", got, tt.changed)
			}
		})
	}
}

func TestDiffLarge(t *testing.T) {
	a := &Program{Name: "big", Type: ProgramXDP}
	list := make([]asm.Insn, 100_000)
	for i := range list {
		list[i] = asm.Mov64Imm(asm.R1, int32(i%977))
	}
	a.Insns = NewInsns(list...)
	b := a.Clone()
	if err := b.Insert(50_000, Insn{Insn: asm.Exit()}); err != nil {
		t.Fatal(err)
	}
	h := changedInsns(a, b)
	if len(h) != 1 || len(h[0].Lines) != 2*context+1 {
		t.Errorf("%d hunks for one instruction", len(h))
	}
}

func TestDiffSmallHunksApart(t *testing.T) {
	a := program(t, strings.Repeat("r1 = 1\nr2 = 2\nr3 = 3\nr4 = 4\n", 8)+"exit")
	b := a.Clone()
	for _, at := range []int{30, 2} {
		if err := b.Insert(at, Insn{Insn: asm.Mov64Imm(asm.R9, 9)}); err != nil {
			t.Fatal(err)
		}
	}
	h := changedInsns(a, b)
	if len(h) != 2 || h[0].OldAt != 0 || h[0].OldLen != 5 || h[0].NewLen != 6 || h[1].NewAt != 28 {
		t.Errorf("got %+v", h)
	}
}
