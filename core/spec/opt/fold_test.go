package opt

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/google/go-cmp/cmp"
)

// constants is a collection with frozen variables a = 5 (4 bytes), b = -2 (8 bytes), c = 0x90000000
// (4 bytes), long (8 bytes), and one that is not frozen.
func constants(p *spec.Program) *spec.Collection {
	data := make([]byte, 24)
	data[0] = 5
	copy(data[4:], []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	copy(data[12:], []byte{0, 0, 0, 0x90})
	copy(data[16:], []byte{1, 2, 3, 4, 5, 6, 7, 8})
	v := func(name, m string, off, size uint32) *spec.Var {
		return &spec.Var{Name: name, Section: m, Map: m, Offset: off, Size: size}
	}
	return &spec.Collection{
		License: "GPL", Programs: []*spec.Program{p},
		Maps: []*spec.Map{
			{Name: ".rodata", Section: ".rodata", Type: spec.MapArray, KeySize: 4, ValueSize: 24, MaxEntries: 1, Flags: spec.FlagReadOnlyProg, Freeze: true, Data: data},
			{Name: ".data", Section: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Data: make([]byte, 8)},
			{Name: ".kconfig", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: spec.FlagReadOnlyProg, Freeze: true, Data: make([]byte, 8)},
		},
		Vars: []*spec.Var{
			v("a", ".rodata", 0, 4), v("b", ".rodata", 4, 8), v("c", ".rodata", 12, 4), v("long", ".rodata", 16, 8),
			v("d", ".data", 0, 8), v("k", ".kconfig", 0, 8),
		},
		Externs: []spec.Extern{{Name: "k", Kind: spec.ExternKconfig}},
	}
}

func TestFold(t *testing.T) {
	for _, tt := range []struct {
		name, before, want string
		report             []Folded
	}{
		{"loads", `
r1 = var[a] ll
r0 = *(u32 *)(r1 + 0)
r1 = var[b] ll
r2 = *(u64 *)(r1 + 0)
r2 = *(u32 *)(r1 + 0)
r2 = *(s8 *)(r1 + 0)
r1 = value[.rodata] + 12 ll
r2 = *(u32 *)(r1 + 0)
r2 = *(s32 *)(r1 + 0)
r2 = *(u64 *)(r1 + 4)
exit`, `
r1 = var[a] ll
r0 = 5
r1 = var[b] ll
r2 = -2
w2 = -2
r2 = -2
r1 = value[.rodata] + 12 ll
w2 = -1879048192
r2 = -1879048192
r2 = 0x807060504030201 ll
exit
`, []Folded{
			{"main", 1, "load", 5}, {"main", 3, "load", ^uint64(1)}, {"main", 4, "load", 0xfffffffe}, {"main", 5, "load", ^uint64(1)},
			{"main", 7, "load", 0x90000000}, {"main", 8, "load", 0xffffffff90000000}, {"main", 9, "load", 0x0807060504030201},
		}},
		{"branches", `
r1 = var[a] ll
r0 = *(u32 *)(r1 + 0)
L1:
if r0 == 5 goto L3
r2 = 1
L2:
if r0 != 5 goto L1
r2 = 2
if r2 == 2 goto L2
L3:
if r0 > 7 goto L2
exit`, `
r1 = var[a] ll
r0 = 5
L1:
goto L3
r2 = 1
L2:
if r0 != 5 goto L1
r2 = 2
if r2 == 2 goto L2
L3:
exit
`, []Folded{{"main", 1, "load", 5}, {"main", 2, "taken", 0}, {"main", 7, "never taken", 0}}},
		{"not constant", `
r1 = var[d] ll
r0 = *(u64 *)(r1 + 0)
r1 = var[k] ll
r0 = *(u64 *)(r1 + 0)
r1 = var[a] ll
r0 = *(u64 *)(r1 + 20)
r0 = *(u8 *)(r1 - 1)
r1 += r0
r0 = *(u8 *)(r1 + 0)
exit`, `
r1 = var[d] ll
r0 = *(u64 *)(r1 + 0)
r1 = var[k] ll
r0 = *(u64 *)(r1 + 0)
r1 = var[a] ll
r0 = *(u64 *)(r1 + 20)
r0 = *(u8 *)(r1 - 1)
r1 += r0
r0 = *(u8 *)(r1 + 0)
exit
`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := program(t, tt.before)
			got, err := Fold(constants(p))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), listing(p)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if d := cmp.Diff(tt.report, got); d != "" {
				t.Errorf("report (-want +got):\n%s", d)
			}
		})
	}
}

func TestFoldBigEndian(t *testing.T) {
	p := program(t, "r1 = var[c] ll\nr0 = *(u32 *)(r1 + 0)\nr0 = *(u16 *)(r1 + 2)\nexit")
	c := constants(p)
	c.Order = asm.BigEndian
	if _, err := Fold(c); err != nil {
		t.Fatal(err)
	}
	if got, want := listing(p), "r1 = var[c] ll\nr0 = 144\nr0 = 144\nexit\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestFoldCore checks that what CO-RE is going to patch is not known.
func TestFoldCore(t *testing.T) {
	p := program(t, "r1 = var[a] ll\nr0 = *(u32 *)(r1 + 0)\nr2 = 8\nif r2 == 8 goto L1\nL1: exit")
	p.Insns.Edit(func(in []spec.Insn) { in[1].Core, in[2].Core = &btf.CoreRelo{}, &btf.CoreRelo{} })
	before := listing(p)
	if got, err := Fold(constants(p)); err != nil || len(got) != 0 || listing(p) != before {
		t.Errorf("%+v, %v:\n%s", got, err, listing(p))
	}
}

func TestFoldBad(t *testing.T) {
	good := program(t, "r1 = var[a] ll\nr0 = *(u32 *)(r1 + 0)\nexit")
	bad := program(t, ".func main\ncall f\nexit")
	c := constants(good)
	c.Programs = append(c.Programs, bad)
	before := listing(good)
	if _, err := Fold(c); err == nil || !strings.Contains(err.Error(), `fold program "main": `) || listing(good) != before {
		t.Errorf("%v:\n%s", err, listing(good))
	}
	if _, err := Prune(c, PruneOptions{}); err == nil || !strings.Contains(err.Error(), `prune program "main": `) || len(c.Maps) != 3 {
		t.Error(err)
	}
}

// TestFoldTables has a jump table that leads to between two instructions that follow each other.
func TestFoldTables(t *testing.T) {
	p := program(t, ".func main\nr6 = r1\nr2 = table[t] ll\nr2 = *(u64 *)(r2 + 0)\ngotox r2\nL1: r6 = 5\nL2: if r6 == 5 goto L3\nr0 = 1\nexit\nL3: r0 = 2\nexit")
	p.Tables = []spec.JumpTable{{Name: "t", Labels: []asm.Label{1, 2}}}
	before := listing(p)
	done, err := Fold(constants(p))
	if err != nil || len(done) > 0 || listing(p) != before {
		t.Errorf("folded %+v, %v:\n%s", done, err, listing(p))
	}
}
