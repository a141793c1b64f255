package sys

// NameLen is the room for a name in the kernel, the closing zero byte included (BPF_OBJ_NAME_LEN).
const NameLen = 16

// Name makes the array of a name; what is longer is cut.
func Name(s string) [NameLen]byte {
	var n [NameLen]byte
	copy(n[:NameLen-1], s)
	return n
}

// The structs below are the members of union bpf_attr (include/uapi/linux/bpf.h) with explicit
// padding, so that they have the same layout on 32-bit machines. A kernel accepts a struct that is
// longer than it knows as long as the tail is zero.

// MapCreate is the attribute of BPF_MAP_CREATE.
type MapCreate struct {
	Type         uint32
	KeySize      uint32
	ValueSize    uint32
	MaxEntries   uint32
	Flags        uint32
	InnerMapFD   uint32
	NUMANode     uint32
	Name         [NameLen]byte
	Ifindex      uint32
	BTFFD        uint32
	KeyTypeID    uint32
	ValueTypeID  uint32
	VmlinuxValue uint32 // btf_vmlinux_value_type_id
	Extra        uint64 // map_extra
	ModuleBTFFD  uint32 // value_type_btf_obj_fd
	TokenFD      uint32
}

type mapElem struct {
	MapFD uint32
	_     uint32
	Key   Pointer
	Value Pointer // or the next key
	Flags uint64
}

type mapBatch struct {
	In, Out      Pointer
	Keys, Values Pointer
	Count        uint32
	MapFD        uint32
	ElemFlags    uint64
	Flags        uint64
}

// ProgLoad is the attribute of BPF_PROG_LOAD.
type ProgLoad struct {
	Type               uint32
	InsnCount          uint32
	Insns              Pointer
	License            Pointer
	LogLevel           uint32
	LogSize            uint32
	LogBuf             Pointer
	KernVersion        uint32
	Flags              uint32
	Name               [NameLen]byte
	Ifindex            uint32
	ExpectedAttachType uint32
	BTFFD              uint32
	FuncInfoRecSize    uint32
	FuncInfo           Pointer
	FuncInfoCount      uint32
	LineInfoRecSize    uint32
	LineInfo           Pointer
	LineInfoCount      uint32
	AttachBTFID        uint32
	AttachBTFObjFD     uint32 // or the program to attach to
	CoreReloCount      uint32
	FDArray            Pointer
	CoreRelos          Pointer
	CoreReloRecSize    uint32
	LogTrueSize        uint32 // written by kernels from 6.4 on
	TokenFD            uint32
	FDArrayCount       uint32
}

type objPath struct {
	Path  Pointer
	FD    uint32
	Flags uint32
}

type progTest struct {
	ProgFD      uint32
	Ret         uint32
	DataSizeIn  uint32
	DataSizeOut uint32
	DataIn      Pointer
	DataOut     Pointer
	Repeat      uint32
	Duration    uint32
	CtxSizeIn   uint32
	CtxSizeOut  uint32
	CtxIn       Pointer
	CtxOut      Pointer
	Flags       uint32
	CPU         uint32
	BatchSize   uint32
	_           uint32
}

type progAttach struct {
	Target     uint32
	ProgFD     uint32
	AttachType uint32
	Flags      uint32
}

type progQuery struct {
	Target      uint32
	AttachType  uint32
	QueryFlags  uint32
	AttachFlags uint32
	ProgIDs     Pointer
	ProgCount   uint32
	_           uint32
}

type nextID struct {
	ID     uint32 // the start, or the object wanted
	NextID uint32
	Flags  uint32
}

type objInfo struct {
	FD   uint32
	Len  uint32
	Info Pointer
}

type rawTracepoint struct {
	Name   Pointer
	ProgFD uint32
	_      uint32
	Cookie uint64
}

// BTFLoad is the attribute of BPF_BTF_LOAD.
type BTFLoad struct {
	BTF         Pointer
	LogBuf      Pointer
	Size        uint32
	LogSize     uint32
	LogLevel    uint32
	LogTrueSize uint32
}

// LinkCreate is the attribute of BPF_LINK_CREATE for hooks that need no more.
type LinkCreate struct {
	ProgFD     uint32
	Target     uint32 // descriptor or interface index
	AttachType uint32
	Flags      uint32
}

// LinkCreateTracing is LinkCreate with a BTF target and a cookie.
type LinkCreateTracing struct {
	LinkCreate
	TargetBTFID uint32
	_           uint32
	Cookie      uint64
}

// LinkCreatePerf is LinkCreate with the cookie of a perf event.
type LinkCreatePerf struct {
	LinkCreate
	Cookie uint64
}

// LinkCreateMprog is LinkCreate with an anchor in a list of programs (TCX, netkit).
type LinkCreateMprog struct {
	LinkCreate
	Relative uint32 // descriptor or id, by the flags
	_        uint32
	Revision uint64
}

type linkUpdate struct {
	LinkFD    uint32
	NewProgFD uint32
	Flags     uint32
	OldProgFD uint32
}

// MapInfo is struct bpf_map_info.
type MapInfo struct {
	Type         uint32
	ID           uint32
	KeySize      uint32
	ValueSize    uint32
	MaxEntries   uint32
	Flags        uint32
	Name         [NameLen]byte
	Ifindex      uint32
	VmlinuxValue uint32
	NetnsDev     uint64
	NetnsIno     uint64
	BTFID        uint32
	KeyTypeID    uint32
	ValueTypeID  uint32
	_            uint32
	Extra        uint64
}

// ProgInfo is struct bpf_prog_info.
type ProgInfo struct {
	Type             uint32
	ID               uint32
	Tag              [8]byte
	JitedLen         uint32
	XlatedLen        uint32
	Jited            Pointer
	Xlated           Pointer
	LoadTime         uint64 // nanoseconds since boot
	UID              uint32
	MapCount         uint32
	MapIDs           Pointer
	Name             [NameLen]byte
	Ifindex          uint32
	GPL              uint32 // bit 0
	NetnsDev         uint64
	NetnsIno         uint64
	JitedKsyms       uint32
	JitedFuncLens    uint32
	KsymsPtr         Pointer
	FuncLensPtr      Pointer
	BTFID            uint32
	FuncInfoRecSize  uint32
	FuncInfo         Pointer
	FuncInfoCount    uint32
	LineInfoCount    uint32
	LineInfo         Pointer
	JitedLineInfo    Pointer
	JitedLineCount   uint32
	LineInfoRecSize  uint32
	JitedLineRecSize uint32
	TagCount         uint32
	Tags             Pointer
	RunTimeNs        uint64
	RunCount         uint64
	RecursionMisses  uint64
	VerifiedInsns    uint32
	AttachBTFObjID   uint32
	AttachBTFID      uint32
	_                uint32
}

// BTFInfo is struct bpf_btf_info.
type BTFInfo struct {
	BTF     Pointer
	Size    uint32
	ID      uint32
	Name    Pointer
	NameLen uint32
	Kernel  uint32
}

// LinkInfo is struct bpf_link_info with its union as bytes in the machine's order.
type LinkInfo struct {
	Type   uint32
	ID     uint32
	ProgID uint32
	_      uint32
	Extra  [48]byte
}

// LinkCreateAny is LinkCreate with all that hooks may want beside it, as numbers, for those who only
// ask what a kernel knows: where it wants a pointer, 1 is the address of nothing.
type LinkCreateAny struct {
	LinkCreate
	Rest [6]uint64
}
