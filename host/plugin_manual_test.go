package host

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// testsOf returns the names of all tests, fuzz targets and benchmarks of the repository, and of its
// scripts.
func testsOf(t *testing.T, root string) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	names := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, ".txtar"):
			names[d.Name()] = true
		case strings.HasSuffix(path, "_test.go"):
			b, err := os.ReadFile(path)
			for _, m := range declared.FindAllSubmatch(b, -1) {
				names[string(m[1])] = true
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var (
	testName   = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w+|\\w+\\.txtar)`")
	attackSpan = regexp.MustCompile(`^([WS]?)(\d+)(?:-[WS]?(\d+))?$`)
)

// attackNumbers are the numbers that the first cell of a row names.
func attackNumbers(t *testing.T, cell string) []string {
	t.Helper()
	var list []string
	for _, span := range strings.Split(cell, ", ") {
		m := attackSpan.FindStringSubmatch(span)
		if m == nil {
			t.Fatalf("%q is no number of an attack", span)
		}
		from, to := 0, 0
		fmt.Sscan(m[2], &from)
		if to = from; m[3] != "" {
			fmt.Sscan(m[3], &to)
		}
		for n := from; n <= to; n++ {
			list = append(list, fmt.Sprint(m[1], n))
		}
	}
	return list
}

// TestSecurityManual holds SECURITY.md against the tests: each that it names exists, each line of its
// promises and each attack has one, every attack is there, and an attack that is said to be a case of
// TestAttackModules or TestAttackCalls is one.
func TestSecurityManual(t *testing.T) {
	b, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	text, exist := string(b), testsOf(t, "..")
	for _, m := range testName.FindAllStringSubmatch(text, -1) {
		if !exist[m[1]] {
			t.Errorf("there is no test %s", m[1])
		}
	}
	section := func(title string) string {
		_, after, found := strings.Cut(text, "\n## "+title+"\n")
		if !found {
			t.Fatalf("SECURITY.md has no section %q", title)
		}
		part, _, _ := strings.Cut(after, "\n## ")
		return part
	}
	for _, line := range strings.Split(section("Promises"), "\n- ")[1:] {
		if !testName.MatchString(line) {
			t.Errorf("no test shows: %s", line)
		}
	}
	cases := map[string][]string{}
	for test, list := range map[string][]attack{"TestAttackModules": moduleAttacks(), "TestAttackCalls": callAttacks()} {
		for _, a := range list {
			number, _, _ := strings.Cut(a.name, " ")
			cases[test] = append(cases[test], strings.Replace(number, "W0", "W", 1))
		}
	}
	seen := map[string]bool{}
	for line := range strings.Lines(section("Attacks")) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) != 4 || !strings.HasPrefix(line, "| ") {
			continue
		}
		numbers := attackNumbers(t, cells[0])
		for _, n := range numbers {
			seen[n] = true
		}
		if !testName.MatchString(cells[3]) {
			t.Errorf("attack %s has no test", cells[0])
		}
		for test, of := range cases {
			named := strings.Contains(cells[3], "`"+test+"`")
			if is := slices.ContainsFunc(numbers, func(n string) bool { return slices.Contains(of, n) }); is != named && cells[0] != "S10" {
				t.Errorf("attack %s: %s is named: %t; it has a case: %t", cells[0], test, named, is)
			}
		}
	}
	for _, part := range []string{"1-35", "37-41", "W1-W18", "S1-S10"} {
		for _, n := range attackNumbers(t, part) {
			if !seen[n] {
				t.Errorf("attack %s is missing", n)
			}
		}
	}
}
