package elf_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

// TestNotes holds that notes which are left out are said to be.
func TestNotes(t *testing.T) {
	for functions, want := range map[int]string{255: elf.NoteStaticProgram, 256: elf.NoteMore, 300: elf.NoteMore} {
		var text strings.Builder
		for i := range functions {
			fmt.Fprintf(&text, "static f%d\n", i)
		}
		text.WriteString("section xdp\n")
		for i := range functions {
			fmt.Fprintf(&text, ".func f%d\nr0 = 0\nexit\n", i)
		}
		c, err := elf.LoadBytes(elftest.MustBytes(text.String()), elf.Options{Lenient: true})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(c.Notes); n != min(functions, 256) || c.Notes[n-1].Code != want {
			t.Errorf("%d functions: %d notes, the last is %+v", functions, n, c.Notes[n-1])
		}
	}
}
