package spec

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
)

func TestHookKindNames(t *testing.T) {
	for k := HookNone; int(k) < len(hookFamilies); k++ {
		if got, ok := ParseHookKind(k.String()); !ok || got != k {
			t.Errorf("%v is parsed as %v", k, got)
		}
	}
	if _, ok := ParseHookKind("x"); ok {
		t.Error("x is a kind")
	}
	if HookKind(77).String() != "attach_kind(77)" {
		t.Error(HookKind(77))
	}
}

// TestHookFamilies holds that rows are complete, and that no program belongs to two families.
func TestHookFamilies(t *testing.T) {
	type key struct {
		t ProgramType
		a AttachType
		p Probe
	}
	seen := map[key]HookKind{}
	for i, f := range HookFamilies() {
		if int(f.Kind) != i+1 {
			t.Errorf("%s has number %d in row %d", f.Name, f.Kind, i+1)
		}
		if f.Name == "" || len(f.Programs) == 0 || f.Target == "" || len(f.Links) == 0 && f.Kind != HookSocket || f.Policy == "" || f.Doc == "" {
			t.Errorf("row %s is not complete: %+v", f.Name, f)
		}
		for _, h := range f.Programs {
			for a := range AttachType(len(attachTypeNames)) {
				for _, p := range append(slices.Clone(h.Probes), ProbeNone) {
					if !h.matches(&Program{Type: h.Type, AttachType: a, Probe: p}) {
						continue
					}
					if k, ok := seen[key{h.Type, a, p}]; ok {
						t.Errorf("%v programs with %v are of %v and of %v", h.Type, a, k, f.Kind)
					}
					seen[key{h.Type, a, p}] = f.Kind
				}
			}
		}
	}
	if f := HookKind(99).Family(); f.Name != "" || f.Programs != nil {
		t.Errorf("an unknown family is %+v", f)
	}
}

// TestHookFamiliesABI holds the table against the ABI's list, in both directions.
func TestHookFamiliesABI(t *testing.T) {
	var rows []abi.Value
	for _, f := range HookFamilies() {
		if f.Guests {
			rows = append(rows, abi.Value{Name: f.Name, Num: uint32(f.Kind), Doc: f.Doc})
		}
	}
	enums := abi.Enums()
	i := slices.IndexFunc(enums, func(e abi.Enum) bool { return e.Name == "attach_kind" })
	if i < 0 {
		t.Fatal("the ABI has no attach_kind")
	}
	values := enums[i].Values
	for j := range max(len(rows), len(values)) {
		if j >= len(rows) || j >= len(values) || rows[j].Name != values[j].Name || rows[j].Num != values[j].Num || rows[j].Doc != values[j].Doc {
			t.Fatalf("attach_kind of the ABI is %+v, the table says %+v", values, rows)
		}
	}
}

// TestHookFamiliesDocs holds the manuals against the table: a policy's key for each family, and a
// section whose programs are attached to it.
func TestHookFamiliesDocs(t *testing.T) {
	policy, sections := cells(t, "../../docs/policy.md"), cells(t, "../../docs/sections.md")
	for _, f := range HookFamilies() {
		if !slices.ContainsFunc(policy, func(row []string) bool {
			return len(row) == 3 && row[0] == "`attach."+f.Name+"`" && row[1] == f.Policy
		}) {
			t.Errorf("docs/policy.md has no row attach.%s: %s", f.Name, f.Policy)
		}
		if !slices.ContainsFunc(sections, func(row []string) bool { return len(row) == 7 && row[5] == f.Name }) {
			t.Errorf("docs/sections.md has no section that is attached to %s", f.Name)
		}
	}
}

// cells returns the rows of all tables of a manual.
func cells(t *testing.T, file string) (rows [][]string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if row, ok := strings.CutPrefix(line, "|"); ok {
			var cells []string
			for c := range strings.SplitSeq(strings.TrimSuffix(row, "|"), "|") {
				cells = append(cells, strings.TrimSpace(c))
			}
			rows = append(rows, cells)
		}
	}
	return rows
}
