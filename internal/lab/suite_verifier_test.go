package lab

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the kernels say of the wrong programs into testdata/verifier")

// TestLoadCases runs in the machine, where BPFHOST_LAB is set: it loads every wrong program and
// prints what the verifier says.
func TestLoadCases(t *testing.T) {
	if os.Getenv(testenv.InLab) == "" {
		t.Skip("needs lab: TestVerifierLogs runs it in a virtual machine")
	}
	for _, c := range readCases(t) {
		fmt.Printf("@@case %s\n%s\n@@end\n", c.name, verifierLog(t, c))
	}
}

// verifierLog is the log of the refusal, or what happened in its place.
func verifierLog(t *testing.T, w wrong) string {
	t.Helper()
	spec, err := w.collection()
	if err != nil {
		t.Fatalf("%s: %v", w.name, err)
	}
	c, err := loader.Load(spec, loader.Options{})
	if err == nil {
		c.Close()
		return "@@accepted"
	}
	var refused *loader.VerifierError
	if !errors.As(err, &refused) {
		return "@@other " + err.Error()
	}
	return fmt.Sprintf("%s\n@@short %v", strings.TrimRight(refused.Log, "\n"), refused)
}

// parseLogs takes apart what TestLoadCases prints. Of a log nothing is lost but spaces at the end
// of lines.
func parseLogs(output string) map[string]string {
	logs, name := map[string]string{}, ""
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, " \r\n") + "\n"
		rest, begins := strings.CutPrefix(line, "@@case ")
		switch {
		case begins:
			name = strings.TrimSpace(rest)
			logs[name] = ""
		case line == "@@end\n":
			name = ""
		case name != "" && !strings.HasPrefix(line, "@@short "):
			logs[name] += line
		}
	}
	return logs
}

// volatile matches what differs from run to run: addresses and what was counted or measured.
var volatile = regexp.MustCompile(`0x[0-9a-f]{8,}|(?m)^(?:processed|verification time|stack depth) .*$`)

func stable(log string) string { return volatile.ReplaceAllString(log, "(varies)") }

func logFile(c wrong, k Kernel) string {
	return filepath.Join(casesDir, c.name+"."+k.Name+".log")
}

// TestVerifierLogs loads the wrong programs on the chosen kernels of the lab and compares what the
// verifier says with the committed logs; -update writes them. A kernel that accepts one has no log
// for it.
func TestVerifierLogs(t *testing.T) {
	s := Suite{Root: "../..", Packages: []string{"internal/lab"}, Args: []string{"-test.run=^TestLoadCases$"}}
	kernels := chosen(t)
	images := make([]*Image, len(kernels))
	for i, k := range kernels {
		images[i] = need(t, k.Name)
	}
	jobs, err := s.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range kernels {
		t.Run(k.Name, func(t *testing.T) {
			res, err := Machine{Image: images[i], Jobs: jobs, Tree: s.Root}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if res[0].Exit != 0 {
				t.Fatal(res[0].Output)
			}
			compareLogs(t, k, parseLogs(res[0].Output))
		})
	}
}

func compareLogs(t *testing.T, k Kernel, logs map[string]string) {
	t.Helper()
	for _, c := range readCases(t) {
		log, file := logs[c.name], logFile(c, k)
		accepted := log == "@@accepted\n"
		if log == "" || !accepted && strings.HasPrefix(log, "@@") {
			t.Errorf("%s: no log but %q", c.name, log)
			continue
		}
		want, err := os.ReadFile(file)
		switch {
		case *update && accepted:
			err = os.RemoveAll(file)
		case *update && stable(log) != stable(string(want)):
			err = os.WriteFile(file, []byte(log), 0o644)
		case *update:
			err = nil
		case accepted && errors.Is(err, os.ErrNotExist):
			err = nil
		case err == nil && accepted:
			t.Errorf("%s is accepted", c.name)
		case err == nil:
			if d := cmp.Diff(stable(string(want)), stable(log)); d != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, d)
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func TestParseLogs(t *testing.T) {
	got := parseLogs("=== RUN\n@@case a\n0: exit  \n\n@@short x\n@@end\nnoise\n@@case b\n@@accepted\n@@end\n")
	want := map[string]string{"a": "0: exit\n\n", "b": "@@accepted\n"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if a, b := stable("1: r1 = 0xffff9b0012345678\nprocessed 3 insns\nx"), stable("1: r1 = 0xffff9b00ffffffff\nprocessed 4 insns\nx"); a != b || !strings.HasSuffix(a, "\nx") {
		t.Errorf("%q and %q", a, b)
	}
}

// TestLogFiles holds the committed logs against the cases: none is missing, none is left over.
func TestLogFiles(t *testing.T) {
	known := map[string]bool{}
	reports := 0
	for _, c := range readCases(t) {
		n := 0
		for _, k := range Kernels {
			file := logFile(c, k)
			log, err := os.ReadFile(file)
			if errors.Is(err, os.ErrNotExist) {
				continue // that kernel accepts it
			}
			if err != nil {
				t.Fatal(err)
			}
			n++
			known[file] = true
			if !strings.Contains(string(log), "processed ") || strings.Contains(string(log), " \n") {
				t.Errorf("%s is not whole, or has spaces at the end of lines", file)
			}
			if strings.Contains(string(log), "\nVerification failed: ") {
				reports++
			}
		}
		if n == 0 {
			t.Errorf("%s has no log: make them with -update", c.name)
		}
	}
	files, err := filepath.Glob(filepath.Join(casesDir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[f] {
			t.Errorf("%s belongs to no case or kernel", f)
		}
	}
	if len(files) < 200 || reports < 50 {
		t.Errorf("%d logs, %d in the format of 7.3; want 200 and 50", len(files), reports)
	}
}
