package opt

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

func editable(t testing.TB) *spec.Collection {
	c := constants(program(t, `.func main
		r1 = map[flows] ll
		r2 = 5
		call sub
		r1 = var[a] ll
		r0 = *(u32 *)(r1 + 0)
		exit
	.func sub
		r0 = 1
		exit`))
	c.Maps = append(c.Maps, &spec.Map{Name: "flows", Type: spec.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	return c
}

// TestApart holds that no change of a clone reaches the original, and none of the original the clone.
func TestApart(t *testing.T) {
	for name, edit := range map[string]func(c *spec.Collection) error{
		"inline": func(c *spec.Collection) error { return Inline(c.Programs[0], 2) },
		"fold":   func(c *spec.Collection) error { _, err := Fold(c); return err },
		"prune":  func(c *spec.Collection) error { _, err := Prune(c, PruneOptions{}); return err },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := editable(t), editable(t).Clone()
			before := string(a.AppendText(nil))
			for _, side := range []struct{ edited, kept *spec.Collection }{{a.Clone(), a}, {b, b.Clone()}} {
				if err := edit(side.edited); err != nil {
					t.Fatal(err)
				}
				if string(side.kept.AppendText(nil)) != before {
					t.Errorf("the other side is now\n%s", side.kept.AppendText(nil))
				}
				if string(side.edited.AppendText(nil)) == before {
					t.Error("nothing changed")
				}
			}
		})
	}
}
