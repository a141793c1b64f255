package bench

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	peer "github.com/cilium/ebpf"
)

// corpusSizes sets the sizes of a map that the program around the object sets before it loads it,
// and makes hash tables small: it is the kernel's work of making large ones that takes time.
// testdata/libbpf/corpus.c does the same.
func corpusSizes(typ spec.MapType, entries, value *uint32) {
	switch typ {
	case spec.MapHash, spec.MapPerCPUHash, spec.MapLRUHash, spec.MapLRUPerCPUHash:
		*entries = 64
	case spec.MapPerfEventArray: // all libraries set it
	default:
		if *entries == 0 {
			*entries = 4096
		}
	}
	if *value == 0 && typ == spec.MapStackTrace {
		*value = 127 * 8
	}
}

// loadOurs loads the programs of an object with this library: all at once, or where that fails each
// alone.
func loadOurs(b []byte, k *loader.Kernel) loads {
	c, err := elf.LoadBytes(b, elf.Options{Lenient: true})
	if err != nil {
		return nil
	}
	for _, m := range c.Maps {
		m.Pinning = spec.PinNone
		corpusSizes(m.Type, &m.MaxEntries, &m.ValueSize)
	}
	load := func(c *spec.Collection) error {
		o := loader.Options{Kernel: k}
		for _, p := range c.Programs {
			if p.Optional {
				o.Programs = append(o.Programs, p.Name)
			}
		}
		l, err := loader.Load(c, o)
		if err != nil {
			return err
		}
		return l.Close()
	}
	out, whole := make(loads), load(c)
	for _, p := range c.Programs {
		out[p.Name] = whole
		if whole != nil {
			out[p.Name] = load(aloneOurs(c, p))
		}
	}
	return out
}

// aloneOurs returns a collection with one program of a collection.
func aloneOurs(c *spec.Collection, p *spec.Program) *spec.Collection {
	c = c.Clone()
	c.Programs, c.Attach = []*spec.Program{c.Program(p.Name)}, nil
	for _, m := range c.Maps {
		if m.Type == spec.MapProgArray || m.Type == spec.MapStructOps {
			m.Values = slices.DeleteFunc(m.Values, func(v spec.MapValue) bool { return v.Name != p.Name })
		}
	}
	return c
}

// loadCilium does what loadOurs does with cilium/ebpf.
func loadCilium(b []byte) loads {
	c, err := peer.LoadCollectionSpecFromReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	for _, m := range c.Maps {
		m.Pinning = peer.PinNone
		corpusSizes(spec.MapType(m.Type), &m.MaxEntries, &m.ValueSize)
	}
	load := func(c *peer.CollectionSpec) error {
		l, err := peer.NewCollection(c)
		if err != nil {
			return err
		}
		l.Close()
		return nil
	}
	out, whole := make(loads), load(c.Copy())
	for name := range c.Programs {
		out[name] = whole
		if whole != nil {
			out[name] = load(aloneCilium(c, name))
		}
	}
	return out
}

// aloneCilium returns a collection with one program of a collection.
func aloneCilium(c *peer.CollectionSpec, program string) *peer.CollectionSpec {
	c = c.Copy()
	c.Programs = map[string]*peer.ProgramSpec{program: c.Programs[program]}
	for _, m := range c.Maps {
		if m.Type == peer.ProgramArray || m.Type == peer.StructOpsMap {
			m.Contents = slices.DeleteFunc(m.Contents, func(v peer.MapKV) bool {
				name, ok := v.Value.(string)
				return ok && name != program
			})
		}
	}
	return c
}

// corpusLibbpf returns a function that does what loadOurs does with libbpf, in a process; without
// libbpf it loads nothing.
func corpusLibbpf(t *testing.T) func(t *testing.T, b []byte) loads {
	t.Helper()
	program := compileLibbpf(t, "testdata/libbpf/corpus.c")
	return func(t *testing.T, b []byte) loads {
		t.Helper()
		if program == "" {
			return nil
		}
		text, err := exec.Command(program, file(t, b)).Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 1 {
			return nil
		}
		if err != nil {
			t.Fatalf("%s: %v", filepath.Base(program), err)
		}
		out := make(loads)
		for line := range strings.Lines(string(text)) {
			name, code, _ := strings.Cut(strings.TrimSpace(line), "\t")
			n, err := strconv.Atoi(code)
			if err != nil {
				t.Fatalf("line %q: %v", line, err)
			}
			out[name] = nil
			if n != 0 {
				out[name] = syscall.Errno(n)
			}
		}
		return out
	}
}
