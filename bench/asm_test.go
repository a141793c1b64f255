package bench

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	peer "github.com/cilium/ebpf/asm"
)

// insnCount is the size of the program that is measured.
const insnCount = 10_000

// usualMix returns the bytes of a program in the proportions of compiled ones.
func usualMix(tb testing.TB, n int) []byte {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	insns := make([]asm.Insn, 0, n)
	for i := range n - 1 {
		dst, src := asm.Reg(random.IntN(10)), asm.Reg(random.IntN(10))
		var in asm.Insn
		switch random.IntN(20) {
		case 0, 1, 2, 3:
			in = asm.JumpImm(asm.NotEqual, dst, int32(random.Uint32()), 1+asm.Label(min(n-1, i+1+random.IntN(100))))
		case 4, 5:
			in = asm.LoadImm64(dst, random.Int64())
		case 6:
			in = asm.Call(asm.HelperMapLookupElem)
		case 7, 8, 9:
			in = asm.ALU64Imm(asm.Add, dst, int32(random.IntN(4096)))
		case 10, 11, 12:
			in = asm.Mov64Reg(dst, src)
		case 13, 14:
			in = asm.StoreMem(asm.R10, int16(-random.IntN(512)), src, asm.DWord)
		default:
			in = asm.LoadMem(dst, src, int16(random.IntN(512)), asm.Word)
		}
		in.Label = asm.Label(i + 1)
		insns = append(insns, in)
	}
	last := asm.Exit()
	last.Label = asm.Label(n)
	code, err := asm.AppendEncode(nil, append(insns, last), asm.EncodeOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return code
}

// decodePeer decodes with the peer.
func decodePeer(code []byte) (peer.Instructions, error) {
	return peer.AppendInstructions(make(peer.Instructions, 0, len(code)/8), bytes.NewReader(code), binary.LittleEndian, "linux")
}

// asmTasks are rows 8 to 10 of the performance goals, and the tag. libbpf has no such functions.
func asmTasks(tb testing.TB, _ *libbpf) []Task {
	code := usualMix(tb, insnCount)
	ours, err := asm.Decode(code, asm.DecodeOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	theirs, err := decodePeer(code)
	if err != nil {
		tb.Fatal(err)
	}
	buf := make([]byte, 0, len(code))
	var out bytes.Buffer
	var text []byte
	task := func(name string, goal float64, ours, theirs func() error) Task {
		return Task{name, insnCount, "insn", Call(ours), peers(cilium(goal, theirs))}
	}
	return []Task{
		task("encode", 0.15, func() (err error) {
			buf, err = asm.AppendEncode(buf[:0], ours, asm.EncodeOptions{})
			return err
		}, func() error {
			out.Reset()
			return theirs.Marshal(&out, binary.LittleEndian)
		}),
		task("decode", 0.4, func() error {
			_, err := asm.Decode(code, asm.DecodeOptions{})
			return err
		}, func() error {
			_, err := decodePeer(code)
			return err
		}),
		task("print", 0.15, func() error {
			text = asm.AppendText(text[:0], ours, asm.TextOptions{})
			return nil
		}, func() error {
			out.Reset()
			_, err := fmt.Fprintf(&out, "%v", theirs)
			return err
		}),
		task("tag", 0.3, func() error {
			_, err := asm.ProgramTag(ours, asm.TagOptions{Hash: asm.TagSHA1})
			return err
		}, func() error {
			//lint:ignore SA1019 it makes the tag of older kernels, which is as much work
			_, err := theirs.Tag(binary.LittleEndian)
			return err
		}),
	}
}

// recode decodes and encodes with the peer.
func recode(code []byte) ([]byte, error) {
	insns, err := decodePeer(code)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = insns.Marshal(&out, binary.LittleEndian)
	return out.Bytes(), err
}

// TestSameBytes holds both libraries against each other: what they decode has to encode to the same
// bytes. Where the peer is wrong, or refuses what is right, the difference is in peerDiffers.
func TestSameBytes(t *testing.T) {
	programs := map[string][]byte{"mix": usualMix(t, 2000)}
	b, err := os.ReadFile("../core/asm/testdata/insns.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if code, text, ok := strings.Cut(strings.TrimSpace(line), " | "); ok && line[0] != '#' {
			if programs[text], err = hex.DecodeString(strings.ReplaceAll(code, " ", "")); err != nil {
				t.Fatal(err)
			}
		}
	}
	same := 0
	for text, code := range programs {
		insns, err := asm.Decode(code, asm.DecodeOptions{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, err := asm.AppendEncode(nil, insns, asm.EncodeOptions{}); err != nil || !bytes.Equal(got, code) {
			t.Errorf("%s: we make %x of %x, %v", text, got, code, err)
		}
		got, err := recode(code)
		differs := err != nil || !bytes.Equal(got, code)
		if why := peerDiffers(insns); differs != (why != "") {
			t.Errorf("%s: the peer makes %x of %x, %v; expected a difference: %q", text, got, code, err, why)
		}
		if !differs {
			same++
		}
	}
	if same < 250 {
		t.Errorf("only %d programs are the same", same)
	}
}

// peerDiffers says why the peer (v0.22.0) does not produce the same bytes, or nothing if it does.
func peerDiffers(insns []asm.Insn) string {
	for _, in := range insns {
		switch c := in.Op.Class(); {
		case (c == asm.ClassALU || c == asm.ClassALU64) && in.Off != 0 && !selects(in):
			return "it drops the offset of arithmetic, and with it address space casts"
		case in.Op == asm.OpCall && in.Src == 0 && in.Imm < 0:
			return "it refuses numbers of helpers with the highest bit set"
		}
	}
	return ""
}

// selects reports whether the offset of an arithmetic instruction is one that the peer knows.
func selects(in asm.Insn) bool {
	switch in.Op.ALU() {
	case asm.Div, asm.Mod:
		return in.Off == 1
	case asm.Mov:
		return in.Off == 8 || in.Off == 16 || in.Off == 32
	}
	return false
}

// TestPeerAtomics shows that what the peer builds as atomic operations is encoded as an addition.
func TestPeerAtomics(t *testing.T) {
	for name, tt := range map[string]struct {
		ours   asm.Insn
		theirs peer.Instruction
	}{
		"fetch": {asm.Atomic(asm.AtomicAdd|asm.Fetch, asm.R1, 8, asm.R2, asm.DWord), peer.FetchAdd.Mem(peer.R1, peer.R2, peer.DWord, 8)},
		"xchg":  {asm.Atomic(asm.Xchg, asm.R1, 8, asm.R2, asm.DWord), peer.Xchg.Mem(peer.R1, peer.R2, peer.DWord, 8)},
		"or":    {asm.Atomic(asm.AtomicOr, asm.R1, 8, asm.R2, asm.DWord), peer.OrAtomic.Mem(peer.R1, peer.R2, peer.DWord, 8)},
	} {
		code, err := asm.AppendEncode(nil, []asm.Insn{tt.ours}, asm.EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := tt.theirs.Marshal(&out, binary.LittleEndian); err != nil {
			t.Fatal(err)
		}
		if imm := binary.LittleEndian.Uint32(code[4:]); imm != uint32(tt.ours.Imm) {
			t.Errorf("%s: our immediate is %#x", name, imm)
		}
		if imm := binary.LittleEndian.Uint32(out.Bytes()[4:]); imm != 0 {
			t.Errorf("%s: the peer's immediate is %#x; the defect is gone, take it out of the list", name, imm)
		}
	}
}

// TestPeerJumpWraps shows that the peer cuts a displacement that does not fit, which we refuse or
// widen.
func TestPeerJumpWraps(t *testing.T) {
	theirs := peer.Instructions{peer.Ja.Label("far")}
	ours := []asm.Insn{asm.Jump(1)}
	for range 40_000 {
		theirs = append(theirs, peer.Mov.Imm(peer.R0, 0))
		ours = append(ours, asm.Mov64Imm(asm.R0, 0))
	}
	theirs = append(theirs, peer.Return().WithSymbol("far"))
	last := asm.Exit()
	last.Label = 1
	ours = append(ours, last)
	var out bytes.Buffer
	if err := theirs.Marshal(&out, binary.LittleEndian); err != nil {
		t.Fatalf("the peer refuses a long jump now (%v); take it out of the list", err)
	}
	if off := int16(binary.LittleEndian.Uint16(out.Bytes()[2:])); off != -25536 {
		t.Errorf("the peer's displacement is %d", off)
	}
	if _, err := asm.AppendEncode(nil, ours, asm.EncodeOptions{NoGotol: true}); err == nil {
		t.Error("we take a displacement that does not fit")
	}
	code, err := asm.AppendEncode(nil, ours, asm.EncodeOptions{})
	if err != nil || code[0] != byte(asm.OpJumpLong) || int32(binary.LittleEndian.Uint32(code[4:])) != 40_000 {
		t.Errorf("our jump is %x, %v", code[:8], err)
	}
}

// TestSameTag compares tags.
func TestSameTag(t *testing.T) {
	code := usualMix(t, 3000)
	insns, err := asm.Decode(code, asm.DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := decodePeer(code)
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []asm.TagHash{asm.TagSHA1, asm.TagSHA256} {
		tag, err := asm.ProgramTag(insns, asm.TagOptions{Hash: hash})
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := theirs.HasTag(hex.EncodeToString(tag[:]), binary.LittleEndian); err != nil || !ok {
			t.Errorf("hash %d: the peer does not have tag %x, %v", hash, tag, err)
		}
	}
}
