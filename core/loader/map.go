package loader

import (
	"errors"
	"fmt"
	"math"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Map is a map in the kernel.
type Map struct {
	name       string
	typ        spec.MapType
	keySize    uint32
	valueSize  uint32
	maxEntries uint32
	flags      spec.MapFlags
	buffer     int  // bytes of the buffer of a value
	fast       bool // accesses never sleep
	fd         *sys.FD
	key, value btf.ID    // in the collection's own types
	arena      *arena    // of an arena that was made here
	ops        *instance // of a struct_ops map that was made here
}

// Name returns the name in the spec, which the kernel may have only a part of.
func (m *Map) Name() string { return m.name }

// Type returns the type of the map.
func (m *Map) Type() spec.MapType { return m.typ }

// KeySize returns the size of a key in bytes.
func (m *Map) KeySize() int { return int(m.keySize) }

// ValueSize returns the size of a value in bytes, for per-CPU maps that of one CPU.
func (m *Map) ValueSize() int { return int(m.valueSize) }

// ValueBufferSize returns the size in bytes of what Lookup reads and Update writes: the value, or for
// per-CPU maps the values of all possible CPUs one after the other, each rounded up to 8 bytes.
func (m *Map) ValueBufferSize() int { return m.buffer }

// PerCPUStride returns the distance in bytes between the values of two CPUs in a buffer of a per-CPU map.
func (m *Map) PerCPUStride() int { return (int(m.valueSize) + 7) &^ 7 }

// MaxEntries returns how many entries the map holds, for ring buffers the size in bytes.
func (m *Map) MaxEntries() int { return int(m.maxEntries) }

// Flags returns the flags that the map was created with.
func (m *Map) Flags() spec.MapFlags { return m.flags }

// KeyType and ValueType return the types of key and value in the types of the spec, 0 for none.
func (m *Map) KeyType() btf.ID { return m.key }

// ValueType is described at KeyType.
func (m *Map) ValueType() btf.ID { return m.value }

// WithFD calls fn with the map's descriptor, which stays open for the time of the call.
func (m *Map) WithFD(fn func(fd int) error) error {
	raw, err := m.fd.Acquire()
	if err != nil {
		return fmt.Errorf("use map %q: %w", m.name, err)
	}
	defer m.fd.Release()
	return fn(raw)
}

// Err returns why the map cannot be used: nil for one that exists, os.ErrClosed after Close.
func (m *Map) Err() error { return m.fd.Err() }

// Close closes the map. It may be called again.
func (m *Map) Close() error {
	m.arena.close()
	return m.fd.Close()
}

// Pin gives the map a name in a bpf file system, so that it outlives the process. Several at once are
// made by Collection.Publish, and those that are shared by name by Load.
func (m *Map) Pin(path string) error {
	if err := sys.Pin(m.fd, path); err != nil {
		return fmt.Errorf("pin map %q to %s: %w", m.name, path, explainPin(path, err))
	}
	return nil
}

// MapInfo is what the kernel says about a map.
type MapInfo struct {
	ID         uint32
	Type       spec.MapType
	Name       string // as the kernel keeps it, at most 15 bytes
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      spec.MapFlags
	BTF        uint32 // id of its BTF object; 0 is none
	Extra      uint64
}

// Info asks the kernel about the map.
func (m *Map) Info() (MapInfo, error) {
	i, err := sys.InfoOfMap(m.fd)
	if err != nil {
		return MapInfo{}, fmt.Errorf("describe map %q: %w", m.name, err)
	}
	return MapInfo{
		ID: i.ID, Type: spec.MapType(i.Type), Name: text(i.Name[:]), KeySize: i.KeySize, ValueSize: i.ValueSize,
		MaxEntries: i.MaxEntries, Flags: spec.MapFlags(i.Flags), BTF: i.BTFID, Extra: i.Extra,
	}, nil
}

// text is what stands before the first zero byte.
func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// kernelName makes a name that the kernel accepts: at most 15 letters, digits, dots and underscores.
func kernelName(s string) [sys.NameLen]byte {
	n := sys.Name(s)
	for i, c := range n {
		ok := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '.' || c == 0
		if !ok {
			n[i] = '_'
		}
	}
	return n
}

// fastTypes are the map types whose accesses never sleep.
var fastTypes = map[spec.MapType]bool{
	spec.MapHash: true, spec.MapArray: true, spec.MapPerCPUHash: true, spec.MapPerCPUArray: true,
	spec.MapLRUHash: true, spec.MapLRUPerCPUHash: true, spec.MapLPMTrie: true,
}

// untyped are the map types whose keys and values the kernel wants no types of.
var untyped = map[spec.MapType]bool{
	spec.MapPerfEventArray: true, spec.MapCgroupArray: true, spec.MapStackTrace: true, spec.MapArrayOfMaps: true,
	spec.MapHashOfMaps: true, spec.MapDevmap: true, spec.MapDevmapHash: true, spec.MapCpumap: true,
	spec.MapXskmap: true, spec.MapSockmap: true, spec.MapSockhash: true, spec.MapQueue: true,
	spec.MapStack: true, spec.MapArena: true, spec.MapRingbuf: true, spec.MapUserRingbuf: true,
	spec.MapProgArray: true,
}

// entries is how many entries a map really gets.
func entries(s *spec.Map, k *Kernel) (uint32, error) {
	cpus, err := k.CPUs()
	if err != nil && s.EntriesOn(spec.Machine{CPUs: 1}) != s.EntriesOn(spec.Machine{CPUs: 1 << 10}) {
		return 0, err // the number of CPUs matters
	}
	n := s.EntriesOn(spec.Machine{CPUs: cpus, PageSize: sys.PageSize()})
	if n > math.MaxUint32 {
		return 0, fmt.Errorf("a ring of %d bytes is too large", s.MaxEntries)
	}
	return uint32(n), nil
}

// createMap makes one map, without contents.
func (l *session) createMap(s *spec.Map) (*Map, error) {
	n, err := entries(s, l.kernel)
	if err != nil {
		return nil, err
	}
	a := sys.MapCreate{
		Type: uint32(s.Type), KeySize: s.KeySize, ValueSize: s.ValueSize, MaxEntries: n,
		Flags: uint32(s.Flags), NUMANode: s.NUMANode, Extra: s.Extra, Name: kernelName(s.Name),
	}
	if s.Inner != nil {
		inner, err := l.createMap(s.Inner)
		if err != nil {
			return nil, fmt.Errorf("inner map: %w", err)
		}
		defer inner.Close()
		raw, err := inner.fd.Acquire()
		if err != nil {
			return nil, err
		}
		defer inner.fd.Release()
		a.InnerMapFD = uint32(raw)
	}
	if l.btf != nil && s.Value != 0 && !untyped[s.Type] {
		raw, err := l.btf.Acquire()
		if err != nil {
			return nil, err
		}
		defer l.btf.Release()
		a.BTFFD, a.KeyTypeID, a.ValueTypeID = uint32(raw), uint32(s.Key), uint32(s.Value)
	}
	fd, err := sys.CreateMap(&a)
	if a.BTFFD != 0 && (errors.Is(err, sys.EINVAL) || errors.Is(err, sys.ENOTSUPP) || errors.Is(err, sys.EOPNOTSUPP)) {
		// The kernel knows no types for this kind of map, or not these: it works without.
		a.BTFFD, a.KeyTypeID, a.ValueTypeID = 0, 0, 0
		if plain, again := sys.CreateMap(&a); again == nil {
			fd, err = plain, nil
		}
	}
	if err != nil {
		return nil, l.explainMap(s, err)
	}
	return l.newMap(s, n, fd)
}

func (l *session) newMap(s *spec.Map, entries uint32, fd *sys.FD) (*Map, error) {
	m := &Map{
		name: s.Name, typ: s.Type, keySize: s.KeySize, valueSize: s.ValueSize, maxEntries: entries, flags: s.Flags,
		buffer: int(s.ValueSize), fast: fastTypes[s.Type], fd: fd, key: s.Key, value: s.Value,
	}
	if s.Type.PerCPU() {
		cpus, err := l.kernel.CPUs()
		if err != nil {
			fd.Close()
			return nil, err
		}
		m.buffer = m.PerCPUStride() * cpus
	}
	return m, nil
}

// explainMap says why the kernel may have refused a map.
func (l *session) explainMap(s *spec.Map, err error) error {
	switch {
	case errors.Is(err, sys.EPERM), errors.Is(err, sys.ENOMEM):
		return l.kernel.ExplainCharged(err, s.Type.Capabilities()...)
	case errors.Is(err, sys.EINVAL):
		if old := l.kernel.TooOld(s.Requirements(), err); errors.Is(old, ErrNotSupported) {
			return old
		}
		return l.kernel.NotBuilt(s.Type.String()+" maps", s.Type.Option(), err)
	}
	return err
}

// fillMap writes the first contents of a data section: data, or if that is nil those of the spec.
func fillMap(m *Map, s *spec.Map, data []byte) error {
	switch s.Type {
	case spec.MapStructOps:
		return nil // it is registered later, by a link
	case spec.MapArena:
		return m.mapArena(s)
	}
	if data == nil {
		data = s.Data
	}
	if data != nil {
		if len(data) != m.buffer {
			return fmt.Errorf("it has %d bytes of data for a value of %d", len(data), m.buffer)
		}
		var zero [4]byte
		if err := sys.UpdateElem(m.fd, zero[:m.keySize], data, 0, false); err != nil {
			return fmt.Errorf("write contents: %w", kernel.Explain(err, sys.CapBPF.String()))
		}
	}
	if s.Freeze {
		if err := sys.Freeze(m.fd); err != nil {
			return fmt.Errorf("freeze: %w", kernel.Explain(err, sys.CapBPF.String()))
		}
	}
	return nil
}
