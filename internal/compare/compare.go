package compare

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/ringtype"
)

// Options says on what programs are compared.
type Options struct {
	Given     []Input    // run first, in order, on maps as they are loaded
	Random    int        // how many random inputs
	Seed      uint64     // of what is random
	CoreTypes *btf.Types // that CO-RE is computed for; nil is those of each object
	Allow     []string   // differences that do not count: "return", "map", "map:NAME", …; see Kinds
	Show      int        // how many differences are kept; 0 is 5
}

// Kinds are the kinds of differences. Those of maps, variables and records can be allowed by name,
// "map:counts".
var Kinds = []string{"return", "fault", "packet", "context", "redirect", "print", "map", "var", "record"}

// Report is what came of comparing two programs.
type Report struct {
	Pair
	Type      spec.ProgramType
	Identical bool // instructions, maps and variables are the same: nothing was run
	Given     int  // inputs that ran
	Random    int
	Differing int          // inputs with a difference that counts
	Shown     []Difference // the first of them
	Allowed   []string     // what differed and was allowed to, sorted: "map counts"
	OnlyA     []string     // maps that only one program's object has
	OnlyB     []string
}

// Difference is what two programs did that is not the same, on one input.
type Difference struct {
	Input  Input
	Before int // inputs that ran since maps were new
	Items  []Item
	A, B   *Place // the first instructions that do something else; nil is none, or not known
}

// Item is one thing that is not the same.
type Item struct {
	Kind  string // one of Kinds
	Name  string // of the map or variable; empty for others
	Where string // key, field, place of bytes; empty is the whole
	A, B  string
}

// roundSize is how many random inputs run on the same maps. Every other round begins with random
// entries in maps.
const roundSize = 64

// run is a comparison that goes on.
type run struct {
	a, b    *side
	options Options
	gen     *generator
	align   map[string]alignment
	changes []spec.Change
	rings   map[string]btf.ID // types of records of a
	allowed map[string]bool
	maps    []string // that are compared
	base    map[string]pairOfValues

	report *Report
	fill   uint64  // seed of the entries that maps begin with; 0 is none
	since  []Input // since maps were new
}

// pairOfValues are the values of a key on both sides.
type pairOfValues struct{ a, b string }

// Run compares two programs of two collections, which are not changed. The error wraps
// vm.ErrNotSupported if one of them cannot be simulated.
func Run(a, b *spec.Collection, p Pair, o Options) (*Report, error) {
	if o.Show == 0 {
		o.Show = 5
	}
	a, b = prepare(a, p.A, p.A), prepare(b, p.B, p.A)
	r := &run{options: o, report: &Report{Pair: p, Type: a.Program(p.A).Type}, align: map[string]alignment{}, allowed: map[string]bool{}}
	if t := b.Program(p.A).Type; t != r.report.Type {
		return nil, fmt.Errorf("compare %s: the programs are of types %v and %v, which run on different inputs", p, r.report.Type, t)
	}
	r.changes = spec.Diff(a, b)
	if identical(a, p.A, r.changes) && identical(b, p.A, r.changes) {
		r.report.Identical = true
		return r.report, nil
	}
	var err error
	if r.a, err = newSide(a, p.A, o); err == nil {
		r.b, err = newSide(b, p.A, o)
	}
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", p, err)
	}
	r.findMaps()
	r.gen = newGenerator(o.Seed, r.a, r.b)
	if err := r.all(); err != nil {
		return nil, fmt.Errorf("compare %s: %w", p, err)
	}
	for what := range r.allowed {
		r.report.Allowed = append(r.report.Allowed, what)
	}
	slices.Sort(r.report.Allowed)
	return r.report, nil
}

// findMaps finds out which maps are compared.
func (r *run) findMaps() {
	found := ringtype.NewFinder(r.a.c)
	r.rings = map[string]btf.ID{}
	for _, m := range r.a.c.Maps {
		o := r.b.c.Map(m.Name)
		if o == nil {
			r.report.OnlyA = append(r.report.OnlyA, m.Name)
			continue
		}
		if m.Type == spec.MapRingbuf {
			r.rings[m.Name], _ = found.Of(m)
		}
		if !m.Freeze && !o.Freeze && r.a.m.Map(m.Name) != nil && r.b.m.Map(m.Name) != nil { // what programs cannot write cannot come to differ
			r.maps = append(r.maps, m.Name)
		}
	}
	for _, m := range r.b.c.Maps {
		if r.a.c.Map(m.Name) == nil {
			r.report.OnlyB = append(r.report.OnlyB, m.Name)
		}
	}
}

// all runs the inputs that are given, and then random ones in rounds.
func (r *run) all() error {
	if err := r.begin(0); err != nil {
		return err
	}
	for i := range r.options.Given {
		if err := r.input(r.options.Given[i]); err != nil {
			return err
		}
		r.report.Given++
	}
	r.note()
	for i := range r.options.Random {
		if i%roundSize == 0 {
			fill := uint64(0)
			if i/roundSize%2 == 1 {
				fill = r.options.Seed + uint64(i)
			}
			r.note()
			if err := r.begin(fill); err != nil {
				return err
			}
		}
		if err := r.input(r.gen.next()); err != nil {
			return err
		}
		r.report.Random++
	}
	r.note()
	return nil
}

// begin makes maps new on both sides.
func (r *run) begin(fill uint64) error {
	r.fill, r.since = fill, r.since[:0]
	if err := r.a.reset(); err != nil {
		return err
	}
	if err := r.b.reset(); err != nil {
		return err
	}
	if fill != 0 {
		g := newGenerator(fill, r.a, r.b)
		g.fill(r.a, r.b)
	}
	r.base = map[string]pairOfValues{}
	for _, name := range r.maps {
		for key := range vm.Differing(r.a.m.Map(name), r.b.m.Map(name)) {
			r.base[name+"\x00"+string(key)] = pairOfValues{string(r.a.value(name, key)), string(r.b.value(name, key))}
		}
	}
	return nil
}

// input runs both programs on an input. If something differs that counts, both begin anew.
func (r *run) input(in Input) error {
	x, err := r.a.run(&in)
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	y, err := r.b.run(&in)
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	items := r.counting(r.outcomes(x, y))
	items = append(items, r.counting(r.contents())...)
	r.since = append(r.since, in)
	if len(items) == 0 {
		return nil
	}
	r.report.Differing++
	if len(r.report.Shown) < r.options.Show {
		d := Difference{Input: in, Before: len(r.since) - 1, Items: items}
		if err := r.explain(&d); err != nil {
			return err
		}
		r.report.Shown = append(r.report.Shown, d)
	}
	r.note()
	return r.begin(r.fill)
}

// counting returns the differences that are not allowed, and notes the others.
func (r *run) counting(items []Item) []Item {
	return slices.DeleteFunc(items, func(i Item) bool {
		if !r.allows(i.Kind, i.Name) {
			return false
		}
		r.allow(i.Kind, i.Name)
		return true
	})
}

// allow notes that something differed that may.
func (r *run) allow(kind, name string) {
	if name != "" {
		kind += " " + name
	}
	r.allowed[kind] = true
}

// allows reports whether a difference is allowed.
func (r *run) allows(kind, name string) bool {
	return slices.Contains(r.options.Allow, kind) || name != "" && slices.Contains(r.options.Allow, kind+":"+name)
}

// note notes which of the maps that may differ do. They are not looked at after each input.
func (r *run) note() {
	for _, name := range r.maps {
		if !r.allows("map", name) {
			continue
		}
		for key := range vm.Differing(r.a.m.Map(name), r.b.m.Map(name)) {
			if r.moved(name, key) {
				r.allow("map", name)
				break
			}
		}
	}
}

// explain finds the first instructions that do something else, by running all inputs since maps were
// new once more.
func (r *run) explain(d *Difference) error {
	inputs := slices.Clone(r.since)
	if err := r.begin(r.fill); err != nil {
		return err
	}
	for i := range inputs[:len(inputs)-1] {
		for _, s := range []*side{r.a, r.b} {
			if _, err := s.run(&inputs[i]); err != nil {
				return err
			}
		}
	}
	last := &inputs[len(inputs)-1]
	w := &walker{of: r.aligned}
	var err error
	if w.a, w.ta, err = r.a.trace(last); err != nil {
		return err
	}
	if w.b, w.tb, err = r.b.trace(last); err != nil {
		return err
	}
	i, j := w.first()
	d.A, d.B = place(w.a, i), place(w.b, j)
	return nil
}

// aligned returns which instructions of the programs of a name correspond.
func (r *run) aligned(program string) alignment {
	al, ok := r.align[program]
	if !ok {
		if a, b := r.a.c.Program(program), r.b.c.Program(program); a != nil && b != nil {
			al = align(a, b, r.changes)
		}
		r.align[program] = al
	}
	return al
}
