package bench

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// Pair is one task, done by both libraries on the same input.
type Pair struct {
	Name string
	Per  int     // units that one call works on, e.g. instructions
	Unit string  // what they are
	Goal float64 // ours divided by the peer's time, at most
	Ours func() error
	Peer func() error
}

// cost is what one call takes.
type cost struct {
	seconds       float64
	allocs, bytes float64
}

// Options say how to measure.
type Options struct {
	Rounds int
	Each   time.Duration // how long each side of a pair runs in each round
	CPU    bool          // count the time that processors worked instead of the time that passed: steadier on a busy machine
}

// measure calls f until enough time has passed.
func measure(f func() error, o Options) (cost, error) {
	var before, after runtime.MemStats
	runtime.GC()
	if err := f(); err != nil { // warm
		return cost{}, err
	}
	runtime.ReadMemStats(&before)
	start, cpu := time.Now(), cpuTime()
	n := 0
	for time.Since(start) < o.Each {
		if err := f(); err != nil {
			return cost{}, err
		}
		n++
	}
	took := time.Since(start).Seconds()
	if o.CPU {
		took = (cpuTime() - cpu).Seconds()
	}
	runtime.ReadMemStats(&after)
	return cost{
		seconds: took / float64(n),
		allocs:  float64(after.Mallocs-before.Mallocs) / float64(n),
		bytes:   float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}, nil
}

// Result is what the rounds of one pair gave: ratios of ours to the peer's, round by round, which
// spread less than times do, and the medians of the rest per unit.
type Result struct {
	Pair                   Pair
	Ratios                 []float64 // sorted
	Ours, Peer             float64   // seconds per unit
	OursAllocs, PeerAllocs float64   // per unit
	OursBytes, PeerBytes   float64   // per unit
}

// Median returns the median ratio.
func (r Result) Median() float64 { return median(r.Ratios) }

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// Run measures pairs in turn, round by round.
func Run(pairs []Pair, o Options) ([]Result, error) {
	type samples struct{ ours, peer []cost }
	all := make([]samples, len(pairs))
	for range o.Rounds {
		for i, p := range pairs {
			ours, err := measure(p.Ours, o)
			if err != nil {
				return nil, fmt.Errorf("run ours of %s: %w", p.Name, err)
			}
			peer, err := measure(p.Peer, o)
			if err != nil {
				return nil, fmt.Errorf("run the peer of %s: %w", p.Name, err)
			}
			all[i].ours, all[i].peer = append(all[i].ours, ours), append(all[i].peer, peer)
		}
	}
	out := make([]Result, len(pairs))
	for i, p := range pairs {
		out[i] = result(p, all[i].ours, all[i].peer)
	}
	return out, nil
}

// result sums up the rounds of one pair.
func result(p Pair, ours, peer []cost) Result {
	r := Result{Pair: p}
	for k := range ours {
		r.Ratios = append(r.Ratios, ours[k].seconds/peer[k].seconds)
	}
	slices.Sort(r.Ratios)
	per := func(side []cost, get func(cost) float64) float64 {
		v := make([]float64, len(side))
		for k := range side {
			v[k] = get(side[k]) / float64(p.Per)
		}
		return median(v)
	}
	seconds, allocs, bytes := func(c cost) float64 { return c.seconds }, func(c cost) float64 { return c.allocs }, func(c cost) float64 { return c.bytes }
	r.Ours, r.Peer = per(ours, seconds), per(peer, seconds)
	r.OursAllocs, r.PeerAllocs = per(ours, allocs), per(peer, allocs)
	r.OursBytes, r.PeerBytes = per(ours, bytes), per(peer, bytes)
	return r
}

// Print writes a table of results.
func Print(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "task\tours\tpeer\tratio\t[min .. max]\tgoal\tallocs ours\tpeer\tbytes ours\tpeer")
	for _, r := range results {
		goal := fmt.Sprintf("<= %.2f", r.Pair.Goal)
		if r.Median() > r.Pair.Goal {
			goal += " MISSED"
		}
		fmt.Fprintf(t, "%s\t%.2f ns/%s\t%.2f ns/%s\t%.3f\t[%.3f .. %.3f]\t%s\t%.4f\t%.2f\t%.1f\t%.1f\n", r.Pair.Name,
			1e9*r.Ours, r.Pair.Unit, 1e9*r.Peer, r.Pair.Unit, r.Median(), r.Ratios[0], r.Ratios[len(r.Ratios)-1], goal,
			r.OursAllocs, r.PeerAllocs, r.OursBytes, r.PeerBytes)
	}
	return t.Flush()
}
