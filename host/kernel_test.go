package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/link"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/testnet"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// newNet makes a network of the test's own, or skips.
func newNet(t testing.TB) *testnet.Net {
	t.Helper()
	n, err := testnet.New()
	kerneltest.Check(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}

// Places in the memory of the guests below.
const (
	guestOptions = 600   // abi.SourceOpts
	guestTotal   = 696   // records consumed, u64
	guestBuffer  = 16384 // the event buffer
	guestRoom    = 65536
)

// watcherText counts every packet, and sends 64 bytes to the ring for each; what does not fit is
// counted as well.
const watcherText = `.func watch
	*(u32 *)(r10 - 4) = 1
	r1 = map[counts] ll
	r2 = r10
	r2 += -4
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1
	*(u64 *)(r10 - 72) = r1
	*(u64 *)(r10 - 64) = 2
	*(u64 *)(r10 - 56) = 3
	*(u64 *)(r10 - 48) = 4
	*(u64 *)(r10 - 40) = 5
	*(u64 *)(r10 - 32) = 6
	*(u64 *)(r10 - 24) = 7
	*(u64 *)(r10 - 16) = 8
	r1 = map[events] ll
	r2 = r10
	r2 += -72
	r3 = 64
	r4 = 0
	call bpf_ringbuf_output
	if r0 == 0 goto out
	*(u32 *)(r10 - 4) = 0
	r1 = map[counts] ll
	r2 = r10
	r2 += -4
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1
out:
	r0 = 2
	exit
`

// watcher is a guest that builds the program above, attaches it and counts what arrives.
func watcher(ring, maxRecords int64) *wasmGuest { return watching(watcherText, ring, maxRecords) }

// watching is watcher with another program.
func watching(text string, ring, maxRecords int64) *wasmGuest {
	w := newWasmGuest()
	w.pages = 4
	w.describe("watcher", [][3]string{{"iface", "string", "none"}, {"netns", "string", ""}}, "program xdp", "map percpu_array",
		"map ringbuf", "map hash", "helper *", "attach xdp:*", "map-rw seeded")
	prop := func(p abi.Prop) []byte { return i32(int64(p)) }
	addMap := func(into int, name string, typ spec.MapType, key, value, entries int64) []byte {
		code := w.must(0, into, "add", local(0), i32(int64(abi.KindMap)), w.text(name))
		for p, v := range map[abi.Prop]int64{abi.PropMapType: int64(typ), abi.PropMapKeySize: key, abi.PropMapValueSize: value, abi.PropMapMaxEntries: entries} {
			code = append(code, w.must(0, -1, "set_u", local(into), prop(p), i64(v))...)
		}
		return code
	}
	w.hook("bpfhost_plan", "",
		w.must(0, 0, "object_new", w.text("watch")),
		w.must(0, -1, "set_b", local(0), prop(abi.PropObjectLicense), w.text("GPL")),
		addMap(1, "counts", spec.MapPerCPUArray, 4, 8, 2),
		addMap(1, "events", spec.MapRingbuf, 0, 0, ring),
		addMap(1, "seeded", spec.MapHash, 4, 4, 8),
		w.must(0, 2, "add", local(0), i32(int64(abi.KindProgram)), w.text("watch")),
		w.must(0, -1, "set_u", local(2), prop(abi.PropProgramType), i64(int64(spec.ProgramXDP))),
		w.must(0, -1, "insn_asm", local(2), i32(0), i32(0), w.text(text)),
		w.must(0, 3, "attach_add", local(2), i32(int64(abi.AttachXDP))),
		w.must(0, -1, "cfg_get", w.text("iface"), i32(512), i32(64)),
		w.must(0, -1, "set_b", local(3), prop(abi.PropAttachTarget), i32(512), local(7)),
		w.must(0, -1, "cfg_get", w.text("netns"), i32(512), i32(64)),
		w.must(0, -1, "set_b", local(3), prop(abi.PropAttachNetns), i32(512), local(7)),
	)
	w.hook("bpfhost_loaded", "",
		w.must(0, 0, "map_open", w.text("seeded")),
		w.must(0, -1, "map_put", local(0), w.text("\x01\x00\x00\x00"), w.text("\x2a\x00\x00\x00"), i64(0)),
	)
	opts := abi.SourceOpts{Size: abi.SourceOptsSize, BufPtr: guestBuffer, BufLen: guestRoom, MaxRecords: uint32(maxRecords), LostKey: 0, SentKey: 1}
	b := make([]byte, abi.SourceOptsSize)
	opts.Put(b)
	w.data = append(w.data, wasmtest.Data{At: guestOptions, Bytes: b})
	store := func(at int64) []byte { return append(append(i32(at), local(0)...), 0x36, 2, 0) } // i32.store
	w.hook("bpfhost_started", "",
		w.must(0, 0, "sym", w.text("counts")),
		store(guestOptions+24), store(guestOptions+32), // lost_map, sent_map
		w.must(0, -1, "source_open", w.text("events"), i32(guestOptions), i32(abi.SourceOptsSize)),
	)
	w.hook("bpfhost_events", "iiii", parseLoop(), local(3), wasmtest.Return)
	w.hook("bpfhost_stop", "i",
		w.must(1, 0, "map_open", w.text("seeded")),
		w.must(1, -1, "map_get", local(1), w.text("\x01\x00\x00\x00"), i32(520), i32(4)),
		w.must(1, -1, "out_write", i32(int64(abi.StreamOut)), w.text("bye\n")),
	)
	return w
}

// parseLoop walks the records of a batch by their headers and adds up their lengths at guestTotal,
// as a guest that reads them does. Locals 4 and 5 are the place and the count.
func parseLoop() []byte {
	add, and := []byte{0x6a}, []byte{0x71}
	load := func(at []byte) []byte { return append(at, 0x28, 2, 0) }
	place := func() []byte { return append(append(local(1), local(4)...), add...) }
	next := append(load(place()), i32(7+abi.EventHeaderSize)...)
	next = append(append(append(next, add...), i32(-8)...), and...)
	var code []byte
	code = append(code, 0x02, 0x40, 0x03, 0x40)                                  // block loop
	code = append(append(append(code, local(5)...), local(3)...), 0x4f, 0x0d, 1) // i32.ge_u br_if 1
	code = append(code, i32(guestTotal)...)
	code = append(code, load(i32(guestTotal))...)
	code = append(append(code, load(place())...), add...)
	code = append(code, 0x36, 2, 0) // total += len
	code = append(append(append(code, local(4)...), next...), add...)
	code = append(code, wasmtest.Op(0x21, 4)...) // place += (len + 16 + 7) & -8
	code = append(append(append(code, local(5)...), i32(1)...), add...)
	code = append(code, wasmtest.Op(0x21, 5)...)
	return append(code, 0x0c, 0, 0x0b, 0x0b) // br 0 end end
}

func descriptors(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	return len(list)
}

// applyWatcher runs a guest up to the point where everything is attached.
func applyWatcher(t testing.TB, n *testnet.Net, w *wasmGuest, out *bytes.Buffer) *Run {
	t.Helper()
	p, err := newHost(t).Open(context.Background(), w.bytes(), PluginOptions{
		Stdout: out, Params: map[string]string{"iface": n.Iface(), "netns": n.Path()},
	})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return applyPlan(t, p, plan)
}

// applyPlan brings a plan into the kernel, or skips.
func applyPlan(t testing.TB, p *Plugin, made *plan.Plan) *Run {
	t.Helper()
	run, err := p.Apply(context.Background(), made)
	if errors.Is(err, loader.ErrPermission) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	return run
}

// The main job on the real kernel: every packet is counted, sent, delivered and accounted for.
func TestKernelRun(t *testing.T) {
	n := newNet(t)
	before := descriptors(t)
	var out bytes.Buffer
	run := applyWatcher(t, n, watcher(1<<20, 0), &out)
	ctx, cancel := context.WithCancel(context.Background())
	done := serve(ctx, run)
	const packets = 500
	if _, err := n.Traffic(ctx, testnet.Flow{UDP: packets}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	a := run.Account()
	if len(a) != 1 || a[0].Sent != packets || a[0].Delivered != packets || a[0].Lost != 0 || a[0].Dropped != 0 || a[0].Missing != 0 {
		t.Errorf("account %+v, want %d sent and delivered", a, packets)
	}
	if out.String() != "bye\n" {
		t.Errorf("output %q", out.String())
	}
	run.plugin.host.Close()
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before and %d after", before, after)
	}
	// It is detached: the next packet runs nothing.
	if _, err := n.Traffic(context.Background(), testnet.Flow{UDP: 1}); err != nil {
		t.Error(err)
	}
}

// A ring that is too small loses records, and the account says exactly how many.
func TestKernelLoss(t *testing.T) {
	n := newNet(t)
	run := applyWatcher(t, n, watcher(4096, 0), &bytes.Buffer{})
	const packets = 500 // of which about 56 fit while nobody reads
	for range 10 {      // in portions, so that none is lost before it gets to the program
		if _, err := n.Traffic(context.Background(), testnet.Flow{UDP: packets / 10}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := run.Serve(ctx); err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	a := run.Account()[0]
	if a.Sent != packets || a.Delivered == 0 || a.Lost == 0 || a.Sent != a.Delivered+a.Lost+a.Dropped || a.Missing != 0 {
		t.Errorf("account %+v", a)
	}
	var b strings.Builder
	if err := run.WriteAccount(&b); err != nil || !strings.HasPrefix(b.String(), "events: 500 sent by programs = ") {
		t.Errorf("text %q, %v", b.String(), err)
	}
}

// An error of the kernel's packages is the backend's condition and stays what it is, in its words.
func TestKernelError(t *testing.T) {
	refused := fmt.Errorf("load program: %w", &loader.VerifierError{Program: "p", Insn: 3, Cause: "x", Err: syscall.EACCES})
	for _, tt := range []struct {
		err  error
		want []error
	}{
		{fmt.Errorf("attach: %w", loader.ErrNotSupported), []error{backend.ErrNotSupported, loader.ErrNotSupported}},
		{fmt.Errorf("attach: %w", &kernel.FeatureError{Err: syscall.EINVAL}), []error{backend.ErrNotSupported, syscall.EINVAL}},
		{refused, []error{refused, syscall.EACCES}},
		{loader.ErrNoKey, []error{backend.ErrNoKey}},
		{syscall.EBUSY, []error{syscall.EBUSY}},
	} {
		err := kernelError(tt.err)
		for _, want := range tt.want {
			if !errors.Is(err, want) || err.Error() != tt.err.Error() {
				t.Errorf("%v became %v, which is not %v", tt.err, err, want)
			}
		}
	}
	var own *backend.VerifierError
	var theirs *loader.VerifierError
	err := kernelError(refused)
	if !errors.As(err, &own) || own.Program != "p" || own.Insn != 3 || !errors.As(err, &theirs) {
		t.Errorf("a refused program is %#v", err)
	}
	if err := kernelError(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}

// Whatever fails, nothing stays loaded and the error says what failed.
func TestKernelApplyFails(t *testing.T) {
	n := newNet(t)
	before := descriptors(t)
	refused := strings.Replace(watcherText, "r1 += 1", "r1 = *(u64 *)(r1 + 0)", 1)
	for _, tt := range []struct {
		name  string
		guest func() *wasmGuest
		iface string
		is    func(error) bool
		want  string
	}{
		{"verifier", func() *wasmGuest { return watching(refused, 4096, 0) }, n.Iface(), func(err error) bool {
			var e *loader.VerifierError
			return errors.As(err, &e)
		}, "written by plugin watcher"},
		{"no such interface", func() *wasmGuest { return watcher(4096, 0) }, "nope0", func(err error) bool {
			var e *link.Error
			return errors.As(err, &e)
		}, "nope0"},
		{"loaded hook fails", func() *wasmGuest { return hooked("bpfhost_loaded", i32(-7), wasmtest.Return) }, n.Iface(), isPluginError, "bpfhost_loaded: returned -7"},
		{"started hook traps", func() *wasmGuest { return hooked("bpfhost_started", wasmtest.Unreachable) }, n.Iface(), isPluginError, "bpfhost_started: trapped: unreachable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := New(context.Background(), Config{NoCache: true, Isolate: testIsolate()})
			if err != nil {
				t.Fatal(err)
			}
			p, err := h.Open(context.Background(), tt.guest().bytes(), PluginOptions{Params: map[string]string{"iface": tt.iface, "netns": n.Path()}})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := p.Plan(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			run, err := p.Apply(context.Background(), plan)
			if run != nil || err == nil || !tt.is(err) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("apply = %v, %v\nwant %s", run, err, tt.want)
			}
			if _, err := p.Apply(context.Background(), plan); !errors.Is(err, errApplied) {
				t.Errorf("a plan was applied twice: %v", err)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before and %d after", before, after)
	}
}

func isPluginError(err error) bool {
	var e *PluginError
	return errors.As(err, &e)
}

// hooked is the watcher with another hook.
func hooked(export string, code ...[]byte) *wasmGuest {
	w := watcher(4096, 0)
	for i := range w.funcs {
		if w.funcs[i].export == export {
			w.funcs[i].export = "unused_" + export[len("bpfhost_"):]
		}
	}
	return w.hook(export, "", code...)
}

// A hook can be given another program while packets come, and what is not of this backend is
// refused.
func TestKernelSwitch(t *testing.T) {
	n := newNet(t)
	run := applyWatcher(t, n, watcher(4096, 0), &bytes.Buffer{})
	prog, ok := run.loaded[0].Program("watch")
	if !ok || prog.Name() != "watch" || len(run.attached.hooks) != 1 {
		t.Fatalf("program %v, %d hooks", prog, len(run.attached.hooks))
	}
	if err := run.attached.hooks[0].Switch(prog); err != nil {
		t.Errorf("switch: %v", err)
	}
	if _, ok := run.loaded[0].Program("nope"); ok {
		t.Error("a program that does not exist")
	}
	foreign := backendtest.NewMap("foreign", spec.MapRingbuf, 0, 0, 4096)
	if err := run.attached.hooks[0].Switch(foreign); !errors.Is(err, errForeign) {
		t.Errorf("switch to what is not in the kernel: %v", err)
	}
	if _, err := run.live.Backend.Attach(foreign, spec.Attach{}); !errors.Is(err, errForeign) {
		t.Errorf("attach what is not in the kernel: %v", err)
	}
	if _, err := run.live.Backend.OpenRing(foreign); !errors.Is(err, errForeign) {
		t.Errorf("open what is not in the kernel: %v", err)
	}
}

func TestKernelCanceled(t *testing.T) {
	n := newNet(t)
	p, err := newHost(t).Open(context.Background(), watcher(4096, 0).bytes(), PluginOptions{Params: map[string]string{"iface": n.Iface(), "netns": n.Path()}})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errBroken)
	if run, err := p.Apply(ctx, plan); run != nil || !errors.Is(err, errBroken) {
		t.Errorf("apply = %v, %v; want the cause of the context", run, err)
	}
}

// BenchmarkEvents is the way of records of 64 bytes from the ring of a real program to a guest that
// reads every header: records in a second, and what was lost.
func BenchmarkEvents(b *testing.B) {
	for _, batch := range []int64{1, 256} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			const ring = 64 << 20
			n := newNet(b)
			run := applyWatcher(b, n, watcher(ring, batch), &bytes.Buffer{})
			loaded, _ := run.loaded[0].Program("watch")
			prog := loaded.(*loader.Program)
			packet := make([]byte, 64)
			left := b.N
			const most = ring / 80 // a record of 64 bytes takes 72 with its header
			b.ResetTimer()
			for left > 0 {
				b.StopTimer()
				part := min(left, most)
				if _, err := prog.TestRun(loader.TestRunOptions{Data: packet, Repeat: uint32(part)}); err != nil {
					b.Fatal(err)
				}
				left -= part
				b.StartTimer()
				if err := run.live.Events.Drain(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			a := run.live.Events.Accounts()[0]
			if a.Delivered != uint64(b.N) {
				doc, _ := json.Marshal(a)
				b.Logf("account %s", doc)
			}
			b.ReportMetric(float64(a.Delivered)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(a.Lost), "lost")
		})
	}
}
