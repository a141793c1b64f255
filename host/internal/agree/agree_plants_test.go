package agree

import (
	"testing"

	"github.com/bpfhost/bpfhost/internal/randprog"
)

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

// TestPlants holds that random programs find every mistake that is planted in them, by the interpreter
// and, some of them, by the other machines.
func TestPlants(t *testing.T) {
	found, others := 0, machines(t)[1:]
	const most = 3000 // programs
	missing := randprog.Plants()
	for s := uint64(0); s < most && len(missing) > 0; s++ {
		c := randprog.New(s, randprog.Options{})
		right, err := runCase(interpreter, c)
		if err != nil {
			t.Fatalf("seed %d: %v", s, err)
		}
		left := missing[:0:0]
		for _, m := range missing {
			wrong, changed, err := runMistaken(interpreter, m, c)
			if err != nil {
				t.Fatalf("seed %d: %s: %v", s, m.Name, err)
			}
			if d := ""; changed {
				if d = right.differs(wrong); d != "" {
					if found++; found%*compiled == 0 {
						findPlant(t, others, m, c, right)
					}
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

// findPlant holds that other machines show a mistake too.
func findPlant(t *testing.T, others []engine, m randprog.Plant, c *randprog.Case, right account) {
	t.Helper()
	for _, e := range others {
		wrong, _, err := runMistaken(e, m, c)
		if err != nil {
			t.Fatalf("seed %d: %s: %v", c.Seed, e.name(), err)
		}
		if right.differs(wrong) == "" {
			t.Errorf("seed %d: %s does not show: %s", c.Seed, e.name(), m.Name)
		}
	}
}
