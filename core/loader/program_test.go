package loader

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/sys"
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
	machine, err := p.Jited()
	if err != nil || len(machine) != 0 && len(machine) != int(i.Jited) {
		t.Errorf("%d bytes of machine code of %d, %v", len(machine), i.Jited, err)
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

// TestEnableStats counts runs while it is asked for that.
func TestEnableStats(t *testing.T) {
	p := loadT(t, collection([]*spec.Program{program("p", asm.Mov64Imm(asm.R0, 2), asm.Exit())}), Options{}).Programs()[0]
	stats, err := EnableStats()
	kerneltest.Check(t, err)
	if _, err := p.TestRun(TestRunOptions{Data: packet(), Repeat: 10}); err != nil {
		t.Error(err)
	}
	if err := stats.Close(); err != nil {
		t.Error(err)
	}
	if i, err := p.Info(); err != nil || i.Runs != 10 {
		t.Errorf("%d runs of 10 were counted (%v)", i.Runs, err)
	}
}

func TestBindMap(t *testing.T) {
	c := loadT(t, collection([]*spec.Program{program("p", asm.Mov64Imm(asm.R0, 2), asm.Exit())},
		&spec.Map{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}), Options{})
	p, m := c.Program("p"), c.Map("m")
	for range 2 { // what is bound already is not an error
		if err := p.BindMap(m); err != nil {
			t.Fatal(err)
		}
	}
	i, err := p.Info()
	if id := idOf(t, m); err != nil || len(i.Maps) != 1 || i.Maps[0] != id {
		t.Errorf("maps %v, %v, want %d", i.Maps, err, id)
	}
	m.Close()
	if err := p.BindMap(m); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed map: %v", err)
	}
}

// TestPin pins a program and a map, each alone.
func TestPin(t *testing.T) {
	c := loadT(t, collection([]*spec.Program{program("p", asm.Mov64Imm(asm.R0, 2), asm.Exit())},
		&spec.Map{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}), Options{})
	dir := bpffs(t)
	for name, pin := range map[string]func(string) error{"p": c.Program("p").Pin, "m": c.Map("m").Pin} {
		if err := pin(dir + "/" + name); err != nil {
			t.Fatal(err)
		}
		fd, err := sys.OpenPin(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fd.Close()
		if err := pin(dir + "/" + name); !errors.Is(err, os.ErrExist) {
			t.Errorf("%s: pinned twice: %v", name, err)
		}
		if err := pin(dir + "/a.b"); err == nil || !strings.HasSuffix(err.Error(), "names in a bpf file system have no dots") {
			t.Errorf("%s: a name with a dot: %v", name, err)
		}
	}
}
