package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// Growth is work of this library whose time should grow as its input does.
type Growth struct {
	Name string
	Unit string // what the sizes count
	Max  int    // the largest size; the smallest is a hundredth or a thousandth of it
	From int    // the smallest size
	// Make returns work on an input of n units. Making it is not measured.
	Make func(n int) (Call, error)
}

// The goals of every Growth: time is at most in proportion to n to the power of these.
const (
	GrowthGoal = 1.1 // over all sizes
	LastGoal   = 1.3 // over the last decade
)

// slowest is how long a size may take for the next ones to be tried.
const slowest = 4 * time.Second

// Point is a size and the seconds of processors that it took.
type Point struct {
	N       int
	Seconds float64
}

// Grown is what the rounds of one Growth measured.
type Grown struct {
	Growth Growth
	Points []Point   // medians of the rounds
	All    []float64 // exponents over all sizes, by round, sorted
	Last   []float64 // those over the last decade
}

// Missed reports whether an exponent is above its goal, or sizes were left out because they take
// too long.
func (g Grown) Missed() bool {
	return median(g.All) > GrowthGoal || median(g.Last) > LastGoal || g.Cut()
}

// Cut reports whether the largest sizes were left out.
func (g Grown) Cut() bool { return g.Points[len(g.Points)-1].N < g.Growth.Max }

// sizes are the doubled sizes, the last one as given.
func (g Growth) sizes() []int {
	var out []int
	for n := g.Max; n >= g.From; n /= 2 {
		out = append(out, n)
	}
	slices.Reverse(out)
	return out
}

// Grow measures one Growth, always by the time of processors. In each round every size is worked on
// until o.Each has passed, at least once.
func Grow(g Growth, o Options) (Grown, error) {
	out := Grown{Growth: g}
	sizes := g.sizes()
	rounds := make([][]Point, o.Rounds)
	for r := range rounds {
		for i, n := range sizes {
			f, err := g.Make(n)
			if err != nil {
				return out, fmt.Errorf("make %d %ss of %s: %w", n, g.Unit, g.Name, err)
			}
			c, err := f.Measure(Options{Each: o.Each, CPU: true})
			if err != nil {
				return out, fmt.Errorf("run %d %ss of %s: %w", n, g.Unit, g.Name, err)
			}
			rounds[r] = append(rounds[r], Point{n, c.Seconds})
			if c.Seconds > slowest.Seconds() {
				sizes = sizes[:i+1]
				break
			}
		}
		out.All = append(out.All, exponent(rounds[r]))
		out.Last = append(out.Last, exponent(lastDecade(rounds[r])))
	}
	slices.Sort(out.All)
	slices.Sort(out.Last)
	for i, n := range sizes {
		var took []float64
		for _, points := range rounds {
			took = append(took, points[i].Seconds)
		}
		out.Points = append(out.Points, Point{n, median(took)})
	}
	return out, nil
}

// lastDecade returns the points from a tenth of the largest size on.
func lastDecade(points []Point) []Point {
	from := points[len(points)-1].N / 10
	return points[slices.IndexFunc(points, func(p Point) bool { return p.N >= from }):]
}

// exponent fits seconds = c * n^x by least squares of the logarithms and returns x.
func exponent(points []Point) float64 {
	var sx, sy, sxx, sxy float64
	for _, p := range points {
		x, y := math.Log(float64(p.N)), math.Log(p.Seconds)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	n := float64(len(points))
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// PrintGrowth writes a table: a line for each Growth.
func PrintGrowth(w io.Writer, grown []Grown) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "growth\tsizes\ttime of the last\texponent\t[min .. max]\tlast decade\t[min .. max]\tgoals")
	spread := func(v []float64) string {
		return fmt.Sprintf("%.2f\t[%.2f .. %.2f]", median(v), v[0], v[len(v)-1])
	}
	for _, g := range grown {
		last := g.Points[len(g.Points)-1]
		verdict := fmt.Sprintf("<= %.1f, %.1f", GrowthGoal, LastGoal)
		if g.Missed() {
			verdict += " MISSED"
		}
		if g.Cut() {
			verdict += fmt.Sprintf(": more than %d takes too long", last.N)
		}
		fmt.Fprintf(t, "%s\t%d .. %d %ss\t%.0f ns/%s\t%s\t%s\t%s\n", g.Growth.Name, g.Points[0].N, last.N, g.Growth.Unit,
			1e9*last.Seconds/float64(last.N), g.Growth.Unit, spread(g.All), spread(g.Last), verdict)
	}
	return t.Flush()
}
