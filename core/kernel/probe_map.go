package kernel

import (
	"errors"
	"os"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// mapProbe is the smallest map of a type that kernels create.
type mapProbe struct {
	key, value, entries uint32
	flags               spec.MapFlags
	special             mapSpecial
}

// mapSpecial is what else a map takes.
type mapSpecial uint8

const (
	mapPlain  mapSpecial = iota
	mapInner             // a template of the maps in it
	mapTyped             // types of key and value
	mapStruct            // a type of the kernel: a number that is none is refused with ENOTSUPP
	mapPages             // MaxEntries in bytes, of a page
)

// mapProbes is by type. Types that are not in it are asked for as a hash is.
var mapProbes = map[spec.MapType]mapProbe{
	spec.MapPerCPUArray:         {key: 4, value: 8, entries: 1},
	spec.MapStackTrace:          {key: 4, value: 8, entries: 1},
	spec.MapLPMTrie:             {key: 8, value: 8, entries: 1, flags: spec.FlagNoPrealloc},
	spec.MapArrayOfMaps:         {key: 4, value: 4, entries: 1, special: mapInner},
	spec.MapHashOfMaps:          {key: 4, value: 4, entries: 1, special: mapInner},
	spec.MapCgroupStorage:       {key: 8, value: 8},
	spec.MapPerCPUCgroupStorage: {key: 8, value: 8},
	spec.MapQueue:               {value: 4, entries: 1},
	spec.MapStack:               {value: 4, entries: 1},
	spec.MapBloomFilter:         {value: 4, entries: 1},
	spec.MapSkStorage:           {key: 4, value: 4, flags: spec.FlagNoPrealloc, special: mapTyped},
	spec.MapInodeStorage:        {key: 4, value: 4, flags: spec.FlagNoPrealloc, special: mapTyped},
	spec.MapTaskStorage:         {key: 4, value: 4, flags: spec.FlagNoPrealloc, special: mapTyped},
	spec.MapCgrpStorage:         {key: 4, value: 4, flags: spec.FlagNoPrealloc, special: mapTyped},
	spec.MapStructOps:           {key: 4, value: 64, entries: 1, special: mapStruct},
	spec.MapRingbuf:             {entries: 1, special: mapPages},
	spec.MapUserRingbuf:         {entries: 1, special: mapPages},
	spec.MapArena:               {entries: 1, flags: spec.FlagMmapable},
	spec.MapInsnArray:           {key: 4, value: 16, entries: 1},
	spec.MapRhash:               {key: 4, value: 4, entries: 1, flags: spec.FlagNoPrealloc},
}

// askMapType creates a map, with flags beside those it takes.
func askMapType(t spec.MapType, flags spec.MapFlags) error {
	p, ok := mapProbes[t]
	if !ok {
		p = mapProbe{key: 4, value: 4, entries: 1}
	}
	return p.create(t, flags)
}

// create creates the map and closes it.
func (p mapProbe) create(t spec.MapType, flags spec.MapFlags) error {
	a := sys.MapCreate{Type: uint32(t), KeySize: p.key, ValueSize: p.value, MaxEntries: p.entries, Flags: uint32(p.flags | flags)}
	switch p.special {
	case mapInner:
		inner := sys.MapCreate{Type: uint32(spec.MapArray), KeySize: 4, ValueSize: 4, MaxEntries: 1}
		fd, err := sys.CreateMap(&inner)
		if err != nil {
			return err
		}
		defer fd.Close()
		raw, err := fd.Acquire()
		if err != nil {
			return err
		}
		defer fd.Release()
		a.InnerMapFD = uint32(raw)
	case mapTyped:
		fd, err := loadInt()
		if err != nil {
			return err
		}
		defer fd.Close()
		raw, err := fd.Acquire()
		if err != nil {
			return err
		}
		defer fd.Release()
		a.BTFFD, a.KeyTypeID, a.ValueTypeID = uint32(raw), 1, 1
	case mapStruct:
		a.VmlinuxValue = 1
	case mapPages:
		a.MaxEntries = uint32(os.Getpagesize())
	}
	if flags&flagModuleValue != 0 {
		a.ModuleBTFFD = noDescriptor
	}
	if flags&flagToken != 0 {
		a.TokenFD = noDescriptor
	}
	fd, err := sys.CreateMap(&a)
	if err == nil {
		fd.Close()
		return nil
	}
	if p.special == mapStruct && errors.Is(err, sys.ENOTSUPP) {
		return nil // the type is known, and the number is that of another struct
	}
	return lacks(err, sys.EINVAL, sys.E2BIG, sys.EOPNOTSUPP)
}

// loadInt loads types that are an int and nothing else: 45 bytes. A map of local storage that is
// created with them is freed in the background, while one that is refused, as it is without types, is
// freed at once, for which the kernel waits for all processors (20 ms).
func loadInt() (*sys.FD, error) {
	b := btf.Builder{Order: native}
	b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	raw, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return sys.LoadBTF(&sys.BTFLoad{BTF: sys.BytesPointer(raw), Size: uint32(len(raw))})
}

// flagMaps are the maps that flags are asked for with; a hash otherwise.
var flagMaps = map[spec.MapFlags]spec.MapType{
	spec.FlagNoCommonLRU:   spec.MapLRUHash,
	1 << 5:                 spec.MapStackTrace,
	spec.FlagReadOnlyProg:  spec.MapArray,
	spec.FlagWriteOnlyProg: spec.MapArray,
	1 << 9:                 spec.MapSkStorage,
	spec.FlagMmapable:      spec.MapArray,
	1 << 11:                spec.MapPerfEventArray,
	1 << 12:                spec.MapArray,
	spec.FlagLink:          spec.MapStructOps,
	flagModuleValue:        spec.MapStructOps,
	1 << 17:                spec.MapArena,
	1 << 18:                spec.MapArena,
	1 << 19:                spec.MapRingbuf,
}

// noDescriptor is the number of none.
const noDescriptor = 1<<32 - 1

const (
	flagModuleValue spec.MapFlags = 1 << 15 // BPF_F_VTYPE_BTF_OBJ_FD
	flagToken       spec.MapFlags = 1 << 16 // BPF_F_TOKEN_FD
)

// askMapFlag creates a map with a flag. Descriptors that a flag wants are none, which is refused
// with EBADF where it is known.
func askMapFlag(f spec.MapFlags) error {
	t, ok := flagMaps[f]
	switch {
	case f.Names() == "":
		return errUnknown
	case !ok:
		t = spec.MapHash
	}
	p, ok := mapProbes[t]
	if !ok {
		p = mapProbe{key: 4, value: 4, entries: 1}
	}
	if f == 1<<5 {
		p.value = 32 // struct bpf_stack_build_id
	}
	err := p.create(t, f)
	if (f == flagModuleValue || f == flagToken) && errors.Is(err, sys.EBADF) {
		return nil
	}
	return err
}
