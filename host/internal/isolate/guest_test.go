//go:build linux

package isolate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

var cat = wasmtest.Cat

// newModule is a module with a page of memory, the import add, and functions, of which "abi" returns 7.
func newModule(funcs ...wasmtest.Func) *wasmtest.Module {
	return &wasmtest.Module{
		Imports: []wasmtest.Import{{Module: "host_v1", Name: "add", Params: "iI", Results: "i"}},
		Memory:  []byte{0x00, 0x01},
		Exports: []wasmtest.Export{{Name: "memory", Kind: 2}},
		Funcs:   append([]wasmtest.Func{{Export: "abi", Results: "i", Code: wasmtest.Const(7)}}, funcs...),
	}
}

// run is the export that tests call.
func run(code ...[]byte) wasmtest.Func {
	return wasmtest.Func{Export: "run", Results: "i", Code: cat(code...)}
}

// testOptions offer what newModule needs; add adds its arguments.
func testOptions() Options {
	i32 := []sandbox.ValueType{sandbox.I32}
	return Options{
		Options: sandbox.Options{
			HostModule: "host_v1",
			Imports:    []sandbox.Import{{Name: "add", Params: []sandbox.ValueType{sandbox.I32, sandbox.I64}, Results: i32}},
			Exports: []sandbox.Export{{Name: "abi", Results: i32, Required: true}, {Name: "run", Results: i32},
				{Name: "feed", Params: []sandbox.ValueType{sandbox.I32, sandbox.I32}, Results: i32}},
		},
		Calls: []func(*Guest, []uint64){func(_ *Guest, s []uint64) { s[0] = uint64(uint32(s[0]) + uint32(s[1])) }},
	}
}

// start loads a module, and closes it at the end of the test.
func start(t testing.TB, l *Launcher, m *wasmtest.Module, o Options) *Guest {
	t.Helper()
	g, err := l.Load(context.Background(), m.Bytes(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

// addition runs to 42.
var addition = run(wasmtest.Const(40), wasmtest.Const64(2), wasmtest.Call(0))

func TestCall(t *testing.T) {
	g := start(t, &Launcher{}, newModule(addition), testOptions())
	t.Log(g.Isolation())
	for range 3 {
		if n, err := g.Call(context.Background(), "run", 0); n != 42 || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := g.Imports(); len(got) != 1 || got[0] != "host_v1.add" || !g.Has("run") || g.Has("feed") {
		t.Errorf("imports %v, run %t, feed %t", got, g.Has("run"), g.Has("feed"))
	}
	if _, err := g.Call(context.Background(), "feed", 0); !errors.Is(err, sandbox.ErrNoExport) {
		t.Errorf("call of what is not there: %v", err)
	}
	if _, err := g.Call(context.Background(), "run", 0, 1); err == nil {
		t.Error("an argument too many is no error")
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := g.Call(context.Background(), "run", 0); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("call of a closed guest: %v", err)
	}
	if _, ok := g.View(0, 1); ok {
		t.Error("a closed guest has memory")
	}
}

// Calls from many goroutines run one after the other.
func TestCallsInTurn(t *testing.T) {
	o, inside := testOptions(), 0
	o.Calls[0] = func(_ *Guest, s []uint64) {
		if inside++; inside != 1 {
			t.Errorf("%d calls run at once", inside)
		}
		s[0] = 42
		inside--
	}
	g := start(t, &Launcher{}, newModule(addition), o)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if n, err := g.Call(context.Background(), "run", time.Minute); n != 42 || err != nil {
				t.Error(n, err)
			}
		})
	}
	wg.Wait()
}

// Whatever a guest does in its process, the error is that of a guest in this one.
func TestFailures(t *testing.T) {
	l := &Launcher{}
	for _, tt := range []struct {
		name string
		code []byte
		want string
	}{
		{"unreachable", wasmtest.Unreachable, "trap in run: unreachable"},
		{"loop", cat(wasmtest.Loop, wasmtest.Const(0)), "wall time limit of 100ms reached in run"},
		{"recursion", wasmtest.Call(2), "call stack limit of 8 MiB reached in run"},
		{"load beyond memory", cat(wasmtest.Const(-4), wasmtest.Load(0)), "trap in run: out of bounds memory access"},
		{"host calls", cat([]byte{0x03, 0x40}, wasmtest.Const(1), wasmtest.Const64(1), wasmtest.Call(0), wasmtest.Drop,
			[]byte{0x0c, 0, 0x0b}, wasmtest.Const(0)), "host calls limit of 1000 reached in run"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := testOptions()
			o.Limits.HostCalls = 1000
			g := start(t, l, newModule(run(tt.code)), o)
			timeout := time.Minute
			if tt.name == "loop" {
				timeout = 100 * time.Millisecond
			}
			if _, err := g.Call(context.Background(), "run", timeout); err == nil || err.Error() != tt.want {
				t.Fatalf("error %v, want %s", err, tt.want)
			}
			if _, err := g.Call(context.Background(), "abi", 0); !errors.Is(err, sandbox.ErrPoisoned) {
				t.Errorf("after the failure: %v, want ErrPoisoned", err)
			}
			if err := syscall.Kill(g.Isolation().PID, 0); err != syscall.ESRCH {
				t.Errorf("after the failure, its process is there: %v", err)
			}
		})
	}
}

// attack is a guest that runs for ever, or nearly so, in its hook or at its start.
type attack struct {
	name  string
	funcs []wasmtest.Func // from index 2 on
	run   []byte
	start bool
}

func attacks() []attack {
	endless := func(body ...[]byte) []byte { return cat([]byte{0x03, 0x40}, cat(body...), []byte{0x0c, 0, 0x0b}) }
	fill := cat(wasmtest.Const(0), wasmtest.Const(0), wasmtest.Const(31<<20), []byte{0xfc, 11, 0})
	var tree []wasmtest.Func // each calls the next one twice; abi is function 1, they begin at 2
	for i := range 60 {
		tree = append(tree, wasmtest.Func{Code: cat(wasmtest.Call(i+3), wasmtest.Call(i+3))})
	}
	tree = append(tree, wasmtest.Func{})
	return []attack{
		{"loop", nil, endless(), false},
		{"nested loops", nil, endless(endless(wasmtest.Const(1), []byte{0x0d, 0}), wasmtest.Const(0), wasmtest.Drop), false},
		{"tree of calls", tree, wasmtest.Call(2), false},
		{"loop of fills", nil, endless(fill), false},
		{"line of fills", nil, bytes.Repeat(fill, 100), false},
		{"loop that grows", nil, endless(wasmtest.Const(1), wasmtest.Grow, wasmtest.Drop), false},
		{"loop of host calls", nil, endless(wasmtest.Const(1), wasmtest.Const64(1), wasmtest.Call(0), wasmtest.Drop), false},
		{"loop at the start", []wasmtest.Func{{Code: endless()}}, nil, true},
	}
}

// load loads the guest of an attack. Its hook has to be called where it is not the start that runs.
func (a attack) load(l *Launcher, limit time.Duration) (*Guest, error) {
	m := newModule(append(a.funcs, run(a.run, wasmtest.Const(0)))...)
	m.Memory = []byte{0x01, 0x80, 0x04, 0x80, 0x04} // 512 pages
	o := testOptions()
	o.Limits.HostCalls = 1 << 60
	if a.start {
		m.Start, o.Limits.Start = []byte{2}, limit
	}
	return l.Load(context.Background(), m.Bytes(), o)
}

// What runs for ever, or nearly so, in a hook or at the start, ends at its deadline, and other guests
// go on.
func TestAttacks(t *testing.T) {
	l := &Launcher{}
	other := start(t, l, newModule(addition), testOptions())
	for _, tt := range attacks() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at, want := "run", "wall time limit of 100ms reached in run"
			if tt.start {
				at, want = "start", "wall time limit of 100ms reached in start"
			}
			g, err := tt.load(l, 100*time.Millisecond)
			if err == nil {
				defer g.Close()
				_, err = g.Call(context.Background(), at, 100*time.Millisecond)
			}
			if err == nil || err.Error() != want {
				t.Errorf("it ended with %v, want %s", err, want)
			}
			if n, err := other.Call(context.Background(), "run", time.Minute); n != 42 || err != nil {
				t.Errorf("another guest: %d, %v", n, err)
			}
		})
	}
}

// What a host function does wrong ends the call as well.
func TestHostFailures(t *testing.T) {
	l := &Launcher{}
	stop := errors.New("enough")
	for _, tt := range []struct {
		name string
		fn   func(*Guest, []uint64)
		want string
	}{
		{"abort", func(g *Guest, _ []uint64) { g.Abort(stop) }, "enough"},
		{"panic", func(*Guest, []uint64) { panic("oh\x1b") }, `trap in run: "host function add panicked: oh\x1b"`},
	} {
		o := testOptions()
		o.Calls[0] = tt.fn
		g := start(t, l, newModule(addition), o)
		if _, err := g.Call(context.Background(), "run", 0); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
		if _, err := g.Call(context.Background(), "run", 0); !errors.Is(err, sandbox.ErrPoisoned) {
			t.Errorf("after %s: %v, want ErrPoisoned", tt.name, err)
		}
	}
}

// A host function that takes long learns that its call is not wanted any more.
func TestHostExpired(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	unwanted := errors.New("the run is over")
	o := testOptions()
	o.Calls[0] = func(g *Guest, _ []uint64) {
		if err := g.Expired(); err != nil {
			t.Errorf("before: %v", err)
		}
		cancel(unwanted)
		g.Abort(g.Expired())
	}
	g := start(t, &Launcher{}, newModule(addition), o)
	if _, err := g.Call(ctx, "run", 0); !errors.Is(err, unwanted) {
		t.Errorf("error %v", err)
	}
}

// A module that is refused is refused with the same error as in this process.
func TestLoadRejects(t *testing.T) {
	m := newModule()
	m.Imports[0].Name = "sub"
	_, err := (&Launcher{}).Load(context.Background(), m.Bytes(), testOptions())
	var refused *sandbox.Reject
	if !errors.As(err, &refused) || err.Error() != "imports host_v1.sub, which this host does not have" {
		t.Error(err)
	}
	m = newModule(wasmtest.Func{Export: "_initialize", Code: wasmtest.Unreachable})
	if _, err = (&Launcher{}).Load(context.Background(), m.Bytes(), testOptions()); err == nil || err.Error() != "trap in _initialize: unreachable" {
		t.Error(err)
	}
	mainCalled.Store(false)
	defer mainCalled.Store(true)
	if _, err = (&Launcher{}).Load(context.Background(), newModule().Bytes(), testOptions()); !errors.Is(err, ErrNoMain) {
		t.Errorf("without Main: %v", err)
	}
}

// A process that does not answer any more is killed at the deadline, when the context ends and when
// the guest is closed: here one that is stopped, as one would be that was taken over.
func TestHardKill(t *testing.T) {
	l := &Launcher{}
	cause := errors.New("operator pressed Ctrl-C")
	for _, tt := range []struct {
		name string
		end  func(g *Guest, cancel context.CancelCauseFunc)
		want func(error) bool
	}{
		{"deadline", func(*Guest, context.CancelCauseFunc) {}, func(err error) bool {
			return err.Error() == "wall time limit of 200ms reached in run"
		}},
		{"cancel", func(_ *Guest, cancel context.CancelCauseFunc) { cancel(cause) }, func(err error) bool { return errors.Is(err, cause) }},
		{"close", func(g *Guest, _ context.CancelCauseFunc) { g.Close() }, func(err error) bool { return errors.Is(err, sandbox.ErrClosed) }},
		{"killed by somebody", func(g *Guest, _ context.CancelCauseFunc) { syscall.Kill(g.Isolation().PID, syscall.SIGKILL) }, func(err error) bool {
			return err.Error() == "trap in run: its process was killed, perhaps because memory ran out"
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, l, newModule(addition), testOptions())
			stop(t, g.Isolation().PID)
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			timeout := time.Minute
			if tt.name == "deadline" {
				timeout = 200 * time.Millisecond
			}
			done := make(chan error)
			go func() {
				_, err := g.Call(ctx, "run", timeout)
				done <- err
			}()
			for len(g.turn) == 0 {
				runtime.Gosched()
			}
			tt.end(g, cancel)
			if err := <-done; err == nil || !tt.want(err) {
				t.Errorf("the call returned %v", err)
			}
			if err := syscall.Kill(g.Isolation().PID, 0); err != syscall.ESRCH {
				t.Errorf("its process is there: %v", err)
			}
		})
	}
}

// stop stops a process and waits until all its threads are.
func stop(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("threads %v, %v", threads, err)
	}
	for _, path := range threads {
		for {
			b, err := os.ReadFile(path)
			if err != nil || bytes.Contains(b, []byte("State:\tT")) {
				break
			}
			runtime.Gosched()
		}
	}
}

// heavy is a module that compiles for a while: many functions of much code.
func heavy() []byte {
	m := newModule(addition)
	body := bytes.Repeat(cat(wasmtest.Get(0), wasmtest.Const(1), []byte{0x6a, 0x22, 0x00, 0x04, 0x40, 0x0b}), 2000)
	for range 35 {
		m.Funcs = append(m.Funcs, wasmtest.Func{Locals: []byte{1, 1, 0x7f}, Code: body})
	}
	return m.Bytes()
}

// A compile whose load is cancelled stops at once: its process ends.
func TestCompileKilled(t *testing.T) {
	cause := errors.New("operator pressed Ctrl-C")
	ctx, cancel := context.WithCancelCause(context.Background())
	children := len(childrenOf(t))
	time.AfterFunc(100*time.Millisecond, func() { cancel(cause) })
	_, err := (&Launcher{}).Load(ctx, heavy(), testOptions())
	if !errors.Is(err, cause) {
		t.Fatalf("the load returned %v", err)
	}
	if n := len(childrenOf(t)); n != children {
		t.Errorf("%d processes are left", n-children)
	}
	o := testOptions()
	o.Limits.Compile = time.Millisecond
	if _, err = (&Launcher{}).Load(context.Background(), heavy(), o); err == nil || err.Error() != "wall time limit of 1ms reached in compile" {
		t.Errorf("a compile that takes longer than it may: %v", err)
	}
}

// childrenOf lists the processes of this one, dead ones too.
func childrenOf(t *testing.T) []string {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, task := range tasks {
		b, err := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		if err == nil {
			list = append(list, strings.Fields(string(b))...)
		}
	}
	return list
}

// A process that takes more memory than it may ends with an error that says so, whichever part of it
// finds that there is none.
func TestMemoryLimit(t *testing.T) {
	_, err := (&Launcher{memory: 2 << 20}).Load(context.Background(), heavy(), testOptions())
	var trap *sandbox.Trap
	var refused *sandbox.Reject
	died := errors.As(err, &trap) && strings.HasPrefix(err.Error(), "trap in compile: its process failed: ")
	if !died && !(errors.As(err, &refused) && strings.HasSuffix(err.Error(), ": cannot allocate memory")) {
		t.Errorf("the load returned %v", err)
	}
	t.Log(err)
}

// What a host function reads does not change any more, whatever the process does.
func TestInputIsCopied(t *testing.T) {
	o := testOptions()
	var before, after string
	o.Calls[0] = func(g *Guest, s []uint64) {
		in, ok := g.Input(1024, 5)
		if !ok {
			t.Error("the input is not there")
			return
		}
		before = string(in)
		copy(g.shared.Bytes[1024:], "EVIL!")
		after = string(in)
		if _, ok := g.Input(65533, 4); ok {
			t.Error("input beyond memory is there")
		}
		if _, ok := g.View(0xffff_ffff, 0xffff_ffff); ok {
			t.Error("memory beyond 4 GiB is there")
		}
	}
	m := newModule(addition)
	m.Data = []wasmtest.Data{{At: 1024, Bytes: []byte("hello")}}
	g := start(t, &Launcher{}, m, o)
	if _, err := g.Call(context.Background(), "run", 0); err != nil {
		t.Fatal(err)
	}
	if before != "hello" || after != "hello" {
		t.Errorf("the input was %q and became %q", before, after)
	}
}

// Memory grows up to its limit, and what the host writes is there for the guest.
func TestMemoryGrows(t *testing.T) {
	o := testOptions()
	o.Limits.MemoryPages = 3
	var seen []bool
	o.Calls[0] = func(g *Guest, s []uint64) {
		_, ok := g.View(uint32(s[0]), 4)
		seen = append(seen, ok)
	}
	at := func(n int) []byte {
		return cat(wasmtest.Const(n), wasmtest.Const64(0), wasmtest.Call(0), wasmtest.Drop)
	}
	feed := wasmtest.Func{Export: "feed", Params: "ii", Results: "i", Code: cat(wasmtest.Get(0), wasmtest.Load(0))}
	// grow by two pages works, by another one does not: its result is -1
	m := newModule(run(at(65536), wasmtest.Const(2), wasmtest.Grow, wasmtest.Drop, at(3*65536-4), wasmtest.Const(1), wasmtest.Grow), feed)
	g := start(t, &Launcher{}, m, o)
	if n, err := g.Call(context.Background(), "run", 0); n != -1 || err != nil {
		t.Errorf("growth beyond the limit: %d, %v", n, err)
	}
	if fmt.Sprint(seen) != "[false true]" {
		t.Errorf("seen %v", seen)
	}
	view, ok := g.View(2*65536, 4)
	if !ok {
		t.Fatal("the new page is not there")
	}
	copy(view, "\x2a\x00\x00\x00")
	if n, err := g.Call(context.Background(), "feed", 0, 2*65536, 0); n != 42 || err != nil {
		t.Errorf("the guest reads %d, %v", n, err)
	}
}

// What a guest writes through WASI arrives, in order with its calls; a writer that refuses is an
// error for the guest.
func TestOutput(t *testing.T) {
	const wasi = "wasi_snapshot_preview1"
	write := func(fd int) []byte {
		return cat(wasmtest.Const(fd), wasmtest.Const(16), wasmtest.Const(1), wasmtest.Const(32), wasmtest.Call(1))
	}
	m := newModule(wasmtest.Func{Export: "run", Results: "i", Code: cat(write(1), wasmtest.Drop, write(2))})
	m.Imports = append(m.Imports, wasmtest.Import{Module: wasi, Name: "fd_write", Params: "iiii", Results: "i"})
	m.Data = []wasmtest.Data{{At: 16, Bytes: []byte{64, 0, 0, 0, 5, 0, 0, 0}}, {At: 64, Bytes: []byte("hello")}}
	var out bytes.Buffer
	o := testOptions()
	o.Stdout, o.Stderr = &out, refusing{}
	g := start(t, &Launcher{}, m, o)
	const ioError = 29
	if n, err := g.Call(context.Background(), "run", 0); n != ioError || err != nil || out.String() != "hello" {
		t.Errorf("run = %d, %v; standard output %q", n, err, out.String())
	}
}

// refusing is a writer that refuses.
type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, errors.New("no") }

// Nothing is left of guests that ended, however they did.
func TestLeaks(t *testing.T) {
	l := &Launcher{}
	once := func() {
		ok, err := l.Load(context.Background(), newModule(addition).Bytes(), testOptions())
		if err != nil {
			t.Fatal(err)
		}
		trap, err := l.Load(context.Background(), newModule(run(wasmtest.Unreachable)).Bytes(), testOptions())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := trap.Call(context.Background(), "run", 0); err == nil {
			t.Fatal("it does not trap")
		}
		if _, err := l.Load(context.Background(), newModule(wasmtest.Func{Export: "_initialize", Code: wasmtest.Unreachable}).Bytes(), testOptions()); err == nil {
			t.Fatal("it starts")
		}
		for _, g := range []*Guest{ok, trap} {
			if err := g.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	once()
	descriptors, goroutines, children, maps := resources(t)
	for range 20 {
		once()
	}
	for range 100 { // the goroutine that waits for a process ends after it
		if d, g, c, m := resources(t); d <= descriptors && g <= goroutines && c <= children && m <= maps {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	d, g, c, m := resources(t)
	t.Errorf("descriptors %d, were %d; goroutines %d, were %d; processes %d, were %d; shared memory %d, was %d",
		d, descriptors, g, goroutines, c, children, m, maps)
}

// resources counts what a guest in a process takes here.
func resources(t *testing.T) (descriptors, goroutines, children, maps int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds), runtime.NumGoroutine(), len(childrenOf(t)), strings.Count(string(b), "/memfd:memory")
}

// TestConfined looks at the process from outside, in every way that it may be started.
func TestConfined(t *testing.T) {
	for i, w := range ways() {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			l := &Launcher{}
			l.way.Store(int32(i))
			g, err := l.Load(context.Background(), newModule(addition).Bytes(), testOptions())
			if errors.Is(err, ErrNotSupported) && i > 0 {
				testenv.Skip(t, testenv.Kernel, err.Error())
			}
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			if n, err := g.Call(context.Background(), "run", 0); n != 42 || err != nil {
				t.Fatal(n, err)
			}
			checkConfined(t, g.Isolation(), w)
		})
	}
}

// checkConfined compares a process with what its Isolation says.
func checkConfined(t *testing.T, i Isolation, w way) {
	t.Helper()
	proc := "/proc/" + strconv.Itoa(i.PID)
	b, err := os.ReadFile(proc + "/status")
	if err != nil {
		t.Fatal(err)
	}
	status := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok {
			status[k] = strings.Join(strings.Fields(v), " ")
		}
	}
	const none = "0000000000000000"
	want := map[string]string{"CapInh": none, "CapPrm": none, "CapEff": none, "CapAmb": none, "NoNewPrivs": "1", "Seccomp": "2"}
	if os.Geteuid() == 0 {
		want["CapBnd"] = none
	}
	if w.become || w.mapped == nobody {
		want["Uid"] = "65534 65534 65534 65534"
		want["Gid"] = want["Uid"]
		want["Groups"] = ""
	}
	for k, v := range want {
		if status[k] != v {
			t.Errorf("%s is %q, want %q", k, status[k], v)
		}
	}
	if os.Geteuid() != 0 {
		return // nobody else may look further
	}
	own := map[bool]string{true: "its own", false: "that of its parent"}
	for _, ns := range []string{"mnt", "pid", "net", "ipc", "uts"} {
		mine, _ := os.Readlink("/proc/self/ns/" + ns)
		its, err := os.Readlink(proc + "/ns/" + ns)
		if has := mine != its; err != nil || has != (w.flags != 0) {
			t.Errorf("the namespace %s is %s (%v)", ns, own[has], err)
		}
	}
	fds, err := os.ReadDir(proc + "/fd")
	if err != nil {
		t.Error(err)
	}
	var names []string
	for _, fd := range fds {
		name, _ := os.Readlink(proc + "/fd/" + fd.Name())
		names = append(names, strings.TrimRight(name, "[]0123456789"))
	}
	// The Go runtime adds what it polls files with.
	got := strings.TrimSuffix(strings.Join(names, " "), " anon_inode:[eventpoll anon_inode:[eventfd")
	if got != "/dev/null /dev/null /memfd:stderr (deleted) socket:" {
		t.Errorf("descriptors %s; want the standard streams and a socket", got)
	}
	if files, err := os.ReadDir(proc + "/root"); (len(files) == 0) == (strings.Contains(i.String(), withoutRoot)) {
		t.Errorf("%s, and its root has %d files, %v", i, len(files), err)
	}
	b, err = os.ReadFile(proc + "/limits")
	if limits := strings.Join(strings.Fields(string(b)), " "); err != nil || !strings.Contains(limits, "core file size 0 0") ||
		strings.Contains(limits, "data size unlimited") || strings.Contains(limits, "address space unlimited") || !strings.Contains(limits, "open files 32 32") {
		t.Errorf("limits %s %v", limits, err)
	}
}

// A process that was taken over sends what it likes: the call ends, and nothing else happens.
func TestLies(t *testing.T) {
	const page = sandbox.PageSize
	for _, tt := range []struct {
		name string
		say  message
	}{
		{"no size", message{kind: kindDone}},
		{"memory larger than there is", message{kind: kindDone, n: 1, args: [maxArgs]uint64{page * 4}}},
		{"memory of half a page", message{kind: kindDone, n: 1, args: [maxArgs]uint64{page / 2}}},
		{"a kind that there is not", message{kind: 99, n: 1}},
		{"a kind of the parent", message{kind: kindCall, n: 1}},
		{"a kind of another time", message{kind: kindReady, n: 1}},
		{"a function that there is not", message{kind: kindHost, number: 1 << 31, n: 3}},
		{"an argument too few", message{kind: kindHost, n: 2}},
		{"an argument too many", message{kind: kindHost, n: 4}},
		{"a stream that there is not", message{kind: kindOutput, number: 3, n: 3}},
		{"a stream that nobody reads", message{kind: kindOutput, number: 2, n: 3}},
		{"output beyond memory", message{kind: kindOutput, number: 1, n: 3, args: [maxArgs]uint64{page, page - 1, 2}}},
		{"output around memory", message{kind: kindOutput, number: 1, n: 3, args: [maxArgs]uint64{page, 8, ^uint64(0)}}},
		{"a failure that is none", message{kind: kindFailed, text: []byte("{")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			g, child := liar(t, &out)
			if err := child.Send(tt.say.encode(make([]byte, maxMessage))); err != nil {
				t.Fatal(err)
			}
			err := g.serve(kindDone)
			var trap *sandbox.Trap
			if !errors.As(err, &trap) || !strings.Contains(err.Error(), "its process sent a ") || out.Len() > 0 {
				t.Errorf("it returned %v; output %q", err, out.String())
			}
		})
	}
	// What a failure says is shown as it is only where it prints.
	g, child := liar(t, nil)
	say := message{kind: kindFailed, text: []byte(`{"Kind": "trap", "Export": "run", "Reason": "\u001b[2J\nbpfhost: all is well"}`)}
	if err := child.Send(say.encode(make([]byte, maxMessage))); err != nil {
		t.Fatal(err)
	}
	if err := g.serve(kindDone); err == nil || err.Error() != `trap in run: "\x1b[2J\nbpfhost: all is well"` {
		t.Errorf("it returned %v", err)
	}
	g, child = liar(t, nil)
	child.Close()
	if err := g.serve(kindDone); !errors.Is(err, errGone) {
		t.Errorf("a process that is gone: %v", err)
	}
}

// liar is a guest whose process is the test.
func liar(t *testing.T, out *bytes.Buffer) (*Guest, *sys.Messages) {
	t.Helper()
	messages, other, err := sys.NewMessages()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	fd, err := sys.Dup(int(other.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	child := sys.MessagesOf(fd)
	shared, err := sys.NewShared("memory", 3*sandbox.PageSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		messages.Close()
		child.Close()
		shared.CloseFile()
		shared.Unmap()
	})
	o := testOptions()
	g := &Guest{messages: messages, shared: shared, imports: o.Imports, calls: o.Calls, buf: make([]byte, maxMessage), export: "run"}
	if out != nil {
		g.output[1] = out
	}
	return g, child
}

// Code that was compiled once is used by the next process; what was damaged is compiled again.
func TestCode(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var damaged []string
	code, err := sandbox.NewCodeStore(sandbox.EngineOptions{CacheDir: dir, Damaged: func(file string) { damaged = append(damaged, file) }})
	if err != nil {
		t.Fatal(err)
	}
	l, m := &Launcher{Code: code}, newModule(addition)
	if g := start(t, l, m, testOptions()); g.Isolation().Without != nil && slices.Contains(g.Isolation().Without, withoutNamespaces) {
		testenv.Skip(t, testenv.Kernel, "a process cannot have its own files")
	}
	digest := sha256.Sum256(m.Bytes())
	first := code.Load(digest)
	if len(first) == 0 {
		t.Fatalf("%d files were kept", len(first))
	}
	if g := start(t, l, m, testOptions()); g.fresh {
		t.Error("it was compiled again")
	}
	broken := filepath.Join(dir, hex.EncodeToString(digest[:]), filepath.FromSlash(first[0].Name))
	if err := os.WriteFile(broken, []byte("not code"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := start(t, l, m, testOptions())
	if n, err := g.Call(context.Background(), "run", 0); n != 42 || err != nil || !g.fresh {
		t.Errorf("run = %d, %v; compiled again: %t", n, err, g.fresh)
	}
	if len(damaged) != 1 || damaged[0] != broken {
		t.Errorf("damaged were %v", damaged)
	}
	if again := code.Load(digest); len(again) != len(first) {
		t.Errorf("%d files are kept, were %d", len(again), len(first))
	}
}
