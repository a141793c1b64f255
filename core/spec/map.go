package spec

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
)

// MapFlags are the creation flags of a map. The bits are those of bpf_attr.map_flags
// (include/uapi/linux/bpf.h).
type MapFlags uint32

// The creation flags that the rules of this package look at.
const (
	FlagNoPrealloc    MapFlags = 1 << 0  // BPF_F_NO_PREALLOC
	FlagNoCommonLRU   MapFlags = 1 << 1  // BPF_F_NO_COMMON_LRU: each CPU has its own list
	FlagNUMANode      MapFlags = 1 << 2  // BPF_F_NUMA_NODE
	FlagReadOnlyProg  MapFlags = 1 << 7  // BPF_F_RDONLY_PROG: programs cannot write
	FlagWriteOnlyProg MapFlags = 1 << 8  // BPF_F_WRONLY_PROG: programs cannot read
	FlagMmapable      MapFlags = 1 << 10 // BPF_F_MMAPABLE
	FlagLink          MapFlags = 1 << 13 // BPF_F_LINK: struct_ops that a link registers
)

// Pinning says whether a map is shared through the file system by its name
// (LIBBPF_PIN_… of libbpf's bpf_helpers.h).
type Pinning uint32

// The ways to pin.
const (
	PinNone   Pinning = 0
	PinByName Pinning = 1
)

// String returns "none" or "by_name".
func (p Pinning) String() string {
	switch p {
	case PinNone:
		return "none"
	case PinByName:
		return "by_name"
	}
	return fmt.Sprintf("pinning(%d)", uint32(p))
}

// Map is the spec of one eBPF map.
type Map struct {
	Name       string
	Section    string // ".maps", "maps", ".rodata", …; empty when built
	Type       MapType
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      MapFlags
	Extra      uint64 // map_extra: arena address, bloom filter hashes
	NUMANode   uint32 // only with the NUMA_NODE flag
	Pinning    Pinning
	Key, Value btf.ID // types of key and value in Collection.BTF; 0 is none
	Inner      *Map   // template of the inner map of a map-in-map
	Values     []MapValue
	Data       []byte // initial bytes of a data section or struct_ops, ValueSize long, or of an arena; nil otherwise
	Freeze     bool   // user space cannot write after load (.rodata)
	Optional   bool   // a "?" section: not created unless asked for
	Tags       []string
}

// MapValue is one initial entry whose value is an object of the same collection: a map for a
// map-in-map, a program for a program array or for a member of struct_ops.
type MapValue struct {
	Key  uint32 // index; of struct_ops the offset of the member in bytes
	Name string
}

// Configured returns the names of the maps that the loader writes values of the kernel's configuration
// into, so that their Data are not what programs read.
func (c *Collection) Configured() map[string]bool {
	values, maps := make(map[string]bool), make(map[string]bool)
	for i := range c.Externs {
		if e := &c.Externs[i]; e.Kind == ExternKconfig {
			values[e.Name] = true
		}
	}
	for _, v := range c.Vars {
		if values[v.Name] {
			maps[v.Map] = true
		}
	}
	return maps
}

// Clone returns a copy that shares nothing that may be changed.
func (m *Map) Clone() *Map {
	n := m.cloneRest()
	n.Data = slices.Clone(m.Data)
	return &n
}

// cloneRest is Clone but for Data, which is still that of m.
func (m *Map) cloneRest() Map {
	n := *m
	n.Values = slices.Clone(m.Values)
	n.Tags = slices.Clone(m.Tags)
	if m.Inner != nil {
		n.Inner = m.Inner.Clone()
	}
	return n
}

// mapRule is what the kernel demands of a map type whatever the machine
// (map_alloc_check of each type, Linux 6.18).
type mapRule struct {
	key, value sizeRule
	entries    entryRule
	perCPU     bool
}

type sizeRule uint8

const (
	sizeAny   sizeRule = iota // above zero
	sizeZero                  // must be zero
	sizeU32                   // must be 4
	size4or8                  // 4 or 8
	sizeMult8                 // a multiple of 8, above zero
)

type entryRule uint8

const (
	entriesSome entryRule = iota // above zero
	entriesZero                  // must be zero
	entriesFree                  // zero means that the loader chooses
)

// mapRules has the types that differ from "a key, a value, some entries".
var mapRules = map[MapType]mapRule{
	MapArray:               {key: sizeU32},
	MapPerCPUArray:         {key: sizeU32, perCPU: true},
	MapPerCPUHash:          {perCPU: true},
	MapLRUPerCPUHash:       {perCPU: true},
	MapProgArray:           {key: sizeU32, value: sizeU32},
	MapPerfEventArray:      {key: sizeU32, value: sizeU32, entries: entriesFree},
	MapStackTrace:          {key: sizeU32, value: sizeMult8},
	MapCgroupArray:         {key: sizeU32, value: sizeU32},
	MapArrayOfMaps:         {key: sizeU32, value: sizeU32},
	MapHashOfMaps:          {value: sizeU32},
	MapDevmap:              {key: sizeU32, value: size4or8},
	MapDevmapHash:          {key: sizeU32, value: size4or8},
	MapSockmap:             {key: sizeU32, value: size4or8},
	MapSockhash:            {value: size4or8},
	MapCpumap:              {key: sizeU32, value: size4or8, entries: entriesFree},
	MapXskmap:              {key: sizeU32, value: sizeU32},
	MapReuseportSockarray:  {key: sizeU32, value: size4or8},
	MapCgroupStorage:       {entries: entriesZero},
	MapPerCPUCgroupStorage: {entries: entriesZero, perCPU: true},
	MapQueue:               {key: sizeZero},
	MapStack:               {key: sizeZero},
	MapBloomFilter:         {key: sizeZero},
	MapSkStorage:           {key: sizeU32, entries: entriesZero},
	MapInodeStorage:        {key: sizeU32, entries: entriesZero},
	MapTaskStorage:         {key: sizeU32, entries: entriesZero},
	MapCgrpStorage:         {key: sizeU32, entries: entriesZero},
	MapRingbuf:             {key: sizeZero, value: sizeZero},
	MapUserRingbuf:         {key: sizeZero, value: sizeZero},
	MapArena:               {key: sizeZero, value: sizeZero},
	MapStructOps:           {key: sizeU32},
	MapInsnArray:           {key: sizeU32},
}

// HoldsMaps reports whether the values of the map are maps.
func (t MapType) HoldsMaps() bool { return t == MapArrayOfMaps || t == MapHashOfMaps }

// PlainData reports whether the entries of the map are plain data, which a plugin may read and write.
// Others hold programs, maps, sockets or devices, which it could only name by numbers.
func (t MapType) PlainData() bool {
	switch t {
	case MapHash, MapArray, MapPerCPUHash, MapPerCPUArray, MapLRUHash, MapLRUPerCPUHash, MapLPMTrie:
		return true
	}
	return false
}

// PerCPU reports whether the map has one value per CPU and key.
func (t MapType) PerCPU() bool { return mapRules[t].perCPU }

// Check reports sizes that no kernel accepts for the map's type, as a *CheckError. What depends on
// the machine, such as page size and the number of CPUs, is the loader's business.
func (m *Map) Check() error {
	if err := m.check(0); err != nil {
		return &CheckError{Kind: ObjectMap, Name: m.Name, Insn: -1, Err: err}
	}
	return nil
}

func (m *Map) check(depth int) error {
	if m.Type == 0 {
		return fmt.Errorf("it has no type")
	}
	r := mapRules[m.Type]
	if err := r.key.check("key_size", m.KeySize, m.Type); err != nil {
		return err
	}
	if err := r.value.check("value_size", m.ValueSize, m.Type); err != nil {
		return err
	}
	switch {
	case r.entries == entriesSome && m.MaxEntries == 0:
		return fmt.Errorf("max_entries is 0, type %v needs some", m.Type)
	case r.entries == entriesZero && m.MaxEntries != 0:
		return fmt.Errorf("max_entries is %d, type %v must have 0", m.MaxEntries, m.Type)
	case m.Pinning > PinByName:
		return fmt.Errorf("pinning %d is unknown", uint32(m.Pinning))
	case m.Data != nil && m.Type == MapArena:
		if pages := (uint64(len(m.Data)) + arenaPage - 1) / arenaPage; pages > uint64(m.MaxEntries) {
			return fmt.Errorf("its variables need %d pages, it has %d", pages, m.MaxEntries)
		}
	case m.Data != nil && uint64(len(m.Data)) != uint64(m.ValueSize):
		return fmt.Errorf("it has %d bytes of data for a value of %d", len(m.Data), m.ValueSize)
	case m.Data != nil && m.Type != MapArray && m.Type != MapStructOps:
		return fmt.Errorf("it has data but is of type %v, not array", m.Type)
	case m.NUMANode != 0 && m.Flags&FlagNUMANode == 0:
		return fmt.Errorf("numa_node is %d but its flag is not set", m.NUMANode)
	}
	if err := m.checkValues(); err != nil {
		return err
	}
	return m.checkInner(depth)
}

// arenaPage is the least size of a page, in bytes; an arena has max_entries of them.
const arenaPage = 4096

// window is how many bytes of the map variables may be in.
func (m *Map) window() uint64 {
	if m.Type == MapArena {
		return uint64(len(m.Data))
	}
	return uint64(m.ValueSize)
}

func (m *Map) checkValues() error {
	if len(m.Values) > 0 && m.Type != MapProgArray && m.Type != MapStructOps && !m.Type.HoldsMaps() {
		return fmt.Errorf("it has initial values but is of type %v", m.Type)
	}
	for _, v := range m.Values {
		if m.Type == MapStructOps {
			if uint64(v.Key)+8 > uint64(m.ValueSize) {
				return fmt.Errorf("initial value %s is at offset %d, there are %d bytes", show(v.Name), v.Key, m.ValueSize)
			}
			continue
		}
		if m.Type != MapHashOfMaps && v.Key >= m.MaxEntries {
			return fmt.Errorf("initial value %s has index %d, there are %d entries", show(v.Name), v.Key, m.MaxEntries)
		}
	}
	return nil
}

func (m *Map) checkInner(depth int) error {
	switch {
	case m.Inner == nil && m.Type.HoldsMaps() && depth == 0:
		return fmt.Errorf("type %v needs the template of its inner maps", m.Type)
	case m.Inner == nil:
		return nil
	case !m.Type.HoldsMaps():
		return fmt.Errorf("type %v has no inner maps", m.Type)
	case depth > 0:
		return fmt.Errorf("an inner map cannot have inner maps")
	case m.Inner.Pinning != PinNone:
		return fmt.Errorf("an inner map cannot be pinned")
	}
	if err := m.Inner.check(depth + 1); err != nil {
		return fmt.Errorf("inner map: %w", err)
	}
	return nil
}

func (r sizeRule) check(what string, size uint32, t MapType) error {
	want := ""
	switch {
	case r == sizeAny && size == 0:
		want = "some"
	case r == sizeZero && size != 0:
		want = "0"
	case r == sizeU32 && size != 4:
		want = "4"
	case r == size4or8 && size != 4 && size != 8:
		want = "4 or 8"
	case r == sizeMult8 && (size == 0 || size%8 != 0):
		want = "a multiple of 8"
	default:
		return nil
	}
	return fmt.Errorf("%s is %d, type %v needs %s", what, size, t, want)
}

// ResizeData changes the size of a data section map: new bytes are zero, and bytes that belong to a
// variable cannot be cut off. A last variable that is an array, by its BTF, grows by as many
// elements as fit. The BTF type of the value, which says the old size, is no longer used.
func (c *Collection) ResizeData(name string, size uint32) error {
	m := c.Map(name)
	switch {
	case m == nil:
		return fmt.Errorf("resize map %s: no such map", show(name))
	case !c.isData(m):
		return fmt.Errorf("resize map %s: it is not a data section", show(name))
	case size == 0 || size > maxData:
		return fmt.Errorf("resize map %s: %d bytes are not between 1 and %d", show(name), size, maxData)
	case size == m.ValueSize:
		return nil
	}
	var last *Var
	for _, v := range c.Vars {
		end := uint64(v.Offset) + uint64(v.Size)
		if v.Map != name {
			continue
		}
		if end > uint64(size) {
			return fmt.Errorf("resize map %s: variable %s needs its first %d bytes", show(name), show(v.Name), end)
		}
		if end == uint64(m.ValueSize) && (last == nil || v.Size > 0) {
			last = v
		}
	}
	if last != nil && size > m.ValueSize {
		last.Size += c.growth(last, size-m.ValueSize)
	}
	if m.Data != nil {
		data := make([]byte, size)
		copy(data, m.Data)
		m.Data = data
	}
	m.ValueSize = size
	m.Key, m.Value = 0, 0
	return nil
}

// growth returns how many of the bytes after a variable it can take: whole elements of an array.
func (c *Collection) growth(v *Var, by uint32) uint32 {
	if c.BTF == nil || v.Type == 0 {
		return 0
	}
	t, err := c.BTF.Type(c.BTF.Strip(v.Type))
	if err != nil {
		return 0
	}
	a, ok := t.(*btf.Array)
	if !ok {
		return 0
	}
	if size, err := c.BTF.Size(a.Type); err == nil && size > 0 {
		return by - by%size
	}
	return 0
}

// isData reports whether the map is a data section.
func (c *Collection) isData(m *Map) bool {
	if m.Type != MapArray || m.MaxEntries != 1 {
		return false
	}
	return m.Data != nil || slices.ContainsFunc(c.Vars, func(v *Var) bool { return v.Map == m.Name })
}
