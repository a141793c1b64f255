package asm

import "testing"

func TestBuild(t *testing.T) {
	for _, tt := range []struct {
		in   Insn
		want string
	}{
		{ALU64Imm(Add, R1, -5), "r1 += -5"},
		{ALU64Reg(SDiv, R1, R2), "r1 s/= r2"},
		{ALU32Imm(SMod, R1, 7), "w1 s%= 7"},
		{ALU32Reg(Arsh, R1, R2), "w1 s>>= w2"},
		{Mov64Imm(R1, -1), "r1 = -1"},
		{Mov64Reg(R1, R10), "r1 = r10"},
		{Mov32Imm(R1, 5), "w1 = 5"},
		{Mov32Reg(R1, R2), "w1 = w2"},
		{Mov64SX(R1, R2, Word), "r1 = (s32)r2"},
		{Mov32SX(R1, R2, Half), "w1 = (s16)w2"},
		{AddrSpaceCast(R1, R2, 1, 0), "r1 = addr_space_cast(r2, 1, 0)"},
		{AddrSpaceCast(R1, R2, 0xffff, 0xfffe), "r1 = addr_space_cast(r2, 65535, 65534)"},
		{Neg64(R3), "r3 = -r3"},
		{Neg32(R3), "w3 = -w3"},
		{ToLE(R1, Half), "r1 = le16 r1"},
		{ToBE(R1, Word), "r1 = be32 r1"},
		{ByteSwap(R1, DWord), "r1 = bswap64 r1"},
		{LoadMem(R1, R2, 16, Byte), "r1 = *(u8 *)(r2 + 16)"},
		{LoadMemSX(R1, R2, -16, Word), "r1 = *(s32 *)(r2 - 16)"},
		{StoreMem(R10, -8, R1, DWord), "*(u64 *)(r10 - 8) = r1"},
		{StoreImm(R10, -8, -1, DWord), "*(u64 *)(r10 - 8) = -1"},
		{LoadAbs(12, Half), "r0 = *(u16 *)skb[12]"},
		{LoadInd(R7, 4, Byte), "r0 = *(u8 *)skb[r7 + 4]"},
		{Atomic(AtomicAdd, R1, 8, R2, DWord), "lock *(u64 *)(r1 + 8) += r2"},
		{Atomic(AtomicXor|Fetch, R1, 8, R2, Word), "w2 = atomic_fetch_xor((u32 *)(r1 + 8), w2)"},
		{Atomic(Xchg, R1, 8, R2, DWord), "r2 = xchg_64(r1 + 8, r2)"},
		{Atomic(CmpXchg, R1, 8, R2, DWord), "r0 = cmpxchg_64(r1 + 8, r0, r2)"},
		{Atomic(LoadAcquire, R1, 8, R2, Byte), "w1 = load_acquire((u8 *)(r2 + 8))"},
		{Atomic(StoreRelease, R1, 8, R2, DWord), "store_release((u64 *)(r1 + 8), r2)"},
		{LoadImm64(R1, -1), "r1 = 0xffffffffffffffff ll"},
		{LoadMap(R1, "counts"), "r1 = map[counts] ll"},
		{LoadMapValue(R1, ".rodata", 8), "r1 = value[.rodata] + 8 ll"},
		{LoadVar(R1, "limit", 0), "r1 = var[limit] ll"},
		{LoadFunc(R1, "step"), "r1 = func[step] ll"},
		{LoadKsym(R1, "jiffies"), "r1 = ksym[jiffies] ll"},
		{LoadTable(R1, "cases"), "r1 = table[cases] ll"},
		{Jump(3), "goto L3"},
		{JumpLong(3), "gotol L3"},
		{MayGoto(3), "may_goto L3"},
		{JumpImm(SLessEq, R1, -1, 3), "if r1 s<= -1 goto L3"},
		{JumpReg(Set, R1, R2, 3), "if r1 & r2 goto L3"},
		{JumpImm32(Less, R1, 7, 3), "if w1 < 7 goto L3"},
		{JumpReg32(NotEqual, R1, R2, 3), "if w1 != w2 goto L3"},
		{GotoReg(R1), "gotox r1"},
		{Call(HelperRingbufOutput), "call bpf_ringbuf_output#130"},
		{CallFunc("step"), "call step"},
		{CallLabel(3), "call L3"},
		{CallKfunc("bpf_rcu_read_lock"), "call kfunc[bpf_rcu_read_lock]"},
		{CallReg(R1), "callx r1"},
		{Exit(), "exit"},
	} {
		if got := tt.in.String(); got != tt.want {
			t.Errorf("%+v is %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestBuildEncodes checks that every instruction that can be built survives encoding.
func TestBuildEncodes(t *testing.T) {
	want := randomKnown(2000)
	want = append(want,
		at(2001, Atomic(LoadAcquire, R1, 8, R2, Byte)),
		at(2002, Atomic(StoreRelease, R1, 8, R2, Half)),
		at(2003, GotoReg(R4)),
		at(2004, LoadInd(R7, -4, Byte)),
		at(2005, CallLabel(1)),
	)
	for _, order := range []ByteOrder{LittleEndian, BigEndian} {
		code, err := AppendEncode(nil, want, EncodeOptions{Order: order})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(code, DecodeOptions{Order: order})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%v: %d instructions became %d", order, len(want), len(got))
		}
		// Decode numbers only the labels that something refers to: compare places, not numbers.
		place := map[Label]int{}
		for i := range got {
			if got[i].Label != 0 {
				place[got[i].Label] = i
			}
		}
		for i := range got {
			g := got[i]
			g.Label = Label(i + 1)
			if g.Ref == RefLabel {
				g.Target = Label(place[g.Target] + 1)
			}
			if g != want[i] {
				t.Fatalf("%v: insn %d: %+v became %+v", order, i, want[i], g)
			}
		}
	}
}
