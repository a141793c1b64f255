package loader

import (
	"errors"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

func TestProgramInfo(t *testing.T) {
	c := counter()
	c.Programs[0].Name = "count everything that comes"
	got := loadT(t, c, Options{})
	p := got.Programs()[0]
	i, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	if i.ID == 0 || i.Type != spec.ProgramXDP || i.Name != "count_everythin" || i.Xlated == 0 || len(i.Maps) != 3 || i.LoadTime == 0 {
		t.Errorf("%+v", i)
	}
	for _, id := range i.Maps {
		if id == 0 {
			t.Errorf("map ids %v", i.Maps)
		}
	}
	code, err := p.Xlated()
	if err != nil || len(code) != int(i.Xlated) || len(code)%8 != 0 || code[len(code)-8] != 0x95 { // exit
		t.Errorf("%d bytes of instructions of %d: %x, %v", len(code), i.Xlated, code, err)
	}
	if p.Name() != c.Programs[0].Name || p.Type() != spec.ProgramXDP || p.Section() != "xdp" {
		t.Errorf("%q %v %q", p.Name(), p.Type(), p.Section())
	}
	p.Close()
	if _, err := p.Info(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("info after close: %v", err)
	}
	if err := p.WithFD(func(int) error { return nil }); !errors.Is(err, os.ErrClosed) {
		t.Errorf("descriptor after close: %v", err)
	}
}
