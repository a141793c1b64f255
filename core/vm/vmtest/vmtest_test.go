package vmtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/vm"
)

func TestRun(t *testing.T) {
	Run(t, "../../../guests/*/*.yaml")
}

// The files of the manual run as they stand there.
func TestManual(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/test.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	objects, _ := filepath.Glob("../../../guests/*/*.bpf.o")
	for _, o := range objects {
		b, err := os.ReadFile(o)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(o)), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(manual, -1)
	if len(blocks) != 2 {
		t.Fatalf("the manual has %d files, want 2", len(blocks))
	}
	for i, b := range blocks {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".yaml"), b[1], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	Run(t, filepath.Join(dir, "*.yaml"))
}

// With UPDATE=1 the files are written before they run.
func TestRunUpdates(t *testing.T) {
	dir := t.TempDir()
	object, err := filepath.Abs("../../../guests/netwatch/netwatch.bpf.o")
	if err == nil {
		object, err = filepath.Rel(dir, object)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "x.yaml")
	if err := os.WriteFile(file, []byte("object: "+object+"\ncases:\n  - {program: netwatch, packet: "+strings.Repeat("00", 60)+"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("UPDATE", "1")
	Run(t, file)
	b, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(b), "return: XDP_PASS") {
		t.Errorf("%v\n%s", err, b)
	}
}

func TestLoad(t *testing.T) {
	m := Load(t, "../../../guests/netwatch/netwatch.bpf.o", vm.Options{})
	r, err := m.Run("netwatch", vm.Input{Packet: make([]byte, 60)})
	if err != nil || r.Return != 2 {
		t.Errorf("%+v, %v", r, err)
	}
}
