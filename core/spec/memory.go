package spec

import (
	"math"
	"math/bits"
)

// Machine is what the memory of a map depends on besides the map. Zero values are one CPU and pages
// of 4,096 bytes.
type Machine struct {
	CPUs     int // possible CPUs (/sys/devices/system/cpu/possible)
	PageSize int // bytes
}

// Memory returns the bytes of kernel memory that the map takes when it is full, by the formulas with
// which kernels since 6.4 answer memlock in a map's fdinfo (map_mem_usage of struct bpf_map_ops,
// kernel/bpf/*.c). It saturates instead of overflowing. Storage that belongs to sockets, tasks,
// inodes or control groups grows with these, so no map can say how much there will be: what the map
// itself takes is returned.
func (m *Map) Memory(on Machine) uint64 {
	n := memory{m: m, entries: m.EntriesOn(on), cpus: uint64(max(on.CPUs, 1)), page: uint64(on.page())}
	return add(n.header(), n.bytes())
}

// MemoryByCPU returns the part of Memory that does not depend on the number of CPUs and, of types
// with values per CPU, what each CPU adds. The reserve that other maps keep for each CPU is small and
// left out.
func (m *Map) MemoryByCPU() (fixed, perCPU uint64) {
	one := m.Memory(Machine{CPUs: 1})
	if !m.Type.PerCPU() {
		return one, 0
	}
	perCPU = m.Memory(Machine{CPUs: 2}) - one
	return one - min(one, perCPU), perCPU
}

// EntriesOn returns the max_entries that the map is made with: a map with an entry for each CPU has
// no more of them than there are CPUs, a ring buffer has a power of two of bytes and at least a page,
// and lists that CPUs do not share are of one length (htab_map_alloc of kernel/bpf/hashtab.c). It is
// more than 32 bits hold for a ring that no kernel makes.
func (m *Map) EntriesOn(on Machine) uint64 {
	entries := uint64(m.MaxEntries)
	switch m.Type {
	case MapPerfEventArray, MapCpumap:
		if cpus := uint64(max(on.CPUs, 1)); entries == 0 || entries > cpus {
			return cpus
		}
	case MapRingbuf, MapUserRingbuf:
		return max(powerOfTwo(entries), uint64(on.page()))
	case MapLRUHash, MapLRUPerCPUHash:
		if cpus := uint64(max(on.CPUs, 1)); m.Flags&FlagNoCommonLRU != 0 {
			up := (entries + cpus - 1) / cpus * cpus
			if up > math.MaxUint32 {
				up -= cpus
			}
			return up
		}
	}
	return entries
}

func (on Machine) page() int {
	if on.PageSize <= 0 {
		return 4096
	}
	return on.PageSize
}

// memory adds up what a map takes.
type memory struct {
	m                   *Map
	entries, cpus, page uint64
}

// The sizes of the kernel's structures on 64-bit machines, in bytes.
const (
	pointer     = 8
	hashBucket  = 16 // struct bucket
	hashElem    = 48 // struct htab_elem
	trieNode    = 40 // struct lpm_trie_node, with the rcu_head that it had until 6.12
	netdevEntry = 96 // struct bpf_dtab_netdev
	sockElem    = 40 // struct bpf_shtab_elem
	stackBucket = 16 // struct stack_map_bucket
	cpumapEntry = 192
	llistNode   = 8
	ringMeta    = 3 // pages: the first of the structure, the consumer's and the producer's position
)

// header is no less than what a kernel takes for the map itself.
func (n memory) header() uint64 {
	switch n.m.Type {
	case MapHash, MapPerCPUHash, MapLRUHash, MapLRUPerCPUHash, MapHashOfMaps, MapRhash:
		return 960 // struct bpf_htab of 6.12; later ones are smaller
	case MapSockmap, MapSockhash, MapDevmap, MapDevmapHash:
		return 384 // struct bpf_shtab
	case MapArena, MapLPMTrie:
		return 0 // is not counted
	case MapReuseportSockarray, MapXskmap, MapCpumap:
		return 304 // struct reuseport_array
	case MapArray:
		if n.m.Flags&FlagMmapable != 0 {
			return 0 // has a page for itself, see array
		}
	case MapStackTrace:
		return 320 // struct bpf_stack_map
	case MapCgroupStorage, MapPerCPUCgroupStorage:
		return 328 // struct bpf_cgroup_storage_map
	}
	return 312 // struct bpf_array
}

func (n memory) bytes() uint64 {
	m, entries := n.m, n.entries
	switch m.Type {
	case MapHash, MapPerCPUHash, MapLRUHash, MapLRUPerCPUHash, MapHashOfMaps, MapRhash:
		return n.hash()
	case MapArray, MapProgArray, MapPerfEventArray, MapCgroupArray, MapArrayOfMaps, MapPerCPUArray:
		return n.array()
	case MapRingbuf, MapUserRingbuf:
		pages := entries / n.page
		return add(mul(pages+ringMeta, n.page), mul(ringMeta+2*pages, pointer))
	case MapArena:
		return mul(entries, n.page)
	case MapLPMTrie:
		data := uint64(m.KeySize) - min(uint64(m.KeySize), 4) // struct bpf_lpm_trie_key starts with the prefix length
		return mul(entries, trieNode+data+uint64(m.ValueSize))
	case MapQueue, MapStack:
		return mul(entries+1, uint64(m.ValueSize))
	case MapBloomFilter:
		return n.bloom()
	case MapStackTrace:
		return add(mul(powerOfTwo(entries), pointer), mul(entries, stackBucket+uint64(m.ValueSize)))
	case MapStructOps:
		return mul(2, round8(m.ValueSize)) // the value of the user and the one of the kernel
	}
	return n.references()
}

// hash is htab_map_mem_usage with every entry in use.
func (n memory) hash() uint64 {
	m := n.m
	lru := m.Type == MapLRUHash || m.Type == MapLRUPerCPUHash
	entries := n.entries
	buckets := mul(powerOfTwo(entries), hashBucket)
	elem := hashElem + round8(m.KeySize)
	perEntry, extra := elem+round8(m.ValueSize), uint64(0)
	if m.Type.PerCPU() {
		perEntry = add(elem+pointer, mul(round8(m.ValueSize), n.cpus))
	}
	switch {
	case m.Flags&FlagNoPrealloc != 0 || m.Type == MapRhash:
		perEntry += llistNode
		if m.Type.PerCPU() {
			perEntry += llistNode + pointer
		}
	case !lru && !m.Type.PerCPU():
		extra = mul(n.cpus, perEntry+pointer) // an element in reserve for each CPU
	}
	return add(buckets, add(mul(entries, perEntry), extra))
}

// array is array_map_mem_usage.
func (n memory) array() uint64 {
	entries, value := n.entries, round8(n.m.ValueSize)
	switch {
	case n.m.Type.PerCPU():
		return mul(entries, add(pointer, mul(value, n.cpus)))
	case n.m.Flags&FlagMmapable != 0:
		size := mul(entries, value)
		return add(n.page, mul(size/n.page+min(size%n.page, 1), n.page))
	}
	return mul(entries, value)
}

// bloom is bloom_map_mem_usage: bits in a power of two, 7/5 for each entry and hash function.
func (n memory) bloom() uint64 {
	functions := n.m.Extra & 15
	if functions == 0 {
		functions = 5
	}
	const most = 1 << 31
	if want := mul(n.entries, functions) / 5 * 7; want <= most {
		return max(powerOfTwo(want), 64) / 8
	}
	return 2 * most / 8
}

// references is what maps take whose entries are references to objects of the kernel, and storage
// that belongs to such objects.
func (n memory) references() uint64 {
	m, entries := n.m, n.entries
	switch m.Type {
	case MapDevmap:
		return mul(entries, pointer+netdevEntry)
	case MapDevmapHash:
		return add(mul(powerOfTwo(entries), pointer), mul(entries, netdevEntry))
	case MapCpumap:
		return mul(entries, pointer+cpumapEntry)
	case MapSockhash:
		return add(mul(powerOfTwo(entries), hashBucket), mul(entries, sockElem+round8(m.KeySize)))
	case MapXskmap, MapSockmap, MapReuseportSockarray:
		return mul(entries, pointer)
	case MapInsnArray:
		return mul(entries, round8(m.ValueSize)+2*pointer)
	case MapCgroupStorage, MapPerCPUCgroupStorage:
		return 0
	case MapSkStorage, MapInodeStorage, MapTaskStorage, MapCgrpStorage:
		return mul(max(powerOfTwo(n.cpus), 2), hashBucket)
	}
	return mul(max(entries, 1), round8(m.KeySize)+round8(m.ValueSize)) // a type that this version does not know
}

func round8(n uint32) uint64 { return (uint64(n) + 7) &^ 7 }

// powerOfTwo returns the least power of two that is not below n, as roundup_pow_of_two.
func powerOfTwo(n uint64) uint64 {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len64(n-1)
}

func mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi != 0 {
		return math.MaxUint64
	}
	return lo
}

func add(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}
