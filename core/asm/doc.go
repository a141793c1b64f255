// Package asm holds eBPF instructions: it decodes and encodes them without loss, and prints and
// reads them as text. It knows nothing of kernels, object files or type information, and builds for
// any platform.
//
// # Model
//
// An [Insn] is one instruction of RFC 9669 or of what Linux added since. Its fields are those of
// the encoding, with three differences. A 64-bit load is one Insn although it fills two slots. A
// jump, a local call and the address of a local function have no displacement; Insn.Target names a
// label, and Insn.Label marks the place. What an object file relocates is a reference by name. So
// instructions can be inserted and deleted as in any slice, and nothing has to be patched.
//
// [Decode] makes labels of displacements, [AppendEncode] makes displacements of labels.
// [DecodeChunks] is for callers that need each instruction only once: it holds a few at a time. A
// jump that is too far for its field goes by way of gotol or is refused, and [Layout] tells where
// everything is then. Bytes that are not an instruction are kept and marked [Raw]. For all bytes that Decode
// accepts, AppendEncode returns the same bytes, reserved fields that are not zero included; with
// DecodeOptions.Lenient it accepts any multiple of eight.
//
// An instruction whose opcode is not known, or one of whose fields selects a meaning that is not
// known (the offset of a move, the immediate of an atomic operation, the source of a call), is Raw
// after decoding, and AppendEncode writes it only if it is marked so. A checker of programs
// therefore looks only at the instructions that it knows and at that mark.
//
// # Analysis
//
// [Insn.Reads], [Insn.MayRead] and [Insn.Writes] return what an instruction does with registers,
// [Op.Format] what its fields mean. Package cfg has the control flow of programs.
//
// [Helper.Info] is what is known of a helper: prototype, license, first kernel, program types.
// [ProgramTag] is the kernel's short name of a program.
//
// # Text
//
// [AppendText] prints and [Parse] reads one syntax: that of llvm-objdump and of the kernel's
// verifier log, with labels and names; [Assemble] makes bytes of it. One instruction stands on a
// line. Registers are r0 to r10, or w0 to w10 for 32-bit arithmetic; numbers are decimal, or
// hexadecimal after 0x.
//
//	r1 = 5                             r1 = r2          w1 = w2
//	r1 = (s8)r2                        sign extension, also s16 and s32
//	r1 += 5                            r1 += r2; also -= *= /= s/= %= s%= |= &= ^= <<= >>= s>>=
//	r1 = -r1
//	r1 = be16 r1                       also le16 to le64, be16 to be64, bswap16 to bswap64
//	r1 = addr_space_cast(r2, 0, 1)     to address space 0, from 1
//	r1 = 0x123456789 ll                64-bit load
//	r1 = *(u32 *)(r2 + 16)             also u8, u16, u64 and, sign-extending, s8, s16, s32
//	*(u32 *)(r1 - 4) = r2              *(u32 *)(r1 - 4) = 5
//	r0 = *(u8 *)skb[12]                r0 = *(u8 *)skb[r2 + 12]
//	lock *(u64 *)(r1 + 0) += r2        also |= &= ^=; u32 with w registers
//	r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)    also or, and, xor
//	r2 = xchg_64(r1 + 0, r2)           w2 = xchg32_32(r1 + 0, w2)
//	r0 = cmpxchg_64(r1 + 0, r0, r2)    w0 = cmpxchg32_32(r1 + 0, w0, w2)
//	r1 = load_acquire((u64 *)(r2 + 0))            w registers for u8, u16, u32
//	store_release((u64 *)(r1 + 0), r2)
//	if r1 == 5 goto L1                 if r1 s> r2 goto L1; also != > >= < <= s>= s< s<= &; w for 32 bits
//	goto L1                            gotol L1, may_goto L1, gotox r1
//	call bpf_map_lookup_elem#1         helper; number or name alone are read too
//	call name                          function of the program; call L1, call func[name]
//	call kfunc[name]                   kernel function; call kfunc(123) by BTF id
//	callx r1
//	exit
//
// A 64-bit load of something with a name, or of a number that denotes something:
//
//	r1 = map[name] ll                  map
//	r1 = value[name] + 8 ll            byte 8 of the first value of a map
//	r1 = var[name] + 8 ll              byte 8 of a variable
//	r1 = func[name] ll                 function of the program; label[L1] by its label
//	r1 = ksym[name] ll                 kernel symbol
//	r1 = table[name] ll                jump table
//	r1 = map_fd(5) ll                  also value_fd(5) + 8, map_idx(5), value_idx(5) + 8, btf_id(5)
//
// Names in brackets, labels and functions are quoted as in Go where they are not plain words.
//
// Between instructions stand labels (L1: or any other word and a colon; L and a number is the label
// of that number), .func name before the first instruction of a function, .const NAME = 5 to write
// NAME for a number from there on, empty lines, and comments from // or ; or # to the end of the
// line. Instead of a label Parse takes a displacement as disassemblers print it (goto +5, call
// pc+5, with <symbol> after it or not), and it makes a label of it; it skips the number and the opcode in
// parentheses that they print before an instruction, and expects no ll after opcode 18.
//
// Three more forms make sure that every instruction has a text of its own. Fields that the text of
// an instruction does not show follow in braces when they are not as usual: r1 = r2 {imm=7}. A
// displacement that is to stay one has the word fixed there: goto +5 {fixed}. A Raw instruction is
// its first slot as a number with the opcode in the lowest byte, whatever the byte order of the
// program: .raw 0x00000001000000ff.
package asm
