package bench

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// Task is work that this library and others do on the same input.
type Task struct {
	Name  string
	Per   int    // units that one turn works on, e.g. instructions
	Unit  string // what they are
	Ours  Work
	Peers []Peer
}

// Peer is another library that does a task.
type Peer struct {
	Name string
	Goal float64 // our time divided by the peer's, at most; 0 is none
	Work Work
}

// Work is what one library does.
type Work interface {
	// Once does it once.
	Once() error
	// Measure does it until o.Each has passed, and returns what a turn takes.
	Measure(o Options) (Cost, error)
}

// Cost is what one turn takes, or one unit of it.
type Cost struct {
	Seconds       float64
	Allocs, Bytes float64 // allocations and their bytes
}

// Options say how to measure.
type Options struct {
	Rounds int
	Each   time.Duration // how long each library works on a task in each round
	CPU    bool          // count the time that processors worked instead of the time that passed: steadier on a busy machine
}

// Call is work in this process.
type Call func() error

// Once does it once.
func (f Call) Once() error { return f() }

// Measure calls f once, and then until enough time has passed.
func (f Call) Measure(o Options) (Cost, error) {
	var before, after runtime.MemStats
	runtime.GC()
	if err := f(); err != nil { // warm
		return Cost{}, err
	}
	runtime.ReadMemStats(&before)
	start, cpu := time.Now(), cpuTime()
	n := 0
	for n == 0 || time.Since(start) < o.Each {
		if err := f(); err != nil {
			return Cost{}, err
		}
		n++
	}
	took := time.Since(start).Seconds()
	if o.CPU {
		took = (cpuTime() - cpu).Seconds()
	}
	runtime.ReadMemStats(&after)
	total := Cost{took, float64(after.Mallocs - before.Mallocs), float64(after.TotalAlloc - before.TotalAlloc)}
	return total.per(n), nil
}

// per returns the part of one of n.
func (c Cost) per(n int) Cost {
	return Cost{c.Seconds / float64(n), c.Allocs / float64(n), c.Bytes / float64(n)}
}

// Result is what the rounds of one task measured.
type Result struct {
	Task   Task
	Ours   Cost // medians per unit
	Beside []Beside
}

// Beside is how we stand to one peer: ratios of our time to the peer's, round by round, which
// spread less than times do.
type Beside struct {
	Peer   Peer
	Ratios []float64 // sorted
	Cost   Cost      // the peer's, medians per unit
}

// Median returns the median ratio.
func (b Beside) Median() float64 { return median(b.Ratios) }

// Missed reports whether there is a goal that the median is above.
func (b Beside) Missed() bool { return b.Peer.Goal > 0 && b.Median() > b.Peer.Goal }

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// Run measures tasks in turn, round by round.
func Run(tasks []Task, o Options) ([]Result, error) {
	rounds := make([][][]Cost, len(tasks)) // by task and library, ours first
	for range o.Rounds {
		for i, t := range tasks {
			if rounds[i] == nil {
				rounds[i] = make([][]Cost, 1+len(t.Peers))
			}
			c, err := t.Ours.Measure(o)
			if err != nil {
				return nil, fmt.Errorf("run ours of %s: %w", t.Name, err)
			}
			rounds[i][0] = append(rounds[i][0], c)
			for k, p := range t.Peers {
				if c, err = p.Work.Measure(o); err != nil {
					return nil, fmt.Errorf("run %s of %s: %w", t.Name, p.Name, err)
				}
				rounds[i][k+1] = append(rounds[i][k+1], c)
			}
		}
	}
	out := make([]Result, len(tasks))
	for i, t := range tasks {
		out[i] = result(t, rounds[i])
	}
	return out, nil
}

// result sums up the rounds of one task, by library.
func result(t Task, rounds [][]Cost) Result {
	r := Result{Task: t, Ours: medians(rounds[0]).per(t.Per)}
	for k, p := range t.Peers {
		b := Beside{Peer: p, Cost: medians(rounds[k+1]).per(t.Per)}
		for i, c := range rounds[k+1] {
			b.Ratios = append(b.Ratios, rounds[0][i].Seconds/c.Seconds)
		}
		slices.Sort(b.Ratios)
		r.Beside = append(r.Beside, b)
	}
	return r
}

// medians returns the median of each figure.
func medians(rounds []Cost) Cost {
	of := func(get func(Cost) float64) float64 {
		v := make([]float64, len(rounds))
		for i, c := range rounds {
			v[i] = get(c)
		}
		return median(v)
	}
	return Cost{
		of(func(c Cost) float64 { return c.Seconds }),
		of(func(c Cost) float64 { return c.Allocs }),
		of(func(c Cost) float64 { return c.Bytes }),
	}
}

// Print writes a table of results: a line for us, and one for each peer.
func Print(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "task\tlibrary\ttime\tallocs\tbytes\tours:its\t[min .. max]\tgoal")
	for _, r := range results {
		line := func(task, library string, c Cost, ratio string) {
			fmt.Fprintf(t, "%s\t%s\t%.2f ns/%s\t%.4g\t%.6g\t%s\n", task, library, 1e9*c.Seconds, r.Task.Unit, c.Allocs, c.Bytes, ratio)
		}
		line(r.Task.Name, "ours", r.Ours, "\t\t")
		for _, b := range r.Beside {
			line("", b.Peer.Name, b.Cost, fmt.Sprintf("%.3g\t[%.3g .. %.3g]\t%s", b.Median(), b.Ratios[0], b.Ratios[len(b.Ratios)-1], b.verdict()))
		}
	}
	return t.Flush()
}

// verdict returns the goal as text, and says whether it was missed.
func (b Beside) verdict() string {
	switch {
	case b.Peer.Goal == 0:
		return "none"
	case b.Missed():
		return fmt.Sprintf("<= %.2f MISSED", b.Peer.Goal)
	}
	return fmt.Sprintf("<= %.2f", b.Peer.Goal)
}
