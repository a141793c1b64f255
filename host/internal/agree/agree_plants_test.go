package agree

import (
	"testing"

	"github.com/bpfhost/bpfhost/internal/randprog"
)

// mistaken runs the programs of another engine with a mistake planted in them.
type mistaken struct {
	engine
	plant randprog.Plant
}

// runMistaken returns what a machine with the mistake would show, and whether it could show any.
func runMistaken(e engine, m randprog.Plant, c *randprog.Case) (account, bool, error) {
	planted, changed := m.Apply(c.Collection)
	if !changed {
		return account{}, false, nil
	}
	wrong := *c
	wrong.Collection = planted
	a, err := runCase(e, &wrong)
	delete(a.maps, randprog.Planted)
	return a, true, err
}

// TestPlants holds that random programs find every mistake that is planted in them.
func TestPlants(t *testing.T) {
	const most = 3000 // programs
	missing := randprog.Plants()
	for s := uint64(0); s < most && len(missing) > 0; s++ {
		c := randprog.New(s, randprog.Options{})
		right, err := runCase(interpreter{}, c)
		if err != nil {
			t.Fatalf("seed %d: %v", s, err)
		}
		left := missing[:0:0]
		for _, m := range missing {
			wrong, changed, err := runMistaken(interpreter{}, m, c)
			if err != nil {
				t.Fatalf("seed %d: %s: %v", s, m.Name, err)
			}
			if d := ""; changed {
				if d = right.differs(wrong); d != "" {
					t.Logf("program %4d finds: %s", s+1, m.Name)
					continue
				}
			}
			left = append(left, m)
		}
		missing = left
	}
	for _, m := range missing {
		t.Errorf("%d programs do not find: %s", most, m.Name)
	}
	t.Logf("%d mistakes", len(randprog.Plants()))
}
