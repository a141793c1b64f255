package loader

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// counter is a collection that uses what a small object uses: a hash, a variable, a constant, a
// local call.
func counter() *spec.Collection {
	main := program("count",
		asm.LoadMapValue(asm.R1, ".rodata", 4),
		asm.LoadMem(asm.R6, asm.R1, 0, asm.Word),
		asm.LoadVar(asm.R1, "total", 0),
		asm.Mov64Reg(asm.R2, asm.R6),
		asm.Atomic(asm.AtomicAdd, asm.R1, 0, asm.R2, asm.DWord),
		asm.StoreMem(asm.R10, -4, asm.R6, asm.Word),
		asm.StoreMem(asm.R10, -16, asm.R6, asm.DWord),
		asm.LoadMap(asm.R1, "seen"),
		asm.Mov64Reg(asm.R2, asm.R10), asm.ALU64Imm(asm.Add, asm.R2, -4),
		asm.Mov64Reg(asm.R3, asm.R10), asm.ALU64Imm(asm.Add, asm.R3, -16),
		asm.Mov64Imm(asm.R4, 0),
		asm.Call(asm.HelperMapUpdateElem),
		asm.CallFunc("verdict"),
		asm.Exit(),
		asm.Mov64Imm(asm.R0, 2),
		asm.Exit(),
	)
	main.Insns.Edit(func(in []spec.Insn) { in[0].Func = &btf.FuncInfo{Name: "count"} })
	main.Insns.Edit(func(in []spec.Insn) { in[len(in)-2].Func = &btf.FuncInfo{Name: "verdict"} })
	c := collection([]*spec.Program{main},
		&spec.Map{Name: "seen", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 16},
		&spec.Map{Name: ".rodata", Section: ".rodata", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1,
			Flags: spec.FlagReadOnlyProg, Data: native.AppendUint32(make([]byte, 4), 7), Freeze: true},
		&spec.Map{Name: ".bss", Section: ".bss", Type: spec.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1},
	)
	c.Vars = []*spec.Var{{Name: "total", Section: ".bss", Map: ".bss", Offset: 8, Size: 8}}
	return c
}

func TestLoad(t *testing.T) {
	c := counter()
	before := c.Clone()
	got := loadT(t, c, Options{})
	if d := cmp.Diff(before, c); d != "" {
		t.Errorf("the spec changed:\n%s", d)
	}
	o := TestRunOptions{Data: packet()}
	for range 3 {
		if r, err := got.Program("count").TestRun(o); err != nil || r.Ret != 2 {
			t.Fatalf("run: %d, %v", r.Ret, err)
		}
	}
	value := make([]byte, 16)
	if err := got.Map(".bss").Lookup(make([]byte, 4), value); err != nil || native.Uint64(value[8:]) != 21 {
		t.Errorf("total: %d, %v, want 21", native.Uint64(value[8:]), err)
	}
	if err := got.Map("seen").Lookup(native.AppendUint32(nil, 7), value[:8]); err != nil || native.Uint64(value) != 7 {
		t.Errorf("seen: %d, %v", native.Uint64(value), err)
	}
	if err := got.Map(".rodata").Update(make([]byte, 4), make([]byte, 8), UpdateAny); !errors.Is(err, ErrPermission) {
		t.Errorf("update of frozen data: %v", err)
	}
	got.Close()
	if err := got.Close(); err != nil {
		t.Error(err)
	}
	if _, err := got.Program("count").TestRun(o); !errors.Is(err, os.ErrClosed) {
		t.Errorf("run after close: %v", err)
	}
}

func TestProgramArray(t *testing.T) {
	first := program("first",
		asm.LoadMap(asm.R2, "next"), asm.Mov64Imm(asm.R3, 1), asm.Call(asm.HelperTailCall),
		asm.Mov64Imm(asm.R0, 0), asm.Exit())
	c := collection([]*spec.Program{first, program("second", asm.Mov64Imm(asm.R0, 3), asm.Exit())},
		&spec.Map{Name: "next", Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2,
			Values: []spec.MapValue{{Key: 1, Name: "second"}}})
	got := loadT(t, c, Options{})
	if r, err := got.Program("first").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != 3 {
		t.Errorf("run: %d, %v", r.Ret, err)
	}
}

func TestMapOfMaps(t *testing.T) {
	inner := &spec.Map{Name: "inner", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Data: native.AppendUint64(nil, 5)}
	p := program("read",
		asm.StoreImm(asm.R10, -4, 1, asm.Word),
		asm.LoadMap(asm.R1, "outer"),
		asm.Mov64Reg(asm.R2, asm.R10), asm.ALU64Imm(asm.Add, asm.R2, -4),
		asm.Call(asm.HelperMapLookupElem),
		asm.JumpImm(asm.Equal, asm.R0, 0, 1),
		asm.StoreImm(asm.R10, -4, 0, asm.Word),
		asm.Mov64Reg(asm.R1, asm.R0),
		asm.Mov64Reg(asm.R2, asm.R10), asm.ALU64Imm(asm.Add, asm.R2, -4),
		asm.Call(asm.HelperMapLookupElem),
		asm.JumpImm(asm.Equal, asm.R0, 0, 1),
		asm.LoadMem(asm.R0, asm.R0, 0, asm.DWord),
		asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[len(in)-1].Label = 1 })
	outer := &spec.Map{Name: "outer", Type: spec.MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2,
		Inner: &spec.Map{Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}, Values: []spec.MapValue{{Key: 1, Name: "inner"}}}
	got := loadT(t, collection([]*spec.Program{p}, outer, inner), Options{})
	if r, err := got.Program("read").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != 5 {
		t.Errorf("run: %d, %v", r.Ret, err)
	}
}

func TestOptionalPrograms(t *testing.T) {
	spare := program("spare", asm.Mov64Imm(asm.R0, 0), asm.Exit())
	spare.Optional = true
	c := collection([]*spec.Program{spare})
	if got := loadT(t, c, Options{}); got.Program("spare").Err() == nil {
		t.Error("an optional program was loaded")
	}
	if got := loadT(t, c, Options{Programs: []string{"spare"}}); got.Program("spare").Err() != nil {
		t.Error("an optional program that was asked for was not loaded")
	}
	if _, err := Load(c, Options{Programs: []string{"none"}}); err == nil {
		t.Error("a program that does not exist was accepted")
	}
}

// TestIdlePrograms loads a collection whose optional programs, which nobody chose, could not be.
func TestIdlePrograms(t *testing.T) {
	c := collection([]*spec.Program{
		program("main", asm.Mov64Imm(asm.R0, 3), asm.Exit()),
		{Name: "typeless", Section: "?mylib"},
		program("lost", asm.LoadMap(asm.R1, "nowhere"), asm.Exit()),
		program("configured", asm.LoadVar(asm.R1, "CONFIG_NO_SUCH_OPTION", 0), asm.Mov64Imm(asm.R0, 0), asm.Exit()),
	},
		&spec.Map{Name: ".kconfig", Section: ".kconfig", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Data: make([]byte, 4)})
	var b btf.Builder
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	c.BTF = mustTypes(t, &b)
	c.Vars = []*spec.Var{{Name: "CONFIG_NO_SUCH_OPTION", Section: ".kconfig", Map: ".kconfig", Size: 4, Type: number}}
	c.Externs = []spec.Extern{{Name: "CONFIG_NO_SUCH_OPTION", Kind: spec.ExternKconfig, Type: number}}
	for _, p := range c.Programs[1:] {
		p.Optional = true
	}
	got := loadT(t, c, Options{})
	if r, err := got.Program("main").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != 3 || len(got.Programs()) != 1 {
		t.Errorf("run: %d, %v; %d programs", r.Ret, err, len(got.Programs()))
	}
	var notes []string
	for _, n := range got.Notes() {
		notes = append(notes, n.Code+" "+n.Text)
	}
	want := []string{
		`L07 not loaded, and could not be: check program "typeless": it has no type: section "?mylib" names none`,
		`L07 not loaded, and could not be: check program "lost": instruction 0: map "nowhere" does not exist`,
		`L07 nothing that is loaded reads configuration value "CONFIG_NO_SUCH_OPTION", which is left at 0: the kernel was built without it: not supported`,
	}
	if d := cmp.Diff(want, notes); d != "" {
		t.Errorf("notes, -want +have:\n%s", d)
	}
	for name, want := range map[string]string{
		"typeless": `check program "typeless": it has no type`, "lost": `map "nowhere" does not exist`,
		"configured": `configuration value "CONFIG_NO_SUCH_OPTION": the kernel was built without it`,
	} {
		if _, err := Load(c, Options{Programs: []string{name}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with %s: %v, want %s", name, err, want)
		}
	}
	c.Programs = append(c.Programs, program("main", asm.Exit()))
	c.Programs[4].Optional = true
	var fault *spec.CheckError
	if _, err := Load(c, Options{}); !errors.As(err, &fault) || fault.Kind != spec.ObjectCollection {
		t.Errorf("two programs of one name: %v", err)
	}
}

func TestGivenMap(t *testing.T) {
	first := loadT(t, counter(), Options{})
	second := loadT(t, counter(), Options{Maps: map[string]*Map{"seen": first.Map("seen")}})
	if _, err := second.Program("count").TestRun(TestRunOptions{Data: packet()}); err != nil {
		t.Fatal(err)
	}
	if err := first.Map("seen").Lookup(native.AppendUint32(nil, 7), make([]byte, 8)); err != nil {
		t.Errorf("the given map was not used: %v", err)
	}
	if second.Map("seen") != first.Map("seen") || len(second.Maps()) != 2 {
		t.Error("the given map is not found, or counts as the collection's own")
	}
	second.Close()
	if _, err := first.Map("seen").Info(); err != nil {
		t.Errorf("the given map was closed: %v", err)
	}
	_, err := Load(counter(), Options{Maps: map[string]*Map{"sene": first.Map("seen")}})
	if want := `load collection: it has no map "sene", did you mean "seen"?`; err == nil || err.Error() != want {
		t.Errorf("a map in place of none: %v, want %s", err, want)
	}
	_, err = Load(counter(), Options{Programs: []string{"cuont"}})
	if want := `load collection: it has no program "cuont", did you mean "count"?`; err == nil || err.Error() != want {
		t.Errorf("an optional program that does not exist: %v, want %s", err, want)
	}
	_, err = Load(counter(), Options{Maps: map[string]*Map{"seen": first.Map(".bss")}})
	if err == nil || !strings.Contains(err.Error(), "is of type array, not hash") {
		t.Errorf("a map of another type: %v", err)
	}
}

func TestWrongOrder(t *testing.T) {
	c := counter()
	c.Order ^= 1
	if _, err := Load(c, Options{}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("got %v", err)
	}
}

// named counts the maps in the kernel that have a name.
func named(t *testing.T, name string) int {
	t.Helper()
	n := 0
	for id := uint32(0); ; {
		next, err := sys.NextID(sys.Maps, id)
		if errors.Is(err, sys.ENOENT) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		id = next
		fd, err := sys.OpenID(sys.Maps, id)
		if err != nil {
			continue // gone since the list was read
		}
		if i, err := sys.InfoOfMap(fd); err == nil && text(i.Name[:]) == name {
			n++
		}
		fd.Close()
	}
}

func TestFailedLoadLeavesNothing(t *testing.T) {
	needKernel(t)
	bad := program("bad", asm.LoadMem(asm.R0, asm.R1, 2000, asm.Word), asm.Exit())
	kernel := NewKernel()
	defer kernel.Close()
	for name, change := range map[string]func(*spec.Collection){
		"program refused": func(c *spec.Collection) { c.Programs = append(c.Programs, bad) },
		"map refused": func(c *spec.Collection) {
			c.Maps = append(c.Maps, &spec.Map{Name: "huge", Type: spec.MapArray, KeySize: 4, ValueSize: 1 << 30, MaxEntries: 1 << 20})
		},
		"kernel symbol missing": func(c *spec.Collection) {
			c.Programs = append(c.Programs, program("sym", asm.LoadKsym(asm.R1, "no_such_symbol"), asm.Mov64Imm(asm.R0, 0), asm.Exit()))
		},
		"no directory for pins": func(c *spec.Collection) { c.Maps[0].Pinning = spec.PinByName },
		"value of optional program": func(c *spec.Collection) {
			spare := program("spare", asm.Mov64Imm(asm.R0, 0), asm.Exit())
			spare.Optional = true
			c.Programs = append(c.Programs, spare)
			c.Maps = append(c.Maps, &spec.Map{Name: "next", Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1,
				Values: []spec.MapValue{{Name: "spare"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := counter()
			mark := fmt.Sprintf("left%d", os.Getpid())
			c.Maps = append(c.Maps, &spec.Map{Name: mark, Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
			change(c)
			fds, err := os.ReadDir("/proc/self/fd")
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			for range 5 {
				if got, err := Load(c, Options{Kernel: kernel}); err == nil {
					got.Close()
					t.Fatal("loaded")
				}
			}
			after, err := os.ReadDir("/proc/self/fd")
			if err != nil {
				t.Fatal(err)
			}
			if len(after) != len(fds) {
				t.Errorf("%d descriptors before, %d after", len(fds), len(after))
			}
			if c.Map("next") != nil {
				// Linux leaks a prog_array that is looked up by its number while it is cleared
				// after the last close (kernel/bpf/arraymap.c, prog_array_map_clear: a reference
				// for work that is queued already).
				return
			}
			for n := named(t, mark); n > 0; n = named(t, mark) { // the kernel frees a map some time after the last close
				if time.Sleep(10 * time.Millisecond); time.Since(start) > 10*time.Second {
					t.Fatalf("%d maps are left", n)
				}
			}
		})
	}
}

func TestLogLevel(t *testing.T) {
	got := loadT(t, counter(), Options{LogLevel: 1})
	if log := got.Log("count"); !strings.Contains(log, "processed ") {
		t.Errorf("log: %q", log)
	}
}

func TestCloseIsComplete(t *testing.T) {
	needKernel(t)
	fds := func() []byte {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		for _, f := range all {
			b.WriteString(f.Name() + " ")
		}
		return b.Bytes()
	}
	before := fds()
	got, err := Load(counter(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got.Close()
	if after := fds(); !bytes.Equal(before, after) {
		t.Errorf("descriptors before %s, after %s", before, after)
	}
}
