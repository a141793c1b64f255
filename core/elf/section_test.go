package elf_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

func TestSectionsLenient(t *testing.T) {
	const text = "section xdp_drop\n.func drop\nr0 = 1\nexit\nsection ?kprobe/f\n.func probe\nr0 = 0\nexit"
	b := elftest.MustBytes(text)
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Program("drop"); p.Type != 0 || len(c.Notes) != 1 || c.Notes[0].Code != elf.NoteUnknown {
		t.Errorf("exact: %v, notes %+v", p.Type, c.Notes)
	}
	if p := c.Program("probe"); !p.Optional || p.Type != spec.ProgramKprobe || p.AttachTo != "f" || p.Section != "?kprobe/f" {
		t.Errorf("optional program: %+v", p)
	}
	if c, err = elf.LoadBytes(b, elf.Options{Lenient: true}); err != nil {
		t.Fatal(err)
	}
	if p := c.Program("drop"); p.Type != spec.ProgramXDP || len(c.Notes) != 1 || c.Notes[0].Code != elf.NoteLenient {
		t.Errorf("lenient: %v, notes %+v", p.Type, c.Notes)
	}
}

// TestSectionsOfFunctions reads what compilers make with a section for each function: those of .text are libraries,
// used or not.
func TestSectionsOfFunctions(t *testing.T) {
	c, err := elf.LoadBytes(elftest.MustBytes("section xdp\n.func drop\ncall used\nexit\nsection .text.used\n.func used\nr0 = 1\nexit\nsection .text.unused\n.func unused\nr0 = 1\nexit"), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Programs) != 1 || c.Programs[0].FindFunc("used") < 0 || len(c.Notes) > 0 || c.Check() != nil {
		t.Errorf("%d programs, notes %v, %v", len(c.Programs), c.Notes, c.Check())
	}
}
