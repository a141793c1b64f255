package asm

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readPrograms returns the programs of testdata/programs.txt.
func readPrograms(t testing.TB) map[string][]byte {
	t.Helper()
	b, err := os.ReadFile("testdata/programs.txt")
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string][]byte{}
	for line := range strings.Lines(string(b)) {
		name, code, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || name == "#" {
			continue
		}
		if programs[name], err = hex.DecodeString(code); err != nil {
			t.Fatalf("programs.txt: %s: %v", name, err)
		}
	}
	if len(programs) == 0 {
		t.Fatal("programs.txt is empty")
	}
	return programs
}

// checkLossless demands that bytes survive decoding, and that what was decoded survives printing.
func checkLossless(t *testing.T, code []byte, order ByteOrder) {
	t.Helper()
	for _, o := range []DecodeOptions{
		{Order: order},
		{Order: order, RawCalls: true},
		{Order: order, Lenient: true},
		{Order: order, Lenient: true, RawCalls: true},
	} {
		insns, err := Decode(code, o)
		if err != nil {
			if o.Lenient {
				t.Fatalf("lenient: %v", err)
			}
			continue
		}
		before := slices.Clone(insns)
		got, err := AppendEncode(nil, insns, EncodeOptions{Order: order})
		if err != nil || !bytes.Equal(got, code) {
			t.Fatalf("%+v: %x became %x, %v\n%+v", o, code, got, err, insns)
		}
		if !slices.Equal(before, insns) {
			t.Fatalf("encoding changed its input:\n%s", cmp.Diff(before, insns))
		}
		text := string(AppendText(nil, insns, TextOptions{}))
		l, err := Parse(text)
		if err != nil {
			t.Fatalf("%+v: %v in\n%s", o, err, text)
		}
		if !slices.Equal(insns, l.Insns) || l.Funcs != nil || l.LabelNames != nil {
			t.Fatalf("%+v: text\n%s\nis read differently (-want +got):\n%s", o, text, cmp.Diff(Listing{Insns: insns}, l))
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, code := range readPrograms(f) {
		f.Add(code, false)
		f.Add(swapped(code), true)
	}
	for _, r := range readTable(f) {
		f.Add(r.code, false)
	}
	f.Fuzz(func(t *testing.T, code []byte, big bool) {
		order := LittleEndian
		if big {
			order = BigEndian
		}
		checkLossless(t, code[:len(code)/SlotSize*SlotSize], order)
		checkChunks(t, "input", code, DecodeOptions{Order: order})
		checkChunks(t, "input", code, DecodeOptions{Order: order, Lenient: true})
	})
}

func FuzzParse(f *testing.F) {
	for _, code := range readPrograms(f) {
		insns, err := Decode(code, DecodeOptions{Lenient: true})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(AppendText(nil, insns, TextOptions{
			LabelNames: map[Label]string{1: "out", 3: "not a word", 4: "L9"},
			Funcs:      map[int]string{0: "main", 5: "a function"},
			Source:     func(i int) string { return "a = b;\n\x1b[2J" },
		})))
	}
	for _, r := range readTable(f) {
		f.Add(r.text)
	}
	f.Add(".const A = 5\n.func A\nA: r1 = A\nr2 = *(u8 *)(r1 + A)\nif r2 == A goto A\ncall A\nexit")
	f.Fuzz(func(t *testing.T, text string) {
		checkAssemble(t, text)
		l, err := Parse(text)
		if err != nil {
			return
		}
		o := TextOptions{LabelNames: l.LabelNames, Funcs: l.Funcs}
		printed := string(AppendText(nil, l.Insns, o))
		again, err := Parse(printed)
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, printed, err)
		}
		if second := string(AppendText(nil, again.Insns, TextOptions{LabelNames: again.LabelNames, Funcs: again.Funcs})); second != printed {
			t.Fatalf("%q is printed as %q and then as %q", text, printed, second)
		}
		var named int
		for i := range l.Insns {
			if l.Insns[i].Ref > RefLabel {
				named++
			}
		}
		if _, err := AppendEncode(nil, l.Insns, EncodeOptions{}); (err != nil) != (named > 0) && !strings.Contains(err.Error(), "displacement") {
			t.Fatalf("encode %q: %v", text, err)
		}
	})
}

// checkAssemble demands that errors are within the text, and that what is assembled can be decoded.
func checkAssemble(t *testing.T, text string) {
	t.Helper()
	code, err := Assemble(text, EncodeOptions{})
	if err != nil {
		var e *ParseError
		lines := strings.Split(text, "\n")
		if !errors.As(err, &e) || e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > len(lines[e.Line-1])+1 {
			t.Fatalf("assemble %q: %v", text, err)
		}
		return
	}
	if _, err := Decode(code, DecodeOptions{Lenient: true}); err != nil {
		t.Fatalf("assemble %q: %x: %v", text, code, err)
	}
}

// TestLossless tries every opcode with the values of the other fields that have a meaning
// somewhere, and random words.
func TestLossless(t *testing.T) {
	offs := []int16{0, 1, 2, 8, 16, 32, -1, -32768}
	imms := []int32{0, 1, 0x40, 0xa1, 0xe1, 0xf1, 0x100, 0x110, 16, 64, -1, -2147483648}
	var code []byte
	for op := range 256 {
		for _, regs := range []byte{0, 0x10, 0x21, 0x30, 0x45, 0x62, 0x70, 0xff} {
			code = code[:0]
			for _, off := range offs {
				for _, imm := range imms {
					code = append(code, byte(op), regs)
					code = binary.LittleEndian.AppendUint16(code, uint16(off))
					code = binary.LittleEndian.AppendUint32(code, uint32(imm))
					if Op(op) == OpLoadImm64 {
						code = append(code, 0, 0, 0, 0, byte(imm), 2, 3, byte(off))
					}
				}
			}
			checkLossless(t, code, LittleEndian)
			checkLossless(t, swapped(code), BigEndian)
		}
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		code = code[:0]
		for range 1 + random.IntN(60) {
			code = binary.LittleEndian.AppendUint64(code, random.Uint64())
		}
		checkLossless(t, code, LittleEndian)
		checkLossless(t, code, BigEndian)
	}
}

func TestPrograms(t *testing.T) {
	for name, code := range readPrograms(t) {
		t.Run(name, func(t *testing.T) {
			checkLossless(t, code, LittleEndian)
			checkLossless(t, swapped(code), BigEndian)
			insns, err := Decode(code, DecodeOptions{RawCalls: true})
			if err != nil {
				t.Fatal(err)
			}
			for i, in := range insns {
				if in.Flags&Raw != 0 {
					t.Errorf("insn %d of a compiled program is not known: %v", i, in)
				}
			}
		})
	}
}
