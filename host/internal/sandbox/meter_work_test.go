package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/fuel"
	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// work is an export of a program, with an argument that keeps it busy for about a millisecond.
type work struct {
	name string
	n    uint64
}

// The exports of testdata/work.c and testdata/work.
var (
	worksC = []work{{"sum", 500}, {"hash", 150}, {"fib", 22}, {"sieve", 3}, {"quicksort", 2}, {"interpret", 400},
		{"calls", 100}, {"matrix", 4}, {"copy", 60}, {"events", 2000}}
	worksGo = []work{{"sum", 20}, {"hash", 4}, {"fib", 20}, {"quicksort", 3}, {"text", 500}, {"lookup", 4}, {"methods", 20}, {"events", 500}}
)

// workModule is testdata/work.c, built by clang.
var workModule = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "work")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "work.wasm")
	out, err := exec.Command("clang-19", "--target=wasm32", "-O2", "-mbulk-memory", "-ffreestanding", "-nostdlib",
		"-fuse-ld="+lld(), "-Wl,--no-entry", "-o", path, "testdata/work.c").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(path)
})

// workModuleGo is testdata/work, built by this machine's Go.
var workModuleGo = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "work")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "work.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", path, "./testdata/work")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(path)
})

// lld is the linker's path.
func lld() string {
	path, _ := exec.LookPath("wasm-ld-19")
	return path
}

func needWork(t testing.TB) []byte {
	t.Helper()
	if lld() == "" {
		testenv.Skip(t, testenv.Clang, "no wasm-ld-19")
	}
	wasm, err := workModule()
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// metered returns the module with fuel.
func metered(t testing.TB, wasm []byte) []byte {
	t.Helper()
	m, err := module.Scan(wasm, module.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := fuel.Rewrite(wasm, m, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// plainInstance instantiates a module without a guest around it. Fuel is granted without questions.
func plainInstance(t testing.TB, wasm []byte) api.Module {
	t.Helper()
	ctx := context.Background()
	r := newRuntime(Limits{}.WithDefaults(), nil)
	t.Cleanup(func() { r.Close(ctx) })
	_, err := r.NewHostModuleBuilder(fuel.Module).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, mod api.Module, _ []uint64) {
			mod.ExportedGlobal(fuel.Fuel).(api.MutableGlobal).Set(1 << 22)
		}), nil, nil).Export(fuel.Refill).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	mod, err := r.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithStartFunctions(initialize))
	if err != nil {
		t.Fatal(err)
	}
	return mod
}

// goWork is the program in Go.
func goWork(t testing.TB) []byte {
	t.Helper()
	wasm, err := workModuleGo()
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// TestWorkSame shows that metered programs return what plain ones do.
func TestWorkSame(t *testing.T) {
	same := func(wasm []byte, works []work) {
		plain, with := plainInstance(t, wasm), plainInstance(t, metered(t, wasm))
		for _, w := range works {
			want, err1 := plain.ExportedFunction(w.name).Call(context.Background(), w.n)
			got, err2 := with.ExportedFunction(w.name).Call(context.Background(), w.n)
			if err1 != nil || err2 != nil || got[0] != want[0] {
				t.Errorf("%s: %v %v, plain %v %v", w.name, got, err2, want, err1)
			}
		}
	}
	same(needWork(t), worksC)
	same(goWork(t), worksGo)
}

// BenchmarkWork runs each program plain and metered, in turn, and reports what metering costs: of each
// program the median over all rounds of metered/plain, and of the programs the median and the worst.
func BenchmarkWork(b *testing.B) {
	var runs []*workRun
	add := func(kind string, wasm []byte, works []work) {
		plain, with := plainInstance(b, wasm), plainInstance(b, metered(b, wasm))
		for _, w := range works {
			runs = append(runs, &workRun{name: kind + " " + w.name, n: w.n,
				plain: plain.ExportedFunction(w.name), metered: with.ExportedFunction(w.name)})
		}
	}
	add("c", needWork(b), worksC)
	add("go", goWork(b), worksGo)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for b.Loop() {
		for _, r := range runs {
			r.round(b)
		}
	}
	slices.SortFunc(runs, func(x, y *workRun) int { return cmp.Compare(x.ratio(0.5), y.ratio(0.5)) })
	var table strings.Builder
	for _, r := range runs {
		fmt.Fprintf(&table, "%s %.2f (%.2f-%.2f); ", r.name, r.ratio(0.5), r.ratio(0.25), r.ratio(0.75))
	}
	b.Log(table.String())
	b.ReportMetric(runs[len(runs)/2].ratio(0.5), "median")
	b.ReportMetric(runs[len(runs)-1].ratio(0.5), "worst")
	b.ReportMetric(0, "ns/op")
}

// workRun is a program with what its rounds took.
type workRun struct {
	name           string
	n              uint64
	plain, metered api.Function
	ratios         []float64
}

// round runs the program plain and metered, in changing order.
func (r *workRun) round(b *testing.B) {
	var took [2]time.Duration
	for i := range 2 {
		which := (i + len(r.ratios)) % 2
		f, stack := []api.Function{r.plain, r.metered}[which], []uint64{r.n}
		start := threadTime()
		if err := f.CallWithStack(context.Background(), stack); err != nil {
			b.Fatal(err)
		}
		took[which] = threadTime() - start
	}
	r.ratios = append(r.ratios, float64(took[1])/float64(took[0]))
}

// ratio returns the ratio that such a part of the rounds is below.
func (r *workRun) ratio(part float64) float64 {
	list := slices.Sorted(slices.Values(r.ratios))
	return list[min(int(part*float64(len(list))), len(list)-1)]
}

// BenchmarkPrepareGo is what happens to a module in Go before it is compiled.
func BenchmarkPrepareGo(b *testing.B) {
	wasm := goWork(b)
	b.Run("scan", func(b *testing.B) {
		b.SetBytes(int64(len(wasm)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := module.Scan(wasm, module.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("scan and rewrite", func(b *testing.B) {
		b.SetBytes(int64(len(wasm)))
		b.ReportAllocs()
		for b.Loop() {
			metered(b, wasm)
		}
	})
}
