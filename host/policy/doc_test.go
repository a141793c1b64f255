package policy

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
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
	yaml := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
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
