package asm

import (
	"bytes"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// row is a line of testdata/insns.txt.
type row struct {
	line int
	code []byte // little-endian
	text string // as AppendText prints it
	llvm bool   // LLVM 19 knows it
}

func readTable(t testing.TB) []row {
	t.Helper()
	b, err := os.ReadFile("testdata/insns.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	llvm := true
	for i, line := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(line, "# ====") {
			llvm = false
		}
		if line == "" || line[0] == '#' {
			continue
		}
		parts := strings.Split(line, " | ")
		code, err := hex.DecodeString(strings.ReplaceAll(parts[0], " ", ""))
		if err != nil {
			t.Fatalf("insns.txt:%d: %v", i+1, err)
		}
		var text strings.Builder
		for _, p := range parts[1:] {
			if label, rest, ok := strings.Cut(p, ": "); ok {
				text.WriteString(label + ":\n")
				p = rest
			}
			text.WriteString("\t" + p + "\n")
		}
		rows = append(rows, row{i + 1, code, text.String(), llvm})
	}
	if len(rows) < 400 {
		t.Fatalf("insns.txt has %d rows, want at least 400", len(rows))
	}
	return rows
}

// swapped turns little-endian slots into big-endian ones.
func swapped(code []byte) []byte {
	out := make([]byte, 0, len(code))
	for ; len(code) > 0; code = code[8:] {
		s := code[:8]
		out = append(out, s[0], s[1]>>4|s[1]<<4, s[3], s[2], s[7], s[6], s[5], s[4])
	}
	return out
}

func TestTable(t *testing.T) {
	for _, r := range readTable(t) {
		t.Run("line"+strconv.Itoa(r.line), func(t *testing.T) {
			insns, err := Decode(r.code, DecodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(r.text, string(AppendText(nil, insns, TextOptions{}))); d != "" {
				t.Errorf("text (-want +got):\n%s", d)
			}
			l, err := Parse(r.text)
			if err != nil {
				t.Fatalf("parse %q: %v", r.text, err)
			}
			if d := cmp.Diff(Listing{Insns: insns}, l); d != "" {
				t.Errorf("parsed (-decoded +parsed):\n%s", d)
			}
			got, err := AppendEncode(nil, l.Insns, EncodeOptions{})
			if err != nil || !bytes.Equal(got, r.code) {
				t.Errorf("encoded %x, %v; want %x", got, err, r.code)
			}
			big := swapped(r.code)
			got, err = AppendEncode(nil, l.Insns, EncodeOptions{Order: BigEndian})
			if err != nil || !bytes.Equal(got, big) {
				t.Errorf("encoded big-endian %x, %v; want %x", got, err, big)
			}
			bigInsns, err := Decode(big, DecodeOptions{Order: BigEndian})
			if d := cmp.Diff(insns, bigInsns); err != nil || d != "" {
				t.Errorf("decoded big-endian (-little +big), %v:\n%s", err, d)
			}
		})
	}
}
