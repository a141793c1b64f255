package lab

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
)

// fakeImage puts into a store what looks like a fetched kernel.
func fakeImage(t *testing.T, s Store, k Kernel) string {
	t.Helper()
	dir, err := s.folder(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"boot/vmlinuz-1", "boot/config-1", "lib/modules/1/kernel/a.ko"} {
		write(t, filepath.Join(dir, name), name)
	}
	if err := writeManifest(dir, []string{"p"}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFacts(t *testing.T) {
	s, k := Store{Dir: t.TempDir()}, Kernels[0]
	if _, err := s.Facts(k); !errors.Is(err, ErrNoFacts) || !strings.Contains(err.Error(), "-facts -kernel 5.10") {
		t.Errorf("empty store: %v", err)
	}
	dir := fakeImage(t, s, k)
	if _, err := s.Facts(k); !errors.Is(err, ErrNoFacts) || !strings.Contains(err.Error(), "-facts -kernel 5.10") {
		t.Errorf("no facts: %v", err)
	}
	facts := filepath.Join(dir, factsFolder)
	write(t, filepath.Join(facts, vmlinuxBTF), "b")
	write(t, filepath.Join(facts, kallsyms), "k")
	if err := writeSums(facts); err != nil {
		t.Fatal(err)
	}
	f, err := s.Facts(k)
	if err != nil {
		t.Fatal(err)
	}
	if f.Release != "1" || f.VmlinuxBTF != filepath.Join(facts, vmlinuxBTF) || f.ModuleBTF != "" || f.Kallsyms == "" || filepath.Base(f.Config) != "config-1" {
		t.Errorf("got %+v", f)
	}
	write(t, filepath.Join(facts, vmlinuxBTF), "changed")
	if _, err := s.Facts(k); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("changed file: %v", err)
	}
	write(t, filepath.Join(facts, sumsFile), "{")
	if _, err := s.Facts(k); err == nil {
		t.Error("checksums that cannot be read are not an error")
	}
}

func TestStoreChecks(t *testing.T) {
	s, k := Store{Dir: t.TempDir()}, Kernels[0]
	dir := fakeImage(t, s, k)
	if img, err := s.Image(t.Context(), k); err != nil || img.Release != "1" {
		t.Fatalf("%+v, %v", img, err)
	}
	write(t, filepath.Join(dir, "boot/vmlinuz-1"), "changed")
	if _, err := open(k, dir); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("changed kernel: %v", err)
	}
	for _, name := range []string{"boot/config-1", "lib/modules/1/kernel/a.ko"} {
		write(t, filepath.Join(dir, name), "")
	}
	if err := writeManifest(t.TempDir(), []string{"p", "q"}); err == nil || err.Error() != "search packages p q: no boot/vmlinuz-*" {
		t.Errorf("nothing in the packages: %v", err)
	}
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	if _, err := (Store{}).Facts(k); err == nil || !strings.Contains(err.Error(), "find cache folder") {
		t.Errorf("no home: %v", err)
	}
}

// TestCollectFacts boots every kernel and reads what it took.
func TestCollectFacts(t *testing.T) {
	for _, k := range Kernels {
		t.Run(k.Name, func(t *testing.T) {
			need(t, k.Name)
			f, err := Store{Log: t.Output()}.CollectFacts(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			checkFacts(t, f)
		})
	}
}

func checkFacts(t *testing.T, f *FactSet) {
	t.Helper()
	vmlinux := parse(t, f.VmlinuxBTF, nil)
	if _, err := vmlinux.Find("task_struct", btf.KindStruct); err != nil {
		t.Error(err)
	}
	if f.ModuleBTF != "" {
		if m := parse(t, f.ModuleBTF, vmlinux); m.Len() <= vmlinux.Len() {
			t.Error("the module has no types of its own")
		}
	} else if f.Kernel.Name != "5.10" {
		t.Error("no types of a module")
	}
	b, err := os.ReadFile(f.Kallsyms)
	if err != nil || strings.Count(string(b), " bpf_") < 300 || !strings.Contains(string(b), "[nf_conntrack]") {
		t.Errorf("symbols: %d bytes, %v", len(b), err)
	}
	if b, err := os.ReadFile(f.Config); err != nil || !strings.Contains(string(b), "CONFIG_BPF_SYSCALL=y\n") {
		t.Errorf("configuration: %d bytes, %v", len(b), err)
	}
}

func parse(t *testing.T, file string, base *btf.Types) *btf.Types {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	types, err := btf.Parse(b, btf.Options{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	return types
}
