package btf

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocKinds holds the list of files of "How to add a kind of BTF" in CONTRIBUTING.md against the
// files that tell kinds apart: three of the newer kinds are looked for in place of the next one.
func TestDocKinds(t *testing.T) {
	doc, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(doc), "## How to add a kind of BTF\n")
	if !ok {
		t.Fatal("there is no such heading")
	}
	list, _, _ = strings.Cut(list, "\n## ")
	named := map[string]bool{}
	for _, name := range regexp.MustCompile(`\w+\.go`).FindAllString(list, -1) {
		named[name] = true
	}
	kind := regexp.MustCompile(`\b(Kind)?(Float|TypeTag|Enum64)\b`)
	there := map[string]bool{}
	for _, dir := range []string{".", "render", "../elf", "../elf/elflink", "../elf/elfwrite", "../../cmd/bpfhost"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, f := range files {
			name := filepath.Base(f)
			there[name] = true
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if kind.Match(b) && !named[name] && name != "doc.go" && !strings.HasSuffix(name, "_test.go") {
				t.Errorf("%s tells kinds apart; the list does not name it", f)
			}
		}
	}
	for name := range named {
		if !there[name] {
			t.Errorf("the list names %s, which does not exist", name)
		}
	}
}
