package lab

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// apt runs Debian's package tools on a state folder of its own, with the machine's own source moved
// to another suite. It changes nothing of the machine and works as any user.
type apt struct {
	dir   string
	suite string
}

// sourceFiles are where Debian keeps its main source: the newer form first.
var sourceFiles = []string{"/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"}

func newApt(dir, suite string) (*apt, error) {
	var text string
	for _, name := range sourceFiles {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if text = moveSource(string(b), suite); text != "" {
			break
		}
	}
	if text == "" {
		return nil, fmt.Errorf("find Debian's package source: none in %s", strings.Join(sourceFiles, " or "))
	}
	a := &apt{dir: dir, suite: suite}
	for _, d := range []string{"etc", "lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("make package state: %w", err)
		}
	}
	name := "lab.sources"
	if !strings.Contains(text, "Suites:") {
		name = "lab.list"
	}
	if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
		return nil, fmt.Errorf("write package source: %w", err)
	}
	return a, nil
}

var (
	suitesField = regexp.MustCompile(`(?m)^Suites:.*$`)
	suiteOfLine = regexp.MustCompile(`(?m)^(deb\s+(?:\[[^\]]*\]\s+)?\S+)\s+(\S+)(\s.*)$`)
)

// moveSource takes the first Debian source of a file, in either format, and names another suite in
// it. It returns "" where there is none.
func moveSource(text, suite string) string {
	for stanza := range strings.SplitSeq(text, "\n\n") {
		if suitesField.MatchString(stanza) && strings.Contains(stanza, "debian") {
			return suitesField.ReplaceAllString(stanza, "Suites: "+suite) + "\n"
		}
	}
	if m := suiteOfLine.FindStringSubmatch(text); m != nil {
		return m[1] + " " + suite + m[3] + "\n"
	}
	return ""
}

func (a *apt) run(ctx context.Context, tool string, args ...string) ([]byte, error) {
	o := []string{
		"-o", "Dir::Etc::SourceList=/dev/null",
		"-o", "Dir::Etc::SourceParts=" + filepath.Join(a.dir, "etc"),
		"-o", "Dir::State::Lists=" + filepath.Join(a.dir, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(a.dir, "cache"),
		"-o", "Debug::NoLocking=1",
		"-o", "Acquire::Languages=none",
		"-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
		// suites that are out of support keep an expired index
		"-o", "Acquire::Check-Valid-Until=false",
		"-q",
	}
	cmd := exec.CommandContext(ctx, tool, append(o, args...)...)
	cmd.Dir = filepath.Join(a.dir, "cache", "archives")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s of %s: %w: %s", tool, args[0], a.suite, err, lastLine(stderr.String()))
	}
	return out, nil
}

func (a *apt) update(ctx context.Context) error {
	_, err := a.run(ctx, "apt-get", "update")
	return err
}

var kernelPackage = regexp.MustCompile(`^linux-(image|binary|modules|base)-[0-9][^ ]*-amd64$`)

// closure lists the packages with files of a kernel that the meta package leads to.
func (a *apt) closure(ctx context.Context, meta string) ([]string, error) {
	var found []string
	for queue := []string{meta}; len(queue) > 0; queue = queue[1:] {
		out, err := a.run(ctx, "apt-cache", "depends", "--important", queue[0])
		if err != nil {
			return nil, err
		}
		for line := range strings.SplitSeq(string(out), "\n") {
			_, dep, ok := strings.Cut(line, "Depends: ")
			if ok && kernelPackage.MatchString(dep) && !slices.Contains(found, dep) {
				found = append(found, dep)
				queue = append(queue, dep)
			} else if ok && strings.HasPrefix(dep, "linux-modules-cloud") {
				queue = append(queue, dep)
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("resolve package %s of %s: it depends on no kernel image", meta, a.suite)
	}
	slices.Sort(found)
	return found, nil
}

// download fetches packages, which the package tools verify, and returns their files.
func (a *apt) download(ctx context.Context, names []string) ([]string, error) {
	if _, err := a.run(ctx, "apt-get", append([]string{"download"}, names...)...); err != nil {
		return nil, err
	}
	var files []string
	for _, n := range names {
		m, err := filepath.Glob(filepath.Join(a.dir, "cache", "archives", n+"_*.deb"))
		if err != nil || len(m) == 0 {
			return nil, fmt.Errorf("download package %s: no file arrived", n)
		}
		files = append(files, m[len(m)-1])
	}
	return files, nil
}

func lastLine(s string) string {
	last := ""
	for sc := bufio.NewScanner(strings.NewReader(s)); sc.Scan(); {
		if t := strings.TrimSpace(sc.Text()); t != "" {
			last = t
		}
	}
	return last
}
