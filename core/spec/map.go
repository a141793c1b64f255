package spec

import "github.com/bpfhost/bpfhost/core/btf"

// MapFlags are the creation flags of a map. The bits are those of bpf_attr.map_flags
// (include/uapi/linux/bpf.h).
type MapFlags uint32

// Pinning says whether a map is shared through the file system by its name
// (LIBBPF_PIN_… of libbpf's bpf_helpers.h).
type Pinning uint32

// The ways to pin.
const (
	PinNone   Pinning = 0
	PinByName Pinning = 1
)

// Map is the blueprint of one eBPF map.
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
	Data       []byte // initial bytes of a data section, ValueSize long; nil otherwise
	Freeze     bool   // user space cannot write after load (.rodata)
	Tags       []string
}

// MapValue is one initial entry whose value is an object of the same collection: a map for a
// map-in-map, a program for a program array.
type MapValue struct {
	Key  uint32
	Name string
}
