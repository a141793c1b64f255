package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// vmlinux is the SRC argument that names the running kernel.
const vmlinux = "vmlinux"

// sources opens what SRC arguments name. Types are good until close.
type sources struct {
	app
	kernel *kernel.Kernel
	bases  map[string]*btf.Types // so that types on one base have the same one
}

func (a app) sources() *sources {
	return &sources{app: a, kernel: kernel.New(kernel.Options{}), bases: make(map[string]*btf.Types)}
}

func (s *sources) close() { s.kernel.Close() }

// open opens what a SRC argument names. base is the SRC that a split one goes on from; empty is
// vmlinux for modules and nothing for files.
func (s *sources) open(name, base string) (*btf.Types, error) {
	if t, err := s.ofKernel(name, base); t != nil || err != nil {
		return t, err
	}
	raw, distilled, err := s.read(name)
	if err != nil {
		return nil, err
	}
	return s.parseAs(name, raw, distilled, base)
}

// parseAs is parse with errors that name the source.
func (s *sources) parseAs(name string, raw, distilled []byte, base string) (*btf.Types, error) {
	t, err := s.parse(raw, distilled, base)
	var ofBase *inputError
	if err != nil && !errors.As(err, &ofBase) {
		err = &inputError{fmt.Errorf("read types of %s: %w", name, hintBase(err, base))}
	}
	return t, err
}

// hintBase adds what to do to an error that comes, or may come, of the base.
func hintBase(err error, base string) error {
	switch {
	case base != "":
		return fmt.Errorf("%w; are these types made for %s?", err, base)
	case errors.Is(err, btf.ErrBase):
		return fmt.Errorf("%w; say with --base what these types go on from", err)
	}
	return err
}

// openAll opens several as one table without duplicates. base is that of those which are split: it
// may be among them.
func (s *sources) openAll(names []string, base string) (*btf.Types, error) {
	if len(names) == 1 {
		return s.open(names[0], base)
	}
	var whole, split []*btf.Types
	for _, name := range names {
		var t *btf.Types
		var err error
		if name == base {
			t, err = s.base(name)
		} else {
			t, err = s.open(name, base)
		}
		if err != nil {
			return nil, err
		}
		if t.Base() == nil {
			whole = append(whole, t)
		} else {
			split = append(split, t)
		}
	}
	t, err := merge(whole, split)
	if err != nil {
		return nil, &inputError{err}
	}
	return t, nil
}

// merge makes one table of some that are whole and some that go on from a base.
func merge(whole, split []*btf.Types) (*btf.Types, error) {
	if len(split) == 0 {
		t, _, err := btf.Merge(whole...)
		return t, err
	}
	t, _, err := btf.Merge(split...)
	if err != nil || len(whole) == 0 {
		return t, err
	}
	if len(whole) > 1 || whole[0] != t.Base() {
		return nil, fmt.Errorf("merge types: %w: split types go with the ones that they go on from only", btf.ErrBase)
	}
	var b btf.Builder
	b.AddAll(t)
	return b.Types()
}

// base opens what types go on from, once.
func (s *sources) base(name string) (*btf.Types, error) {
	if t := s.bases[name]; t != nil {
		return t, nil
	}
	t, err := s.open(name, "")
	if err == nil {
		s.bases[name] = t
	}
	return t, err
}

// ofKernel opens the types of the running kernel, of one of its modules or of something that is
// loaded; nil if name is none of these.
func (s *sources) ofKernel(name, base string) (*btf.Types, error) {
	var t *btf.Types
	modules, err := s.kernel.Modules()
	switch open, id := s.loaded(name); {
	case open != nil:
		if t, err = open(id); errors.Is(err, fs.ErrNotExist) || errors.Is(err, btf.ErrNotFound) {
			err = &inputError{err}
		}
	case name == vmlinux:
		t, err = s.kernel.Types()
	case err == nil && slices.Contains(modules, name):
		t, err = s.kernel.ModuleTypes(name)
	default:
		return nil, nil
	}
	if err != nil || base == "" {
		return t, err
	}
	return s.parseAs(name, t.Bytes(), nil, base)
}

// isFile reports whether a SRC argument names a file, and nothing of the kernel.
func (s *sources) isFile(name string) bool {
	modules, _ := s.kernel.Modules()
	open, _ := s.loaded(name)
	return open == nil && name != vmlinux && !slices.Contains(modules, name)
}

// loaded finds out what opens the types of a BTF object, program or map by its id, as in "prog:12";
// nil for other names.
func (s *sources) loaded(name string) (open func(uint32) (*btf.Types, error), id uint32) {
	kind, number, _ := strings.Cut(name, ":")
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return nil, 0
	}
	switch kind {
	case "id":
		open = s.kernel.TypesByID
	case "prog":
		open = s.kernel.TypesOfProgram
	case "map":
		open = s.kernel.TypesOfMap
	}
	return open, uint32(n)
}

// parse opens types of unknown origin. distilled is a small base that came with them.
func (s *sources) parse(raw, distilled []byte, base string) (t *btf.Types, err error) {
	var o, small btf.Options
	if base != "" {
		if o.Base, err = s.base(base); err != nil {
			return nil, err
		}
	}
	if distilled != nil {
		if small.Base, err = btf.Parse(distilled, btf.Options{}); err != nil {
			return nil, fmt.Errorf("distilled base: %w", err)
		}
		if t, err = btf.Parse(raw, small); err == nil && base != "" {
			t, _, err = t.Rebase(o.Base)
		}
	} else {
		t, err = btf.Parse(raw, o)
	}
	if err != nil {
		return nil, err
	}
	return t, t.Validate()
}

// read reads the BTF of a file, and the distilled base beside it if there is one.
func (s *sources) read(name string) (raw, distilled []byte, err error) {
	var head [2]byte
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, s.missing(name, err)
		}
		defer f.Close()
		if n, _ := f.ReadAt(head[:], 0); n == len(head) && !isBTF(head[:]) {
			return s.readELF(name, f)
		}
	}
	if raw, err = s.readFile(name); err != nil || isBTF(raw) {
		return raw, nil, err
	}
	return s.readELF(name, bytes.NewReader(raw))
}

func (s *sources) readELF(name string, r io.ReaderAt) (raw, distilled []byte, err error) {
	if raw, distilled, err = elf.ReadBTF(r); err == nil && raw == nil {
		err = errors.New("this file has no BTF: compile it with -g")
	}
	if err != nil {
		return nil, nil, &inputError{fmt.Errorf("read types of %s: %w", name, err)}
	}
	return raw, distilled, nil
}

// isBTF says whether a file begins as BTF of either byte order does.
func isBTF(b []byte) bool {
	return len(b) >= 2 && (b[0] == 0x9f && b[1] == 0xeb || b[0] == 0xeb && b[1] == 0x9f)
}

// missing says that a file is not there, and which SRC may have been meant.
func (s *sources) missing(name string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the name is said already
	}
	hint := ""
	if modules, failed := s.kernel.Modules(); failed == nil && filepath.Base(name) == name && errors.Is(err, fs.ErrNotExist) {
		if near := nearest.Name(name, append(modules, vmlinux)); near != "" {
			hint = fmt.Sprintf(", did you mean %q?", near)
		}
	}
	return &inputError{fmt.Errorf("read %s: %w%s", name, err, hint)}
}
