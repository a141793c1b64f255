package policy

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

// TestManual holds the two manuals against the language: every key is described, and the examples
// are policies.
func TestManual(t *testing.T) {
	page, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	d := &decoder{policy: &Policy{}}
	for _, key := range slices.Sorted(maps.Keys(d.topKeys())) {
		if !strings.Contains(string(page), "`"+key) || !strings.Contains(string(source), "//\t"+key+":") {
			t.Errorf("key %s is not in docs/policy.md and doc.go", key)
		}
	}
	for _, path := range listPaths {
		if !strings.Contains(string(page), "`"+path+"`") {
			t.Errorf("docs/policy.md does not describe %s", path)
		}
	}
	for key := range d.wasmKeys() {
		if !strings.Contains(string(page), "`wasm."+key+"`") {
			t.Errorf("docs/policy.md does not describe wasm.%s", key)
		}
	}
	yaml := regexp.MustCompile("(?s)```yaml [a-z.]+\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(yaml) == 0 {
		t.Error("docs/policy.md has no example")
	}
	suites := 0
	for _, m := range yaml {
		if !strings.HasPrefix(m[1], "policy:") {
			parse(t, m[1])
			continue
		}
		suites++
		s, err := ParseSuite("docs/policy.md", []byte(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		if cases, decisions := s.Unexpected(s.Policy); cases != nil || len(s.Plans) == 0 {
			t.Errorf("the test in docs/policy.md: %+v", decisions)
		}
	}
	if suites != 1 {
		t.Errorf("docs/policy.md has %d tests of policies, want one", suites)
	}
	_, block, _ := strings.Cut(string(source), "//\tplugin:")
	block, _, _ = strings.Cut("//\tplugin:"+block, "//\n")
	text := strings.ReplaceAll(block, "//\t", "")
	for _, short := range []string{"3a7b…", "90ad…"} {
		text = strings.Replace(text, short, digestA, 1)
	}
	parse(t, text)
}

// The columns of the table of what the built-in policy lets through.
const (
	byWildcard = iota // allowed where it is requested with a wildcard
	byName            // allowed where it is requested by name
	never
)

// builtInRow is a row of that table.
type builtInRow struct{ cells [3]string }

// builtInRows reads the table of docs/policy.md, by word of the access.
func builtInRows(t *testing.T) map[string]builtInRow {
	t.Helper()
	page, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "| access | requested with a wildcard | requested by name only | never |\n")
	section, _, _ = strings.Cut(section, "\n\n")
	rows := map[string]builtInRow{}
	for _, line := range strings.Split(section, "\n")[1:] {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 4 {
			t.Fatalf("row %q", line)
		}
		for _, word := range spans(cells[0]) {
			rows[word] = builtInRow{[3]string(cells[1:])}
		}
	}
	return rows
}

// spans returns what stands in backquotes.
func spans(text string) []string {
	var list []string
	for i, s := range strings.Split(text, "`") {
		if i%2 == 1 {
			list = append(list, s)
		}
	}
	return list
}

// column returns the column whose pattern fits a name best; the rest is all that none fits.
func (r builtInRow) column(name string) (column int) {
	best := -1
	for i, cell := range r.cells {
		if best < 0 && strings.Contains(cell, "the rest") {
			best, column = 0, i
		}
		for _, s := range spans(cell) {
			if len(s) > best && (pattern{text: s}).match(name) {
				best, column = len(s), i
			}
		}
	}
	return column
}

// builtInProbes are accesses of every kind: all that have a name here, and some of the others.
func builtInProbes() []Access {
	var list []Access
	for _, key := range []string{"program", "map", "helper", "kfunc"} {
		kind := Kind(slices.Index(kindWords[:], key))
		for _, name := range knownNames()[key] {
			list = append(list, Access{Kind: kind, Name: name})
		}
	}
	for _, f := range spec.HookFamilies() {
		list = append(list, hook(f.Kind, "/target"), hook(f.Kind, "/sys/fs/cgroup"), hook(f.Kind, "/sys/fs/cgroup/a"))
	}
	for _, r := range []string{RightSleepable, RightFreplace, RightSyscall, RightStructOps, RightModifyReturn} {
		list = append(list, Access{Kind: KindRight, Name: r})
	}
	for _, path := range []string{PinRoot + "/a/m", PinRoot, PinRoot + "2/a/m", "/sys/fs/bpf/m", "m"} {
		list = append(list, Access{Kind: KindPinRead, Name: path}, Access{Kind: KindPinWrite, Name: path})
	}
	return append(list, Helper(9999), Access{Kind: KindPlugin, Name: "a"}, Access{Kind: KindModule, Name: digestA}, Access{Kind: KindObject, Name: "a"},
		ObjectEdit("a"), Access{Kind: KindKsym, Name: "a"}, Access{Kind: KindNumeric, Name: "map #1"}, MapRW("a"),
		Access{Kind: KindNetns, Name: "/proc/1/ns/net"}, Access{Kind: KindPinShare, Name: "a"})
}

// TestBuiltInManual holds what docs/policy.md says that the built-in policy lets through against what
// it does, for every kind of access.
func TestBuiltInManual(t *testing.T) {
	rows := builtInRows(t)
	everything := []string{"object edit", "sleepable", "modify_return", "attach *"}
	for word := range requestWords {
		everything = append(everything, word+" *")
	}
	wild := requests(t, everything...)
	counts := [3]int{}
	seen := map[string]bool{}
	for _, a := range builtInProbes() {
		row, ok := rows[a.Kind.String()]
		if !ok {
			t.Fatalf("docs/policy.md has no row for %s", a)
		}
		seen[a.Kind.String()] = true
		got := never
		named := everything
		if requestWords[a.Kind.String()] != 0 {
			named = append(slices.Clone(everything), a.Kind.String()+" "+a.Name)
		}
		switch {
		case BuiltIn().Decision(wild, a).Allowed:
			got = byWildcard
		case BuiltIn().Decision(requests(t, named...), a).Allowed:
			got = byName
		}
		counts[got]++
		if want := row.column(a.Name); got != want {
			t.Errorf("%s is in column %d, docs/policy.md has it in %d", a, got, want)
		}
	}
	for kind := KindPrograms; kind <= KindTotalBytes; kind++ {
		seen[kind.String()] = true
		most, ok := ParseSize(strings.Trim(rows[kind.String()].cells[byWildcard], " `"))
		low, high := BuiltIn().Decision(nil, Access{Kind: kind, Value: most}), BuiltIn().Decision(nil, Access{Kind: kind, Value: most + 1})
		if !ok || !low.Allowed || high.Allowed {
			t.Errorf("%s: docs/policy.md says %d, the policy %s", kind, most, high.Rule)
		}
	}
	for kind := KindPlugin; kind <= KindTotalBytes; kind++ {
		if !seen[kind.String()] {
			t.Errorf("%s is not tried", kind)
		}
	}
	if len(rows) != len(seen) || counts[byName] < 40 || counts[never] < 100 {
		t.Errorf("%d rows, %d kinds; %v", len(rows), len(seen), counts)
	}
}
