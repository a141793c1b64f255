package lab

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// modules are what the tests need of a kernel that is not built in: veth for networks, conntrack as a module
// that has BTF and offers kernel functions, x_tables as one that has a variable with a type.
var modules = []string{"veth", "nf_conntrack", "x_tables"}

type module struct {
	name string
	data []byte // decompressed
}

// moduleFiles gives the files of the modules in a folder by their names, which have _ for -.
func moduleFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if base, _, ok := strings.Cut(filepath.Base(p), ".ko"); ok && err == nil {
			files[strings.ReplaceAll(base, "-", "_")] = p
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list kernel modules: %w", err)
	}
	return files, nil
}

// loadOrder reads the modules that the image has of names, and before each those it depends on.
func loadOrder(img *Image, names []string) ([]module, error) {
	files, err := moduleFiles(img.Modules)
	if err != nil {
		return nil, err
	}
	var order []module
	seen := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		if seen[name] || files[name] == "" { // not there: built in, or of a newer kernel
			return nil
		}
		seen[name] = true
		data, err := readModule(files[name])
		if err != nil {
			return fmt.Errorf("read module %s: %w", name, err)
		}
		for _, d := range depends(data) {
			if err := add(d); err != nil {
				return err
			}
		}
		order = append(order, module{name, data})
		return nil
	}
	for _, n := range names {
		if err := add(n); err != nil {
			return nil, err
		}
	}
	return order, nil
}

func readModule(file string) ([]byte, error) {
	if strings.HasSuffix(file, ".xz") {
		return exec.Command("xz", "-dc", file).Output()
	}
	return os.ReadFile(file)
}

// moduleTypes reads the BTF of a module from its file: nothing where it has none.
func moduleTypes(file string) ([]byte, error) {
	data, err := readModule(file)
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", filepath.Base(file), err)
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", filepath.Base(file), err)
	}
	s := f.Section(".BTF")
	if s == nil {
		return nil, nil
	}
	return s.Data()
}

// depends reads the modules that one needs from its .modinfo section, which is text.
func depends(data []byte) []string {
	_, rest, ok := bytes.Cut(data, []byte("\x00depends="))
	if !ok {
		return nil
	}
	list, _, _ := bytes.Cut(rest, []byte{0})
	var names []string
	for n := range strings.SplitSeq(string(list), ",") {
		if n != "" {
			names = append(names, strings.ReplaceAll(n, "-", "_"))
		}
	}
	return names
}
