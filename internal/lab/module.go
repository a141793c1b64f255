package lab

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// baseModules is what every machine loads where it is not built in: the networks of tests are made
// of it.
var baseModules = []string{"veth"}

// modules returns the names of those that the machine loads. What the caller of the lab asks for
// must be there; of what tests and their objects name, an image loads what it has.
func (m Machine) modules() ([]module, error) {
	files, err := moduleFiles(m.Image.Modules)
	if err != nil {
		return nil, err
	}
	for _, name := range m.Modules {
		if files[moduleName(name)] == "" {
			return nil, fmt.Errorf("find module %s of kernel %s: it is built in, or not there", name, m.Image.Kernel.Name)
		}
	}
	names := slices.Concat(baseModules, m.Modules)
	for _, j := range m.Jobs {
		names = append(names, j.Modules...)
	}
	return loadOrder(files, names)
}

// moduleName returns a module's name as the kernel says it, which has _ for -.
func moduleName(s string) string { return strings.ReplaceAll(s, "-", "_") }

var (
	// needsModule is how a test names a module: testenv.NeedModule(t, "nf_conntrack").
	needsModule = regexp.MustCompile(`\b[nN]eedModule\(\w+, "([\w-]+)"\)`)
	// targetModule is how a section of an object names one: fentry/nf_conntrack:nf_conntrack_in.
	targetModule = regexp.MustCompile(`^\??f(?:entry|exit|mod_ret|session)(?:\.multi)?(?:\.s)?/([\w-]+):`)
)

// namedModules returns the modules that the tests in a folder name, and the objects below its
// testdata.
func namedModules(dir string) ([]string, error) {
	var names []string
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		for _, m := range needsModule.FindAllStringSubmatch(string(b), -1) {
			names = append(names, moduleName(m[1]))
		}
	}
	err = filepath.WalkDir(filepath.Join(dir, "testdata"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && (filepath.Ext(p) == ".o" || filepath.Ext(p) == ".elf") {
			names = append(names, objectModules(p)...)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// objectModules returns the modules that an object's sections name. What is not an object names
// none: testdata has broken ones.
func objectModules(file string) []string {
	f, err := elf.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	var names []string
	for _, s := range f.Sections {
		if m := targetModule.FindStringSubmatch(s.Name); m != nil {
			names = append(names, moduleName(m[1]))
		}
	}
	return names
}

type module struct {
	name string
	data []byte // decompressed
}

// moduleFiles returns the files of the modules in a folder by their names, which have _ for -; none
// of no folder.
func moduleFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	if dir == "" {
		return files, nil
	}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if base, _, ok := strings.Cut(filepath.Base(p), ".ko"); ok && err == nil {
			files[moduleName(base)] = p
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list kernel modules: %w", err)
	}
	return files, nil
}

// loadOrder reads those modules of names that there are files of, and before each those it depends
// on.
func loadOrder(files map[string]string, names []string) ([]module, error) {
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
		if err := add(moduleName(n)); err != nil {
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
			names = append(names, moduleName(n))
		}
	}
	return names
}
