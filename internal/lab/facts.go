package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// FactSet is what was taken from a running kernel of the lab, for tests that need no kernel. Its
// fields are paths of files; a kernel that has no such thing leaves them empty.
type FactSet struct {
	Kernel     Kernel
	Release    string // uname -r
	VmlinuxBTF string // /sys/kernel/btf/vmlinux
	ModuleBTF  string // that of nf_conntrack, a split of the former; since 5.11
	Config     string // kernel configuration
	Modules    string // folder of the modules' files, compressed or not
	Kallsyms   string // of /proc/kallsyms the first lines, everything called bpf_…, and that module's
}

// ErrNoFacts is wrapped by Facts where they have not been collected.
var ErrNoFacts = errors.New("not collected")

// factFiles are the names of the files in a kernel's folder of facts.
const (
	vmlinuxBTF  = "vmlinux.btf"
	moduleBTF   = "nf_conntrack.btf"
	kallsyms    = "kallsyms.txt"
	factsFolder = "facts"
)

// factScript runs in the machine.
const factScript = `#!/bin/sh
set -e
cp /sys/kernel/btf/vmlinux ` + CollectDir + `/` + vmlinuxBTF + `
if [ -e /sys/kernel/btf/nf_conntrack ]; then
	cp /sys/kernel/btf/nf_conntrack ` + CollectDir + `/` + moduleBTF + `
fi
awk 'NR <= 300 || $3 ~ /^bpf_/ || $4 == "[nf_conntrack]"' /proc/kallsyms >` + CollectDir + `/` + kallsyms + `
`

// Facts returns what the user's cache holds of a kernel, checked against its checksums. It boots
// nothing: the error wraps ErrNoFacts where CollectFacts has not run.
func Facts(kernel string) (*FactSet, error) {
	k, err := Find(kernel)
	if err != nil {
		return nil, err
	}
	return Store{}.Facts(k)
}

// Facts is the function of that name for a store.
func (s Store) Facts(k Kernel) (*FactSet, error) {
	dir, err := s.folder(k)
	if err != nil {
		return nil, err
	}
	img, err := open(k, dir)
	if err == nil {
		return openFacts(img)
	}
	return nil, fmt.Errorf("read facts of kernel %s: %w (%w): go run ./internal/lab/cmd/lab -facts -kernel %s", k.Name, ErrNoFacts, err, k.Name)
}

// CollectFacts boots the kernel and takes them from it, fetching the kernel when needed.
func (s Store) CollectFacts(ctx context.Context, k Kernel) (*FactSet, error) {
	img, err := s.Image(ctx, k)
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(img.Dir, factsFolder+".part-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	script := filepath.Join(tmp, "script")
	if err := os.WriteFile(script, []byte(factScript), 0o755); err != nil {
		return nil, err
	}
	got := filepath.Join(tmp, factsFolder)
	job := Job{Name: "facts", Binary: script, Dir: "/tmp", Modules: []string{"nf_conntrack"}}
	m := Machine{Image: img, Jobs: []Job{job}, Collect: got}
	res, err := m.Run(ctx)
	if err == nil && res[0].Exit != 0 {
		err = errors.New(res[0].Output)
	}
	if err == nil {
		err = writeSums(got)
	}
	if err == nil {
		err = replaceFolder(got, filepath.Join(img.Dir, factsFolder))
	}
	if err != nil {
		return nil, fmt.Errorf("collect facts of kernel %s: %w", k.Name, err)
	}
	return openFacts(img)
}

// sumsFile lists the checksums of the files beside it.
const sumsFile = "sha256.json"

func writeSums(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	sums := map[string]string{}
	for _, f := range files {
		if sums[f.Name()], err = fileSum(filepath.Join(dir, f.Name())); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(sums, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sumsFile), append(b, '\n'), 0o644)
}

// replaceFolder puts a folder in place of another of the same file system.
func replaceFolder(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

func openFacts(img *Image) (*FactSet, error) {
	dir := filepath.Join(img.Dir, factsFolder)
	b, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read facts of kernel %s: %w: go run ./internal/lab/cmd/lab -facts -kernel %s", img.Kernel.Name, ErrNoFacts, img.Kernel.Name)
	}
	sums := map[string]string{}
	if err == nil {
		err = json.Unmarshal(b, &sums)
	}
	if err != nil {
		return nil, fmt.Errorf("read facts of kernel %s: %w", img.Kernel.Name, err)
	}
	if err := checkSums(dir, sums); err != nil {
		return nil, fmt.Errorf("read facts of kernel %s: %w", img.Kernel.Name, err)
	}
	f := &FactSet{Kernel: img.Kernel, Release: img.Release, Config: img.Config, Modules: img.Modules}
	for name, to := range map[string]*string{vmlinuxBTF: &f.VmlinuxBTF, moduleBTF: &f.ModuleBTF, kallsyms: &f.Kallsyms} {
		if sums[name] != "" {
			*to = filepath.Join(dir, name)
		}
	}
	return f, nil
}
