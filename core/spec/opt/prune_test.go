package opt

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/google/go-cmp/cmp"
)

func TestPruneCode(t *testing.T) {
	for _, tt := range []struct {
		name, before, want string
		report             PrunedProgram
	}{
		{"nothing", "r0 = 0\nexit", "r0 = 0\nexit\n", PrunedProgram{}},
		{"unreachable", "r0 = 0\ngoto L1\nr0 = 1\nL1: exit\nr0 = 2\nexit", "r0 = 0\nL1:\nexit\n", PrunedProgram{"main", 3, 1, nil}},
		{"useless", "r2 = 5\nr2 += 1\nr3 = map[m] ll\nr0 = r10\nr0 = 1\nexit", "r0 = 1\nexit\n", PrunedProgram{"main", 0, 4, nil}},
		{"useful", "r2 = *(u8 *)(r1 + 0)\nr3 = 1\ncall bpf_ktime_get_ns#5\nlock *(u64 *)(r10 - 8) += r0\nexit",
			"r2 = *(u8 *)(r1 + 0)\ncall bpf_ktime_get_ns#5\nlock *(u64 *)(r10 - 8) += r0\nexit\n", PrunedProgram{"main", 0, 1, nil}},
		{"chain of jumps", "r0 = 0\ngoto L1\nL1: goto L2\nL2: r3 = 1\nL3: exit\ngoto L3", "r0 = 0\nL3:\nexit\n", PrunedProgram{"main", 1, 3, nil}},
		{"loops stay", "r0 = 0\nL1: goto L1", "L1:\ngoto L1\n", PrunedProgram{"main", 0, 1, nil}},
		{"function", ".func main\ngoto L1\ncall a\nL1: r0 = 0\nexit\n.func a\ncall b\nexit\n.func b\nexit",
			".func main\nL1:\nr0 = 0\nexit\n", PrunedProgram{"main", 4, 1, []string{"a", "b"}}},
		{"start of a function", ".func main\ncall f\nexit\n.func f\nL1: r2 = 1\nL2: r0 = 1\nif r0 == 2 goto L1\nif r0 == 3 goto L2\nexit",
			".func main\ncall f\nexit\n.func f\nL2:\nr0 = 1\nif r0 == 2 goto L2\nif r0 == 3 goto L2\nexit\n", PrunedProgram{"main", 0, 1, nil}},
		{"unknown instruction", "r2 = 5\n.raw 0x00000000000000ff\nr0 = 0\nexit\nexit", "r2 = 5\n.raw 0x00000000000000ff\nr0 = 0\nexit\nexit\n", PrunedProgram{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := program(t, tt.before)
			got, err := Prune(&spec.Collection{Programs: []*spec.Program{p}}, PruneOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, listing(p)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			var want []PrunedProgram
			if tt.report.Program != "" {
				want = append(want, tt.report)
			}
			if d := cmp.Diff(want, got.Programs); d != "" {
				t.Errorf("report (-want +got):\n%s", d)
			}
		})
	}
}

func TestPruneMaps(t *testing.T) {
	p := program(t, `
r1 = var[a] ll
r0 = *(u32 *)(r1 + 0)
if r0 == 5 goto L1
r1 = map[only_dead] ll
call bpf_get_prandom_u32#7
r1 = var[d] ll
r0 = *(u32 *)(r1 + 0)
L1: r1 = map[outer] ll
r2 = map[used] ll
*(u64 *)(r10 - 8) = r1
*(u64 *)(r10 - 16) = r2
exit`)
	c := constants(p)
	hash := func(name string) *spec.Map {
		return &spec.Map{Name: name, Type: spec.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	}
	outer := func(name string, values ...string) *spec.Map {
		m := &spec.Map{Name: name, Type: spec.MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 8, Inner: hash("")}
		for i, v := range values {
			m.Values = append(m.Values, spec.MapValue{Key: uint32(i), Name: v})
		}
		return m
	}
	pinned, ops := hash("pinned"), hash("ops")
	pinned.Pinning, ops.Type = spec.PinByName, spec.MapStructOps
	c.Maps = append(c.Maps, hash("only_dead"), hash("used"), outer("outer", "inner"), hash("inner"), outer("unused", "other"), hash("other"),
		hash("kept"), pinned, ops)
	c.Externs = []spec.Extern{{Name: "k", Kind: spec.ExternKconfig}, {Name: "sym", Kind: spec.ExternKsym}}
	if _, err := Fold(c); err != nil {
		t.Fatal(err)
	}
	same := c.Clone()
	if got, err := Prune(same, PruneOptions{CodeOnly: true}); err != nil || len(got.Maps) != 0 || len(same.Maps) != len(c.Maps) {
		t.Errorf("code only: %+v, %v", got, err)
	}
	got, err := Prune(c, PruneOptions{KeepMaps: []string{"kept", "none"}})
	if err != nil {
		t.Fatal(err)
	}
	want := Pruned{
		Programs: []PrunedProgram{{Program: "main", Unreachable: 4, Useless: 2}},
		Maps:     []string{".rodata", ".data", ".kconfig", "only_dead", "unused", "other"},
		Vars:     []string{"a", "b", "c", "long", "d", "k"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("report (-want +got):\n%s", d)
	}
	var names []string
	for _, m := range c.Maps {
		names = append(names, m.Name)
	}
	if got := strings.Join(names, " "); got != "used outer inner kept pinned ops" {
		t.Errorf("maps that are left: %s", got)
	}
	if len(c.Vars) != 0 || len(c.Externs) != 1 || c.Externs[0].Name != "sym" {
		t.Errorf("left: %v, %v", c.Vars, c.Externs)
	}
	if again, err := Prune(c, PruneOptions{KeepMaps: []string{"kept"}}); err != nil || again.Programs != nil || again.Maps != nil {
		t.Errorf("a second time it removes %+v, %v", again, err)
	}
	if listing(p) != "r0 = 5\nL1:\nr1 = map[outer] ll\nr2 = map[used] ll\n*(u64 *)(r10 - 8) = r1\n*(u64 *)(r10 - 16) = r2\nexit\n" {
		t.Errorf("left:\n%s", listing(p))
	}
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
