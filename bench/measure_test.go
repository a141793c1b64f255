package bench

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	rounds = flag.Int("rounds", 0, "rounds of TestRatios; 0 skips it")
	each   = flag.Duration("each", 150*time.Millisecond, "how long each library works on a task in each round of TestRatios")
	only   = flag.String("only", "", "only the tasks whose name contains this")
	area   = flag.String("area", "", "only the areas that start with this")
	cpu    = flag.Bool("cpu-time", false, "let TestRatios count the time that processors worked, not the time that passed")
	gate   = flag.Bool("gate", false, "let TestRatios fail when a goal is missed")
)

// areas has the tasks of every area. Each area is a file. There may be no libbpf.
var areas = []struct {
	name  string
	tasks func(testing.TB, *libbpf) []Task
}{
	{"asm", asmTasks},
	{"btf", btfTasks},
	{"elf", elfTasks},
	{"probe", probeTasks},
}

// cilium is cilium/ebpf doing a task.
func cilium(goal float64, f func() error) Peer { return Peer{"cilium", goal, Call(f)} }

// peers are those that do a task here.
func peers(all ...Peer) []Peer {
	return slices.DeleteFunc(all, func(p Peer) bool { return p.Work == nil })
}

// TestRatios prints how long we take compared with the peers.
func TestRatios(t *testing.T) {
	if *rounds <= 0 {
		t.Skip("run with -rounds 6 to measure")
	}
	l := useLibbpf(t)
	for _, a := range areas {
		if !strings.HasPrefix(a.name, *area) {
			continue
		}
		tasks := slices.DeleteFunc(a.tasks(t, l), func(p Task) bool { return !strings.Contains(p.Name, *only) })
		results, err := Run(tasks, Options{Rounds: *rounds, Each: *each, CPU: *cpu})
		if err != nil {
			t.Fatal(err)
		}
		if err := Print(os.Stdout, results); err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			for _, b := range r.Beside {
				if *gate && b.Missed() {
					t.Errorf("%s: ratio to %s %.3f, goal %.2f", r.Task.Name, b.Peer.Name, b.Median(), b.Peer.Goal)
				}
			}
		}
	}
}

// BenchmarkTasks runs everything as ordinary benchmarks: -bench 'Tasks/asm/decode/ours'. For libbpf
// the way to its process and back is in the time.
func BenchmarkTasks(b *testing.B) {
	l := useLibbpf(b)
	for _, a := range areas {
		b.Run(a.name, func(b *testing.B) { // what other areas keep in memory would cost this one time
			for _, t := range a.tasks(b, l) {
				for _, side := range append([]Peer{{Name: "ours", Work: t.Ours}}, t.Peers...) {
					b.Run(t.Name+"/"+side.Name, func(b *testing.B) { benchmark(b, t, side.Work) })
				}
			}
		})
	}
}

func benchmark(b *testing.B, t Task, w Work) {
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Once(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(t.Per), "ns/"+t.Unit)
}

// TestTasksWork has every library do each task once, so that the benchmarks do not rot.
func TestTasksWork(t *testing.T) {
	l := useLibbpf(t)
	count := map[string]int{}
	for _, a := range areas {
		for _, task := range a.tasks(t, l) {
			if task.Per <= 0 || task.Unit == "" || len(task.Peers) == 0 && l != nil {
				t.Errorf("%s/%s is not complete: %+v", a.name, task.Name, task)
			}
			if err := task.Ours.Once(); err != nil {
				t.Errorf("%s/%s: %v", a.name, task.Name, err)
			}
			for _, p := range task.Peers {
				count[p.Name]++
				if err := p.Work.Once(); err != nil {
					t.Errorf("%s/%s: %v", a.name, task.Name, err)
				}
			}
		}
	}
	if l != nil && count["libbpf"] < 15 {
		t.Errorf("tasks by library: %v", count)
	}
}

func TestRun(t *testing.T) {
	calls := 0
	nothing := func() error { return nil }
	task := Task{Name: "nothing", Per: 2, Unit: "x", Ours: Call(func() error { calls++; return nil }), Peers: peers(
		cilium(0.5, nothing), Peer{}, Peer{"other", 0, Call(nothing)})}
	r, err := Run([]Task{task}, Options{Rounds: 4, Each: time.Millisecond})
	if err != nil || len(r) != 1 || len(r[0].Beside) != 2 || len(r[0].Beside[1].Ratios) != 4 || calls < 8 || r[0].Beside[0].Median() <= 0 {
		t.Errorf("%+v, %v, %d calls", r, err, calls)
	}
	failing := task
	failing.Peers = []Peer{cilium(1, func() error { return errors.New("no") })}
	if _, err := Run([]Task{failing}, Options{Rounds: 1, Each: time.Millisecond}); err == nil || err.Error() != "run nothing of cilium: no" {
		t.Error(err)
	}
	failing.Ours = failing.Peers[0].Work
	if _, err := Run([]Task{failing}, Options{Rounds: 1, Each: time.Millisecond}); err == nil || err.Error() != "run ours of nothing: no" {
		t.Error(err)
	}
}

// fixed is work that takes what it says, round by round.
type fixed struct{ rounds []Cost }

func (f *fixed) Once() error { return nil }

func (f *fixed) Measure(Options) (c Cost, err error) {
	c, f.rounds = f.rounds[0], f.rounds[1:]
	return c, nil
}

// TestPrint holds the figures of two peers: ratios by round, medians by unit, goals each of its
// own.
func TestPrint(t *testing.T) {
	results, err := Run([]Task{{"walk", 10, "step", &fixed{[]Cost{{2e-6, 10, 50}, {4e-6, 10, 50}, {3e-6, 10, 50}}}, []Peer{
		{"one", 0.5, &fixed{[]Cost{{4e-6, 20, 99}, {8e-6, 20, 99}, {10e-6, 30, 99}}}},
		{"two", 1.5, &fixed{[]Cost{{1e-6, 0, 0}, {1e-6, 0, 0}, {1e-6, 0, 0}}}},
		{"three", 0, &fixed{[]Cost{{1e-6, 0, 0}, {1e-6, 0, 0}, {1e-6, 0, 0}}}},
	}}}, Options{Rounds: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false} {
		if got := results[0].Beside[i].Missed(); got != want {
			t.Errorf("%s: missed %v", results[0].Beside[i].Peer.Name, got)
		}
	}
	var out strings.Builder
	if err := Print(&out, results); err != nil {
		t.Fatal(err)
	}
	const want = `
task  library  time            allocs  bytes  ours:its  [min .. max]  goal
walk  ours     300.00 ns/step  1       5
      one      800.00 ns/step  2       9.9    0.5       [0.3 .. 0.5]  <= 0.50
      two      100.00 ns/step  0       0      3         [2 .. 4]      <= 1.50 MISSED
      three    100.00 ns/step  0       0      3         [2 .. 4]      none
`
	got := "\n"
	for line := range strings.Lines(out.String()) {
		got += strings.TrimRight(line, " \n") + "\n"
	}
	if got != want {
		t.Errorf("got %s", fmt.Sprintln(got))
	}
}
