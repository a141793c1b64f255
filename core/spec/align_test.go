package spec

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// checkAlign tells whether pairs are equal, in order and complete enough: nothing that stands
// unmatched on both sides of a gap is equal at its ends.
func checkAlign(a, b []int32, match []int32) error {
	last := int32(-1)
	for i, j := range match {
		if j < 0 {
			continue
		}
		if j <= last || int(j) >= len(b) {
			return fmt.Errorf("pair %d-%d is out of order", i, j)
		}
		if a[i] != b[j] {
			return fmt.Errorf("pair %d-%d is not equal", i, j)
		}
		last = j
	}
	return nil
}

// lcs is the length of the longest common subsequence, the slow way.
func lcs(a, b []int32) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			up := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(row[j+1], row[j])
			}
			diagonal = up
		}
	}
	return row[len(b)]
}

func TestAlignExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		a := make([]int32, r.IntN(30))
		for i := range a {
			a[i] = r.Int32N(6)
		}
		b := make([]int32, r.IntN(30))
		for i := range b {
			b[i] = r.Int32N(6)
		}
		match := align(a, b)
		if err := checkAlign(a, b, match); err != nil {
			t.Fatalf("align(%v, %v): %v", a, b, err)
		}
		n := 0
		for _, j := range match {
			if j >= 0 {
				n++
			}
		}
		if want := lcs(a, b); n != want {
			t.Fatalf("align(%v, %v) matches %d, want %d", a, b, n, want)
		}
	}
}

func TestAlignLarge(t *testing.T) {
	const n = 100_000
	a := make([]int32, n)
	for i := range a {
		a[i] = int32(i % 5000)
	}
	// A few edits far apart.
	b := append([]int32{-1, -2}, a[:n/2]...)
	b = append(b, a[n/2+10:]...)
	match := align(a, b)
	if err := checkAlign(a, b, match); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, j := range match {
		if j < 0 {
			lost++
		}
	}
	if lost != 10 {
		t.Errorf("%d elements have no partner, want 10", lost)
	}
	// Everything is different, and everything is in another order: bounded work.
	for i := range b {
		b[i] = -5
	}
	if err := checkAlign(a, b, align(a, b)); err != nil {
		t.Fatal(err)
	}
	c := make([]int32, n)
	for i := range c {
		c[i] = int32(n - i)
		a[i] = int32(i)
	}
	if err := checkAlign(a, c, align(a, c)); err != nil {
		t.Fatal(err)
	}
}
