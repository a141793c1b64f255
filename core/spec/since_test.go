package spec

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/lab/labtest"
)

// TestSinceTables holds that nothing in the tables is as old as Oldest: it would stand there for
// nothing.
func TestSinceTables(t *testing.T) {
	check := func(what string, v Version) {
		if v.Compare(Oldest) <= 0 {
			t.Errorf("%s are in the table with %s", what, v)
		}
	}
	for k, v := range mapTypeSince {
		check(k.String()+" maps", v)
	}
	for k, v := range programTypeSince {
		check(k.String()+" programs", v)
	}
	for k, v := range attachTypeSince {
		check(k.String()+" programs", v)
	}
	for k, v := range linkTypeSince {
		check(k.String()+" links", v)
	}
	for _, f := range append(mapFlagFacts, programFlagFacts...) {
		if f.since != (Version{}) {
			check(f.name, f.since)
		}
	}
	for _, f := range HookFamilies() {
		if f.Since != (Version{}) {
			check(f.Name+" links", f.Since)
		}
		if f.CookieSince != (Version{}) {
			check(f.Name+" cookies", f.CookieSince)
		}
	}
	if MapArena.Since() != (Version{6, 9}) || MapHash.Since() != (Version{}) || ProgramNetfilter.Since() != (Version{6, 4}) ||
		AttachTypeTCXEgress.Since() != (Version{6, 6}) || HookTCX.Since() != (Version{6, 6}) || HookTracing.CookieSince() != (Version{5, 19}) {
		t.Error("a method does not read its table")
	}
}

// TestSinceTypes holds the tables against the types of the lab's kernels: a kernel has a number
// exactly from the version on that the tables say.
func TestSinceTypes(t *testing.T) {
	for kernel, here := range map[string]Version{"5.10": {5, 10}, "6.1": {6, 1}, "6.12": {6, 12}, "7.x": {99, 0}} { // the newest has all
		types := labtest.Types(t, kernel)
		hold := func(enum string, n int, since func(i int) (string, Version)) {
			have := kernelEnum(t, types, enum)
			for i := range n {
				if what, v := since(i); have[i] != (v.Compare(here) <= 0) && what != "sk_reuseport_select" {
					t.Errorf("%s of %s is there since %s, but in Linux %s: %v", what, enum, v, kernel, have[i])
				}
			}
		}
		hold("bpf_map_type", len(mapTypeNames), func(i int) (string, Version) { return MapType(i).String(), MapType(i).Since() })
		hold("bpf_prog_type", len(programTypeNames), func(i int) (string, Version) { return ProgramType(i).String(), ProgramType(i).Since() })
		hold("bpf_link_type", len(linkTypeNames), func(i int) (string, Version) {
			if l := LinkType(i); l != LinkStructOps { // which had its number before
				return l.String(), l.Since()
			}
			return "struct_ops", Version{6, 1}
		})
		hold("bpf_attach_type", len(attachTypeNames), func(i int) (string, Version) { return AttachType(i).String(), AttachType(i).Since() })
	}
}

// kernelEnum returns the numbers that an enum of a kernel has.
func kernelEnum(t *testing.T, types *btf.Types, name string) map[int]bool {
	t.Helper()
	have := make(map[int]bool)
	for _, v := range labtest.Enum(t, types, name).Values {
		if !strings.HasPrefix(v.Name, "__MAX") && !strings.HasPrefix(v.Name, "MAX") {
			have[int(v.Value)] = true
		}
	}
	return have
}

// TestInsnSince has an instruction of each version, and beside it what is older and looks alike.
func TestInsnSince(t *testing.T) {
	const v4 = "instructions of -mcpu=v4"
	atomic := func(op asm.AtomicOp) asm.Insn {
		return asm.Insn{Op: asm.Op(asm.ClassStx) | asm.Op(asm.ModeAtomic) | asm.Op(asm.DWord), Dst: asm.R1, Src: asm.R2, Imm: int64(op)}
	}
	for _, tt := range []struct {
		in    asm.Insn
		what  string
		since Version
	}{
		{asm.Mov64Reg(asm.R1, asm.R2), "", Version{}},
		{asm.Mov64SX(asm.R1, asm.R2, asm.Byte), v4, Version{6, 6}},
		{asm.Mov32SX(asm.R1, asm.R2, asm.Byte), v4, Version{6, 6}},
		{asm.AddrSpaceCast(asm.R1, asm.R2, 0, 1), "casts of address spaces", Version{6, 9}},
		{asm.ALU64Imm(asm.Div, asm.R1, 3), "", Version{}},
		{asm.ALU64Imm(asm.SDiv, asm.R1, 3), v4, Version{6, 6}},
		{asm.ALU32Imm(asm.SMod, asm.R1, 3), v4, Version{6, 6}},
		{atomic(asm.AtomicAdd), "", Version{}},
		{atomic(asm.AtomicAdd | asm.Fetch), "atomic instructions other than add", Version{5, 12}},
		{atomic(asm.CmpXchg), "atomic instructions other than add", Version{5, 12}},
		{atomic(asm.StoreRelease), "load-acquire and store-release instructions", Version{6, 15}},
		{asm.Insn{Op: asm.OpMayGoto}, "may_goto instructions", Version{6, 9}},
		{asm.Insn{Op: asm.OpJumpReg}, "gotox instructions", Version{6, 19}},
		{asm.LoadTable(asm.R1, "cases"), "jump tables", Version{6, 19}},
		{asm.LoadFunc(asm.R2, "each"), "callbacks", Version{5, 13}},
		{asm.LoadMap(asm.R1, "m"), "", Version{}},
		{asm.Call(asm.HelperMapLookupElem), "", Version{}},
		{asm.Call(asm.HelperLoop), "calls of bpf_loop", Version{5, 17}},
		{asm.Call(100000), "", Version{}},
		{asm.CallFunc("f"), "", Version{}},
		{asm.CallKfunc("bpf_task_acquire"), "calls of kernel functions", Version{5, 13}},
	} {
		if what, since := InsnSince(&tt.in); what != tt.what || since != tt.since {
			t.Errorf("%v: %q since %v, want %q since %v", tt.in, what, since, tt.what, tt.since)
		}
	}
	for _, text := range []string{"r1 = bswap32 r1", "r1 = *(s8 *)(r2 + 0)"} {
		p, err := asm.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if what, since := InsnSince(&p.Insns[0]); what != v4 || since != (Version{6, 6}) {
			t.Errorf("%s: %q since %v", text, what, since)
		}
	}
	for _, text := range []string{"r1 = be32 r1", "r1 = *(u8 *)(r2 + 0)", "lock *(u64 *)(r1 + 0) += r2", "gotol L1\nL1:\nexit"} {
		p, err := asm.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if what, since := InsnSince(&p.Insns[0]); what != "" {
			t.Errorf("%s: %q since %v", text, what, since)
		}
	}
}
