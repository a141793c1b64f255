package loader

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Kernel is what is known of the running kernel. Everything is read when it is first asked for.
// One Kernel may serve many loads; the zero value is not usable, see NewKernel.
type Kernel struct {
	version func() (uint32, error)
	cpus    func() (int, error)
	config  func() (map[string]string, error)

	typesDir string // where the kernel shows its types and those of its modules

	mu      sync.Mutex
	types   *btf.Types
	unmap   func()
	modules map[string]*module
	closed  bool

	probed, accepted btf.Feature // of BTF: what was tried, and what of it this kernel takes
}

// NewKernel returns the running kernel. Close gives its memory back.
func NewKernel() *Kernel {
	return &Kernel{
		version: sync.OnceValues(version),
		cpus:    sync.OnceValues(possibleCPUs),
		config:  sync.OnceValues(readConfig),

		typesDir: "/sys/kernel/btf",
	}
}

// Close gives back the types of the kernel and its modules: they must not be used any more. It may be called again.
func (k *Kernel) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.unmap != nil {
		k.unmap()
	}
	for _, m := range k.modules {
		m.close()
	}
	k.types, k.unmap, k.modules, k.closed = nil, nil, nil, true
	return nil
}

// Version returns the kernel's version as KERNEL_VERSION(major, minor, patch) of C code does.
func (k *Kernel) Version() (uint32, error) { return k.version() }

// running is the version without the patch level; zero when it is unknown.
func (k *Kernel) running() spec.Version {
	v, err := k.version()
	if err != nil {
		return spec.Version{}
	}
	return spec.Version{Major: int(v >> 16), Minor: int(v >> 8 & 0xff)}
}

// before reports whether the kernel is known to be older than a version.
func (k *Kernel) before(v spec.Version) bool {
	r := k.running()
	return r.Major != 0 && r.Compare(v) < 0
}

// CPUs returns the number of possible CPUs: the number of values that a key of a per-CPU map has.
func (k *Kernel) CPUs() (int, error) { return k.cpus() }

// vmlinux is the name of the kernel proper among its modules.
const vmlinux = "vmlinux"

// Types returns the types of the kernel proper. They are good until Close. A kernel without them
// gives an error that wraps ErrNotSupported.
func (k *Kernel) Types() (*btf.Types, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ownTypes()
}

// ownTypes is Types for callers that hold the lock.
func (k *Kernel) ownTypes() (*btf.Types, error) {
	if k.closed {
		return nil, fmt.Errorf("read kernel types: %w", os.ErrClosed)
	}
	if k.types != nil {
		return k.types, nil
	}
	b, unmap, err := readBTF(filepath.Join(k.typesDir, vmlinux))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read kernel types: this kernel has no BTF (CONFIG_DEBUG_INFO_BTF): %w", ErrNotSupported)
	}
	if err != nil {
		return nil, fmt.Errorf("read kernel types: %w", err)
	}
	t, err := btf.Parse(b, btf.Options{})
	if err != nil {
		unmap()
		return nil, fmt.Errorf("read kernel types: %w", err)
	}
	k.types, k.unmap = t, unmap
	return t, nil
}

// readBTF maps the file, or reads it where the kernel cannot map it (before 6.16).
func readBTF(path string) ([]byte, func(), error) {
	f, err := sys.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if size, err := sys.FileSize(f); err == nil && size > 0 {
		if b, unmap, err := sys.MapFile(f, int(size)); err == nil {
			return b, unmap, nil
		}
	}
	b, err := os.ReadFile(path)
	return b, func() {}, err
}

// Symbols looks up the addresses of kernel symbols. A name that is missing from the result does not
// exist; hidden says that the kernel shows no addresses to this process, so nothing is known.
func (k *Kernel) Symbols(names ...string) (addrs map[string]uint64, hidden bool, err error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, false, fmt.Errorf("read kernel symbols: %w", err)
	}
	defer f.Close()
	addrs, hidden, err = findSymbols(f, names)
	if err != nil {
		return nil, false, fmt.Errorf("read kernel symbols: %w", err)
	}
	return addrs, hidden, nil
}

// findSymbols scans the text of /proc/kallsyms: "ffffffff81000000 T _stext\t[module]".
func findSymbols(r io.Reader, names []string) (map[string]uint64, bool, error) {
	want := make(map[string]bool, len(names))
	for _, n := range names {
		want[n] = true
	}
	found := make(map[string]uint64, len(names))
	hidden := true
	s := bufio.NewScanner(r)
	for s.Scan() && (hidden || len(found) < len(want)) {
		line := s.Bytes()
		at := strings.IndexByte(string(line[:min(len(line), 17)]), ' ')
		if at < 1 || len(line) < at+4 {
			continue
		}
		name := line[at+3:]
		for i, c := range name {
			if c == '\t' || c == ' ' {
				name = name[:i]
				break
			}
		}
		if !hidden && !want[string(name)] {
			continue
		}
		addr, err := strconv.ParseUint(string(line[:at]), 16, 64)
		if err != nil {
			return nil, false, fmt.Errorf("cannot read line %q", line)
		}
		if addr != 0 {
			hidden = false
		}
		if _, twice := found[string(name)]; want[string(name)] && !twice {
			found[string(name)] = addr
		}
	}
	return found, hidden, s.Err()
}

// Config returns the value of a build option of the kernel, "CONFIG_HZ", as its configuration file
// has it ("y", "m", "250", "\"text\""); ok is false when the option is not set.
func (k *Kernel) Config(name string) (value string, ok bool, err error) {
	c, err := k.config()
	if err != nil {
		return "", false, err
	}
	value, ok = c[name]
	return value, ok, nil
}

// readConfig reads the kernel's configuration where the kernel or the distribution keeps it.
func readConfig() (map[string]string, error) {
	if f, err := os.Open("/proc/config.gz"); err == nil {
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("read /proc/config.gz: %w", err)
		}
		return parseConfig(z)
	}
	release, _, err := sys.Uname()
	if err != nil {
		return nil, fmt.Errorf("read kernel configuration: %w", err)
	}
	f, err := os.Open("/boot/config-" + release)
	if err != nil {
		return nil, fmt.Errorf("read kernel configuration: neither /proc/config.gz nor /boot/config-%s can be read: %w", release, ErrNotSupported)
	}
	defer f.Close()
	return parseConfig(f)
}

func parseConfig(r io.Reader) (map[string]string, error) {
	c := make(map[string]string)
	s := bufio.NewScanner(r)
	for s.Scan() {
		line := s.Text()
		if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, "CONFIG_") {
			c[name] = value
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read kernel configuration: %w", err)
	}
	return c, nil
}

// possibleCPUs reads the list of possible CPUs.
func possibleCPUs() (int, error) {
	b, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		return 0, fmt.Errorf("count possible CPUs: %w", err)
	}
	n, ok := countCPUs(strings.TrimSpace(string(b)))
	if !ok {
		return 0, fmt.Errorf("count possible CPUs: cannot read %q", b)
	}
	return n, nil
}

// countCPUs counts the CPUs of a list such as "0-3,8".
func countCPUs(list string) (int, bool) {
	n := 0
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, err := strconv.ParseUint(from, 10, 16)
		b, err2 := strconv.ParseUint(to, 10, 16)
		if err != nil || err2 != nil || b < a {
			return 0, false
		}
		n += int(b-a) + 1
	}
	return n, n > 0
}
