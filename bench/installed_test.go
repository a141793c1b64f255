package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/elflink"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// installedAt are the places where Debian's packages put BPF objects, as files (ir-keytable,
// libxdp1) and within programs (libbpf-tools, systemd).
var installedAt = []string{
	"usr/lib/*/bpf/*.o", "lib/udev/rc_keymaps/protocols/*.o", "usr/lib/udev/rc_keymaps/protocols/*.o",
	"usr/sbin/*", "lib/systemd/*", "usr/lib/systemd/*",
}

// rootVariable names a folder to look in instead of the root: packages that were taken apart and
// not installed.
const rootVariable = "BPFHOST_PACKAGES"

// installed finds the objects of Debian's packages on this machine.
func installed(t *testing.T) map[string][]byte {
	t.Helper()
	roots := []string{"/"}
	if dir := os.Getenv(rootVariable); dir != "" {
		var err error
		if roots, err = filepath.Glob(filepath.Join(dir, "*")); err != nil {
			t.Fatal(err)
		}
	}
	out := make(map[string][]byte)
	for _, root := range roots {
		for _, pattern := range installedAt {
			files, err := filepath.Glob(filepath.Join(root, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				info, err := os.Stat(file)
				if err != nil || !info.Mode().IsRegular() || info.Size() > 64<<20 {
					continue
				}
				b, err := os.ReadFile(file)
				if err != nil && !os.IsPermission(err) && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				for i, o := range within(b) {
					out[fmt.Sprintf("%s#%d", file, i)] = o
				}
			}
		}
	}
	return out
}

// installedKnown are the differences to the peer, each with its reason.
var installedKnown = []struct{ what, reason string }{
	{"map .kconfig: only ours", "configuration values are a map in the spec"},
	{"variable LINUX_KERNEL_VERSION: only ours", "configuration values are variables in the spec"},
	{"map xdpdump_perf_map: type", "sizes of a perf event array are 4; the peer sets them while it loads"},
	{"map events: type", "sizes of a perf event array are 4; the peer sets them while it loads"},
	{"section SHN_UNDEF", "a map that is only declared is found by its name"},
	{"unsupported binding: STB_WEAK", "a weak map is a map"},
}

// installedOpen are what Check says of maps whose sizes the programs around the object set before
// they load it.
var installedOpen = []string{"max_entries is 0", "value_size is 0, type stack_trace"}

func installedReason(what string) bool {
	for _, k := range installedKnown {
		if strings.Contains(what, k.what) {
			return true
		}
	}
	return false
}

// within finds the BPF objects in a file: itself, or what a program carries.
func within(b []byte) [][]byte {
	var out [][]byte
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("\x7fELF\x02"))
		if i < 0 {
			return out
		}
		at += i
		if o := objectAt(b[at:]); o != nil {
			out = append(out, o)
		}
		at++
	}
}

// objectAt returns the object that b begins with: up to the end of its section headers, which are
// last, or of its last section.
func objectAt(b []byte) []byte {
	if len(b) < 64 || b[5] != 1 || binary.LittleEndian.Uint16(b[16:]) != 1 || binary.LittleEndian.Uint16(b[18:]) != 247 {
		return nil
	}
	at := binary.LittleEndian.Uint64(b[40:])
	n := uint64(binary.LittleEndian.Uint16(b[60:]))
	if at > uint64(len(b)) || at+64*n > uint64(len(b)) {
		return nil
	}
	end := at + 64*n
	for h := b[at : at+64*n]; len(h) >= 64; h = h[64:] {
		if typ := binary.LittleEndian.Uint32(h[4:]); typ != 8 {
			end = max(end, binary.LittleEndian.Uint64(h[24:])+binary.LittleEndian.Uint64(h[32:]))
		}
	}
	if end > uint64(len(b)) {
		return nil
	}
	return b[:end]
}

// TestInstalledObjects reads every object of Debian's packages that is here: all load, pass Check,
// have no diagnostics, survive their text, and where the peer reads one too, both find the same programs and maps.
func TestInstalledObjects(t *testing.T) {
	objects := installed(t)
	if len(objects) == 0 {
		testenv.Skip(t, testenv.Packages, "no BPF objects of ir-keytable, libxdp1 or libbpf-tools")
	}
	names := make([]string, 0, len(objects))
	for name := range objects {
		names = append(names, name)
	}
	slices.Sort(names)
	peers := 0
	for _, name := range names {
		c, err := elf.LoadBytes(objects[name], elf.Options{Lenient: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := c.Check(); err != nil && !slices.ContainsFunc(installedOpen, func(s string) bool { return strings.Contains(err.Error(), s) }) {
			t.Errorf("%s: %v", name, err)
		}
		for _, p := range c.Programs {
			for _, d := range lint.Program(c, p) {
				t.Errorf("%s: %v", name, d)
			}
		}
		again, err := spec.Parse(c.String())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if d := spec.Diff(c, again); d != nil {
			t.Errorf("%s: %s", name, spec.AppendChanges(nil, d[:1]))
		}
		both, out := differences(objects[name])
		if both {
			peers++
		}
		for _, what := range out {
			if !installedReason(what) {
				t.Errorf("%s: %s", name, what)
			}
		}
	}
	t.Logf("%d objects, %d read by the peer", len(names), peers)
}

// TestInstalledLinked links every object alone, with our linker and with libbpf's: both results are
// the same, but for the order of types. What libbpf refuses is left out.
func TestInstalledLinked(t *testing.T) {
	tool, err := exec.LookPath("bpftool")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	dir, same := t.TempDir(), 0
	in, out := filepath.Join(dir, "in.o"), filepath.Join(dir, "out.o")
	for name, b := range installed(t) {
		got, err := elflink.Link(elflink.Object{Name: name, Data: b})
		if err != nil {
			t.Error(err)
			continue
		}
		if err := os.WriteFile(in, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if exec.Command(tool, "gen", "object", out, in).Run() != nil {
			continue
		}
		want, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range spec.Diff(untyped(t, want), untyped(t, got)) {
			t.Errorf("%s: %s", name, spec.AppendChanges(nil, []spec.Change{c}))
		}
		same++
	}
	t.Logf("%d objects", same)
}

// untyped reads an object and takes the numbers of types out of it.
func untyped(t *testing.T, b []byte) *spec.Collection {
	t.Helper()
	c, err := elf.LoadBytes(b, elf.Options{Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	c.BTF = nil
	for _, m := range c.Maps {
		for ; m != nil; m = m.Inner {
			m.Key, m.Value = 0, 0
		}
	}
	for _, v := range c.Vars {
		v.Type = 0
	}
	for i := range c.Externs {
		c.Externs[i].Type = 0
	}
	for _, p := range c.Programs {
		p.Insns.Edit(func(insns []spec.Insn) {
			for i := range insns {
				in := &insns[i]
				if in.Func != nil {
					in.Func = &btf.FuncInfo{Name: in.Func.Name}
				}
				if in.Core != nil {
					core := *in.Core
					core.Type = 0
					in.Core = &core
				}
			}
		})
	}
	return c
}
