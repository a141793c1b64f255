package guest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// program returns the handle and spec of the test object's program.
func programOf(t *testing.T, x *fake, obj uint32) (uint32, *spec.Program) {
	t.Helper()
	return x.ok(t, "at", x.At(obj, abi.KindProgram, 0)), x.tx.Objects[0].Work.Programs[0]
}

func records(list ...abi.Insn) []byte {
	b := make([]byte, len(list)*abi.InsnSize)
	for i := range list {
		list[i].Put(b[i*abi.InsnSize:])
	}
	return b
}

func TestInsnRead(t *testing.T) {
	x, obj := planning(t)
	h, p := programOf(t, x, obj)
	b := make([]byte, 10*abi.InsnSize)
	if n := x.InsnRead(h, 0, b); int(n) != p.Insns.Len() {
		t.Fatalf("insn_read = %d, want %d", n, p.Insns.Len())
	}
	var first, jump, target abi.Insn
	first.Get(b)
	jump.Get(b[abi.InsnSize:])
	target.Get(b[4*abi.InsnSize:])
	if name, _ := x.symbols.name(first.Func); name != "count_drops" || first.Line != 38 {
		t.Errorf("first record is %+v of function %q", first, name)
	}
	if jump.RefKind != uint16(asm.RefLabel) || jump.Ref != target.Label || target.Label == 0 {
		t.Errorf("jump %+v does not lead to %+v", jump, target)
	}
	if n := x.InsnRead(h, 4, b[:abi.InsnSize]); n != 1 {
		t.Errorf("insn_read into room for one = %d", n)
	}
	if n := x.InsnRead(h, 6, b); n != 0 {
		t.Errorf("insn_read at the end = %d, want 0", n)
	}
	errnoIn(t, "insn_read after the end", x.InsnRead(h, 7, b), abi.ErrRange)
}

// Handing a program back as it was read changes nothing, types and relocations included.
func TestInsnSpliceIdentity(t *testing.T) {
	x, obj := planning(t)
	h, p := programOf(t, x, obj)
	want := p.Clone()
	b := make([]byte, p.Insns.Len()*abi.InsnSize)
	n := x.ok(t, "insn_read", x.InsnRead(h, 0, b))
	if got := x.InsnSplice(h, 0, n, b); got != int32(n) {
		t.Fatalf("insn_splice = %d: %v", got, x.last.err)
	}
	if d := cmp.Diff(want.Insns, p.Insns); d != "" {
		t.Errorf("the program changed:\n%s", d)
	}
}

func TestInsnSplice(t *testing.T) {
	x, obj := planning(t)
	h, p := programOf(t, x, obj)
	blocked := x.ok(t, "sym", x.Sym([]byte("blocked")))
	const loop = abi.LabelLocal + 7
	n := x.InsnSplice(h, 2, 0, records(
		abi.Insn{Op: uint8(asm.OpLoadImm64), Dst: 2, RefKind: uint16(asm.RefMap), Ref: blocked, Label: loop},
		abi.Insn{Op: uint8(asm.JumpImm(asm.Equal, asm.R1, 1, 1).Op), Dst: 1, Imm: 1, RefKind: uint16(asm.RefLabel), Ref: loop},
	))
	if n != 2 {
		t.Fatalf("insn_splice = %d: %v", n, x.last.err)
	}
	load, jump := p.Insns.At(2), p.Insns.At(3)
	if load.Symbol != "blocked" || load.Label < 2 || jump.Target != load.Label {
		t.Errorf("inserted: %+v, %+v", load, jump)
	}
	if p.Insns.At(1).Target != p.Insns.At(6).Label {
		t.Error("the jump across the insertion does not land any more")
	}
	last := x.tx.Edits[len(x.tx.Edits)-1]
	if last.What != "insns" || last.Old != "nothing" || last.New != "2 at 2" {
		t.Errorf("the log ends with %+v", last)
	}
}

func TestInsnSpliceMisuse(t *testing.T) {
	x, obj := planning(t)
	h, p := programOf(t, x, obj)
	before := p.Clone()
	mov := abi.Insn{Op: uint8(asm.Mov64Imm(0, 0).Op)}
	with := func(f func(*abi.Insn)) []byte { r := mov; f(&r); return records(mov, r) }
	for _, tt := range []struct {
		name    string
		at, del uint32
		records []byte
		want    abi.Errno
		insn    int
	}{
		{"past the end", 7, 0, records(mov), abi.ErrRange, 0},
		{"more than there are", 0, 7, records(mov), abi.ErrRange, 0},
		{"overflow", 1, 0xffff_ffff, records(mov), abi.ErrRange, 0},
		{"unknown flag", 0, 0, with(func(r *abi.Insn) { r.Flags = 2 }), abi.ErrInval, 2},
		{"unknown reference kind", 0, 0, with(func(r *abi.Insn) { r.RefKind = 9 }), abi.ErrInval, 2},
		{"reference without a kind", 0, 0, with(func(r *abi.Insn) { r.Ref = 1 }), abi.ErrInval, 2},
		{"unknown symbol", 0, 0, with(func(r *abi.Insn) { r.RefKind, r.Ref = 3, 999 }), abi.ErrNoent, 2},
		{"unknown function symbol", 0, 0, with(func(r *abi.Insn) { r.Func = 999 }), abi.ErrNoent, 2},
		{"jump to a missing label", 0, 0, with(func(r *abi.Insn) { r.RefKind, r.Ref = 1, 55 }), abi.ErrInval, 0},
		{"label that is taken", 0, 0, with(func(r *abi.Insn) { r.Label = 1 }), abi.ErrInval, 0},
	} {
		errnoIn(t, tt.name, x.InsnSplice(h, tt.at, tt.del, tt.records), tt.want)
		if got := x.last.err.insn; got != tt.insn {
			t.Errorf("%s: err_info blames instruction %d, want %d", tt.name, got-1, tt.insn-1)
		}
	}
	if d := cmp.Diff(before, p); d != "" {
		t.Errorf("refused edits changed the program:\n%s", d)
	}
}

func TestInsnPolicy(t *testing.T) {
	x, obj := planning(t)
	h, p := programOf(t, x, obj)
	x.rights.policy = denying(t, "objects: {\"*\": {edit: true}}\nprograms: {helpers: [map_lookup_elem]}")
	errnoIn(t, "a helper that is denied", x.InsnAsm(h, 0, 0, []byte("r2 = 1\ncall bpf_probe_write_user")), abi.ErrPerm)
	if x.last.err.insn != 2 {
		t.Errorf("err_info blames instruction %d, want 1", x.last.err.insn-1)
	}
	errnoIn(t, "a kernel function", x.InsnAsm(h, 0, 0, []byte("call kfunc[bpf_x]")), abi.ErrPerm)
	x.ok(t, "a helper that is granted", x.InsnAsm(h, 0, 0, []byte("call bpf_map_lookup_elem")))
	if p.Insns.Len() != 7 {
		t.Errorf("the program has %d instructions, want 7", p.Insns.Len())
	}
}

func TestInsnDump(t *testing.T) {
	x, obj := planning(t)
	h, _ := programOf(t, x, obj)
	b := make([]byte, 4096)
	n := x.ok(t, "insn_dump", x.InsnDump(h, b))
	if got := string(b[:n]); !strings.HasPrefix(got, ".func count_drops\n") || !strings.Contains(got, "goto L1\n") || !strings.Contains(got, "L1:\n") {
		t.Errorf("insn_dump:\n%s", got)
	}
	if need := x.InsnDump(h, nil); need != int32(n) {
		t.Errorf("asking for the length = %d, want %d", need, n)
	}
}

func TestSymbols(t *testing.T) {
	x := newFake(t, abi.PhasePlan)
	a := x.ok(t, "sym", x.Sym([]byte("a")))
	if again := x.ok(t, "sym", x.Sym([]byte("a"))); again != a || a == 0 {
		t.Errorf("sym twice = %d, %d", a, again)
	}
	b := make([]byte, 1)
	if n := x.SymName(a, b); n != 1 || b[0] != 'a' {
		t.Errorf("sym_name = %d, %q", n, b)
	}
	errnoIn(t, "sym of nothing", x.Sym(nil), abi.ErrInval)
	errnoIn(t, "sym_name of 0", x.SymName(0, nil), abi.ErrNoent)
	errnoIn(t, "sym_name of what was never made", x.SymName(2, nil), abi.ErrNoent)
}
