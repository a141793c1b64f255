package cfg

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

// at returns an instruction with a label.
func at(l asm.Label, in asm.Insn) asm.Insn {
	in.Label = l
	return in
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readLines returns the lines of a file of package asm that are not comments, cut at a separator.
func readLines(t testing.TB, file, separator string) [][]string {
	t.Helper()
	b, err := os.ReadFile("../testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, strings.Split(line, separator))
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s is empty", file)
	}
	return out
}

// readPrograms returns the compiled programs of package asm by name.
func readPrograms(t testing.TB) map[string][]byte {
	t.Helper()
	programs := map[string][]byte{}
	for _, f := range readLines(t, "programs.txt", " ") {
		programs[f[0]] = unhex(t, f[1])
	}
	return programs
}

// readTable returns the code of every row of package asm's table of instructions.
func readTable(t testing.TB) [][]byte {
	t.Helper()
	var rows [][]byte
	for _, f := range readLines(t, "insns.txt", " | ") {
		rows = append(rows, unhex(t, f[0]))
	}
	return rows
}
