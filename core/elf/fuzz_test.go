package elf_test

import (
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/elflink"
	"github.com/bpfhost/bpfhost/core/elf/elfwrite"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// halves are two objects that need each other.
func halves(t testing.TB) []elflink.Object {
	t.Helper()
	return []elflink.Object{{Name: "a.o", Data: elftest.ReadFile(t, "testdata/link/a-el.o")}, {Name: "b.o", Data: elftest.ReadFile(t, "testdata/link/b-el.o")}}
}

// seed is an object that is whole.
type seed struct {
	name string
	data []byte
}

// anyOrder is the name without the byte order.
func (s seed) anyOrder() string { return anyOrder.Replace(s.name) }

var anyOrder = strings.NewReplacer("-el.o", ".o", "-eb.o", ".o", "order big ", "")

// seeds are at least 20 objects of every kind: made by compilers, assembled, written and linked, of both
// byte orders, with and without BTF.
func seeds(t testing.TB) []seed {
	t.Helper()
	var out []seed
	for _, name := range append(elftest.Objects(t, "testdata"), elftest.Objects(t, "testdata/lenient")...) {
		out = append(out, seed{name, elftest.ReadFile(t, name)})
	}
	for head, text := range map[string]string{"order big\n": base, "nobtf\n": base, "nobtf\norder big\n": base, "": base} {
		out = append(out, seed{"assembled " + strings.ReplaceAll(head, "\n", " "), elftest.MustBytes(head + text)})
	}
	linked, err := elflink.Link(halves(t)...)
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, seed{"linked", linked})
	for _, name := range []string{"maps-el.o", "ops-el.o", "jump-el.o", "legacy-el.o"} {
		c, err := elf.LoadBytes(elftest.ReadFile(t, "testdata/"+name), elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := elfwrite.Write(c)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, seed{"written " + name, b})
	}
	out = append(out, seed{"wide", wide(t)})
	slices.SortFunc(out, func(a, b seed) int { return strings.Compare(a.name, b.name) })
	if len(out) < 20 {
		t.Fatalf("%d seeds", len(out))
	}
	return out
}

// wide is an object whose numbers of sections are in section 0.
func wide(t testing.TB) []byte {
	b := broken(t, base, edit(0, func(h *elftest.Header) { h.Size, h.Link = 12, baseStrtab }))
	binary.LittleEndian.PutUint16(b[60:], 0)
	binary.LittleEndian.PutUint16(b[62:], 0xffff)
	return b
}

// TestPrefixes (E01) reads every prefix of the seeds, those that libbpf refuses leniently.
func TestPrefixes(t *testing.T) {
	for _, s := range seeds(t) {
		how := elf.Options{Lenient: strings.Contains(s.name, "/lenient/")}
		if _, err := elf.LoadBytes(s.data, how); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		for n := range s.data {
			if _, err := elf.LoadBytes(s.data[:n], how); err == nil {
				t.Fatalf("%s: %d of %d bytes are a whole object", s.name, n, len(s.data))
			}
		}
	}
}

// TestFlips changes every byte of the seeds; two that differ in their byte order alone share the work.
// Nothing panics and memory stays within bounds, whether the file is still fine or not.
func TestFlips(t *testing.T) {
	all := seeds(t)
	count, next := make(map[string]int), make(map[string]int)
	for _, s := range all {
		count[s.anyOrder()]++
	}
	for _, s := range all {
		same := s.anyOrder()
		t.Run(s.name, func(t *testing.T) { flip(t, s, 0xff, next[same], count[same]) })
		next[same]++
	}
}

// TestFlipsOneBit changes the lowest bit of every byte of every fourth seed.
func TestFlipsOneBit(t *testing.T) {
	if testing.Short() {
		t.Skip("changes every byte of several files")
	}
	for i, s := range seeds(t) {
		if i%4 == 0 {
			t.Run(s.name, func(t *testing.T) { flip(t, s, 0x01, 0, 1) })
		}
	}
}

// flip reads a seed with every step-th byte from first on changed in turn, on all processors. What is
// allocated is counted for the whole process, so no two seeds may run at once.
func flip(t *testing.T, s seed, mask byte, first, step int) {
	t.Helper()
	workers := runtime.GOMAXPROCS(0)
	used := allocated(func() {
		var g sync.WaitGroup
		for w := range workers {
			g.Go(func() {
				b := slices.Clone(s.data)
				for i := first + w*step; i < len(b); i += workers * step {
					b[i] ^= mask
					tryLoad(b)
					b[i] ^= mask
				}
			})
		}
		g.Wait()
	})
	n := uint64(len(s.data) / step)
	if limit := bound(len(s.data)) * n; used > limit {
		t.Errorf("%d bytes allocated, at most %d", used, limit)
	}
}

// tryLoad reads a file and, if that works, does with it what others do.
func tryLoad(b []byte) {
	c, err := elf.LoadBytes(b, elf.Options{Lenient: true})
	if err != nil {
		return
	}
	if c.Check() == nil {
		for _, p := range c.Programs {
			p.Resolve()
		}
	}
	d := c.Clone()
	for _, m := range d.Maps {
		for i := range m.Data {
			m.Data[i]++
		}
	}
	spec.Diff(c, d)
}

func FuzzLoad(f *testing.F) {
	for _, name := range elftest.Objects(f, "testdata") {
		f.Add(elftest.ReadFile(f, name))
	}
	for _, tt := range malformedCases {
		f.Add(tt.data(f))
	}
	f.Add(elftest.MustBytes(base))
	f.Add(elftest.MustBytes("order big\n" + base))
	f.Add(elftest.MustBytes("nobtf\n" + base))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			var place *wire.Error
			if !errors.Is(err, object.ErrNotObject) && !errors.As(err, &place) {
				t.Errorf("error without a place: %v", err)
			}
			return
		}
		text := c.String()
		again, err := elf.LoadBytes(b, elf.Options{})
		if err != nil || again.String() != text {
			t.Errorf("second reading differs: %v", err)
		}
		if len(spec.Diff(c, again)) != 0 {
			t.Error("two readings differ")
		}
		if c.Check() == nil {
			for _, p := range c.Programs {
				if _, err := p.Resolve(); err != nil {
					t.Errorf("checked program: %v", err)
				}
			}
		}
	})
}
