package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Kernel is what is known of the running kernel. Everything is read when it is first asked for.
// One Kernel may serve many loads; the zero value is not usable, see New.
type Kernel struct {
	version func() (uint32, error)
	cpus    func() (int, error)
	config  func() (map[string]string, error)

	typesDir string // where the kernel's types and those of its modules are; empty is where it shows them

	mu      sync.Mutex
	types   *btf.Types
	unmap   func()
	modules map[string]*module
	closed  bool

	answers answers
}

// Options say what is known of the kernel without asking it. The zero value asks it for everything.
type Options struct {
	Version  uint32            // KERNEL_VERSION(major, minor, patch); 0 is that of the running kernel
	CPUs     int               // number of possible CPUs; 0 is that of this machine
	Config   map[string]string // build options, "CONFIG_HZ": "250"; nil reads the kernel's configuration
	TypesDir string            // directory with the types of the kernel and its modules, "vmlinux"; empty is /sys/kernel/btf
}

// New returns the running kernel, but for what the options say of it. Close releases its memory.
func New(o Options) *Kernel {
	k := &Kernel{
		version: sync.OnceValues(version),
		cpus:    sync.OnceValues(possibleCPUs),
		config:  sync.OnceValues(readConfig),

		typesDir: o.TypesDir,
	}
	if o.Version != 0 {
		k.version = func() (uint32, error) { return o.Version, nil }
	}
	if o.CPUs != 0 {
		k.cpus = func() (int, error) { return o.CPUs, nil }
	}
	if o.Config != nil {
		k.config = func() (map[string]string, error) { return o.Config, nil }
	}
	return k
}

// Close releases the types of the kernel and its modules, which must not be used any more. It may be
// called again.
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

// vmlinux is the name of the kernel proper among its modules.
const vmlinux = "vmlinux"

// Types returns the types of the kernel proper. They are valid until Close. For a kernel without
// them (CONFIG_DEBUG_INFO_BTF) the error wraps ErrNotSupported. Where /sys is not mounted they are
// read nevertheless; where that is not possible, the error wraps ErrNotMounted.
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
	b, unmap, err := k.readTypes(vmlinux)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read kernel types: %w: %w", ErrNoTypes, ErrNotSupported)
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

// sysTypes is where the kernel shows its types, in sysfs.
const sysTypes = "kernel/btf"

// typesPlace names the directory of types for messages.
func (k *Kernel) typesPlace() string {
	if k.typesDir == "" {
		return "/sys/" + sysTypes
	}
	return k.typesDir
}

// openTypes opens the file with the types of a module, or of the kernel proper.
func (k *Kernel) openTypes(name string) (*sys.FD, error) {
	if k.typesDir == "" {
		return sys.Sysfs.Open(path.Join(sysTypes, name))
	}
	return sys.Open(filepath.Join(k.typesDir, name))
}

// readTypes maps the types of a module, or of the kernel proper, or reads them where the kernel
// cannot map them (before 6.16).
func (k *Kernel) readTypes(name string) ([]byte, func(), error) {
	f, err := k.openTypes(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if size, err := sys.FileSize(f); err == nil && size > 0 {
		if b, unmap, err := sys.MapFile(f, int(size)); err == nil {
			return b, unmap, nil
		}
	}
	b, err := sys.ReadAll(f)
	return b, func() {}, err
}
