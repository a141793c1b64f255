package randprog

import (
	"slices"
	"testing"
)

const seeds = 400

// TestForms holds that every form is made, none that Forms does not list, and that collections are
// whole.
func TestForms(t *testing.T) {
	made, known := map[string]int{}, Forms()
	for seed := range uint64(seeds) {
		c := New(seed, Options{})
		if err := c.Collection.Check(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for f, n := range c.Forms {
			made[f] += n
			if !slices.Contains(known, f) {
				t.Fatalf("seed %d: form %q is not listed", seed, f)
			}
		}
	}
	for _, f := range known {
		if made[f] == 0 {
			t.Errorf("form %q was never made", f)
		}
	}
}

// TestSame holds that a seed is the same program each time.
func TestSame(t *testing.T) {
	for seed := range uint64(20) {
		if a, b := New(seed, Options{}), New(seed, Options{}); a.Collection.String() != b.Collection.String() {
			t.Errorf("seed %d is\n%s\nand\n%s", seed, a.Collection, b.Collection)
		}
	}
}

// TestWithout holds that forms can be left out, unless every program needs them.
func TestWithout(t *testing.T) {
	everywhere := []string{"exit", "ld_imm64", "ld_imm64 of value of map", "load8", "load32", "load64", "store64 imm", "store64 reg",
		"mov64 imm", "mov64 reg", "and64 imm", "atomic64 add"}
	for _, f := range Forms() {
		if slices.Contains(everywhere, f) {
			continue
		}
		for seed := range uint64(10) {
			if n := New(seed, Options{Without: []string{f}}).Forms[f]; n > 0 {
				t.Errorf("seed %d: form %q was made %d times", seed, f, n)
			}
		}
	}
}
