package sys

import (
	"os"
	"strings"
	"unsafe"
)

// Kind is a kind of kernel object that has ids.
type Kind uint8

// The kinds of object.
const (
	Progs Kind = iota
	Maps
	BTFs
	Links
)

// create runs a command that returns a descriptor.
func create(c cmd, attr unsafe.Pointer, size uintptr) (*FD, error) {
	raw, err := bpf(c, attr, size)
	if err != nil {
		return nil, err
	}
	return NewFD(raw)
}

// TryBPF runs a command of bpf(2) that there is not: EINVAL is the answer of a kernel that lets this process
// use bpf(2), ENOSYS that of one without, and EPERM comes from a filter of system calls, or before
// Linux 5.19 for want of CAP_BPF.
func TryBPF() error {
	_, err := bpf(cmdNone, nil, 0)
	return err
}

// CreateMap makes a map.
func CreateMap(a *MapCreate) (*FD, error) {
	return create(cmdMapCreate, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// LoadProg loads a program; a.LogTrueSize is set by kernels that know it.
func LoadProg(a *ProgLoad) (*FD, error) {
	return create(cmdProgLoad, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// LoadBTF loads type information.
func LoadBTF(a *BTFLoad) (*FD, error) {
	return create(cmdBTFLoad, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// CreateLink makes a link.
func CreateLink(a *LinkCreate) (*FD, error) {
	return create(cmdLinkCreate, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// CreateTracingLink makes a link with a BTF target or a cookie.
func CreateTracingLink(a *LinkCreateTracing) (*FD, error) {
	return create(cmdLinkCreate, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// CreatePerfLink makes a link to a perf event.
func CreatePerfLink(a *LinkCreatePerf) (*FD, error) {
	return create(cmdLinkCreate, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// CreateMprogLink makes a link in a list of programs.
func CreateMprogLink(a *LinkCreateMprog) (*FD, error) {
	return create(cmdLinkCreate, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// CreateAnyLink makes a link by an attribute that is meant to be refused.
func CreateAnyLink(a *LinkCreateAny) (*FD, error) {
	return create(cmdLinkCreate, unsafe.Pointer(a), unsafe.Sizeof(*a))
}

// OpenRawTracepoint attaches prog to the raw tracepoint name, or to its own BTF target when name is
// empty.
func OpenRawTracepoint(name string, prog int, cookie uint64) (*FD, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return nil, EINVAL
	}
	a := rawTracepoint{Name: StringPointer(name), ProgFD: uint32(prog), Cookie: cookie}
	return create(cmdRawTracepoint, unsafe.Pointer(&a), unsafe.Sizeof(a))
}

// AttachProg attaches a program to a cgroup, a map or a device without a link, as older loaders do. It is
// for tests, and for those who ask with a target that is none.
func AttachProg(target, prog int, attachType, flags uint32) error {
	a := progAttach{Target: uint32(target), ProgFD: uint32(prog), AttachType: attachType, Flags: flags}
	_, err := bpf(cmdProgAttach, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// DetachProg takes back what AttachProg did.
func DetachProg(target, prog int, attachType uint32) error {
	a := progAttach{Target: uint32(target), ProgFD: uint32(prog), AttachType: attachType}
	_, err := bpf(cmdProgDetach, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// QueryProgs says how many programs are attached to a cgroup itself, and with which flags
// (BPF_F_ALLOW_…).
func QueryProgs(target int, attachType uint32) (flags uint32, n int, err error) {
	a := progQuery{Target: uint32(target), AttachType: attachType}
	_, err = bpf(cmdProgQuery, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return a.AttachFlags, int(a.ProgCount), err
}

// UpdateLink exchanges the program of a link.
func UpdateLink(link *FD, prog int) error {
	raw, err := link.Acquire()
	if err != nil {
		return err
	}
	defer link.Release()
	a := linkUpdate{LinkFD: uint32(raw), NewProgFD: uint32(prog)}
	_, err = bpf(cmdLinkUpdate, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// DetachLink takes a link off its hook while it stays open.
func DetachLink(link *FD) error {
	raw, err := link.Acquire()
	if err != nil {
		return err
	}
	defer link.Release()
	a := uint32(raw)
	_, err = bpf(cmdLinkDetach, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// Pin pins the object under a name in a bpf file system.
func Pin(f *FD, path string) error {
	raw, err := f.Acquire()
	if err != nil {
		return err
	}
	defer f.Release()
	return PinRaw(raw, path)
}

// PinRaw is Pin for a descriptor that its owner keeps open for the time of the call.
func PinRaw(raw int, path string) error {
	if strings.IndexByte(path, 0) >= 0 {
		return EINVAL
	}
	a := objPath{Path: StringPointer(path), FD: uint32(raw)}
	_, err := bpf(cmdObjPin, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// OpenPin opens a pinned object.
func OpenPin(path string) (*FD, error) {
	if strings.IndexByte(path, 0) >= 0 {
		return nil, EINVAL
	}
	a := objPath{Path: StringPointer(path)}
	return create(cmdObjGet, unsafe.Pointer(&a), unsafe.Sizeof(a))
}

// EnableRunStats makes the kernel count runs of programs and their time until the descriptor is closed
// (BPF_STATS_RUN_TIME).
func EnableRunStats() (*FD, error) {
	var a uint32
	return create(cmdEnableStats, unsafe.Pointer(&a), unsafe.Sizeof(a))
}

// BindMap makes a program keep a map.
func BindMap(prog, m *FD) error {
	p, err := prog.Acquire()
	if err != nil {
		return err
	}
	defer prog.Release()
	raw, err := m.Acquire()
	if err != nil {
		return err
	}
	defer m.Release()
	a := [3]uint32{uint32(p), uint32(raw), 0}
	_, err = bpf(cmdProgBindMap, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// NextID returns the id that follows, with ENOENT after the last one.
func NextID(k Kind, id uint32) (uint32, error) {
	a := nextID{ID: id}
	c := [...]cmd{Progs: cmdProgNextID, Maps: cmdMapNextID, BTFs: cmdBTFNextID, Links: cmdLinkNextID}[k]
	_, err := bpf(c, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return a.NextID, err
}

// OpenID opens an object by its id.
func OpenID(k Kind, id uint32) (*FD, error) {
	a := nextID{ID: id}
	c := [...]cmd{Progs: cmdProgByID, Maps: cmdMapByID, BTFs: cmdBTFByID, Links: cmdLinkByID}[k]
	return create(c, unsafe.Pointer(&a), unsafe.Sizeof(a))
}

// info fills one of the info structs.
func info(f *FD, p unsafe.Pointer, size uintptr) error {
	raw, err := f.Acquire()
	if err != nil {
		return err
	}
	defer f.Release()
	a := objInfo{FD: uint32(raw), Len: uint32(size), Info: Pointer{p: p}}
	_, err = bpf(cmdObjInfo, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return err
}

// InfoOfMap describes a map.
func InfoOfMap(f *FD) (i MapInfo, err error) {
	return i, info(f, unsafe.Pointer(&i), unsafe.Sizeof(i))
}

// InfoOfProg describes a program. Pointers and counts that are set in i ask for lists.
func InfoOfProg(f *FD, i *ProgInfo) error { return info(f, unsafe.Pointer(i), unsafe.Sizeof(*i)) }

// InfoOfLink describes a link. Extra may begin with a pointer and length to be filled in.
func InfoOfLink(f *FD) (i LinkInfo, err error) {
	return i, info(f, unsafe.Pointer(&i), unsafe.Sizeof(i))
}

// BTFHeader describes loaded type information: its id, its size and the name that the kernel or a
// module has for it (Linux 5.11).
func BTFHeader(f *FD) (id, size uint32, name string, err error) {
	var buf [64]byte
	i := BTFInfo{Name: BytesPointer(buf[:]), NameLen: uint32(len(buf))}
	err = info(f, unsafe.Pointer(&i), unsafe.Sizeof(i))
	if err == E2BIG { // the kernel knows of no names
		i = BTFInfo{}
		err = info(f, unsafe.Pointer(&i), unsafe.Offsetof(i.Name))
	}
	if err != nil {
		return 0, 0, "", err
	}
	return i.ID, i.Size, cString(buf[:]), nil
}

// BTFBytes copies loaded type information out of the kernel.
func BTFBytes(f *FD) ([]byte, error) {
	_, size, _, err := BTFHeader(f)
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	i := BTFInfo{BTF: BytesPointer(b), Size: size}
	if err := info(f, unsafe.Pointer(&i), unsafe.Sizeof(i)); err != nil {
		return nil, err
	}
	return b, nil
}

// TestRun is one BPF_PROG_TEST_RUN. The kernel shortens DataOut and CtxOut to what it wrote.
type TestRun struct {
	Data, DataOut []byte
	Ctx, CtxOut   []byte
	Repeat        uint32
	Flags         uint32
	CPU           uint32
	Ret           uint32 // result: return value of the program
	Nanoseconds   uint32 // result: time of one run
}

// RunProg runs a program on the given input.
func RunProg(f *FD, r *TestRun) error {
	raw, err := f.Acquire()
	if err != nil {
		return err
	}
	defer f.Release()
	a := progTest{
		ProgFD: uint32(raw), Repeat: r.Repeat, Flags: r.Flags, CPU: r.CPU,
		DataSizeIn: uint32(len(r.Data)), DataIn: BytesPointer(r.Data),
		DataSizeOut: uint32(len(r.DataOut)), DataOut: BytesPointer(r.DataOut),
		CtxSizeIn: uint32(len(r.Ctx)), CtxIn: BytesPointer(r.Ctx),
		CtxSizeOut: uint32(len(r.CtxOut)), CtxOut: BytesPointer(r.CtxOut),
	}
	if r.Repeat > 1 {
		mask := maskSignals() // a signal would break a long run off
		defer mask.restore()
	}
	_, err = bpf(cmdProgTestRun, unsafe.Pointer(&a), unsafe.Sizeof(a))
	r.Ret, r.Nanoseconds = a.Ret, a.Duration
	r.DataOut = r.DataOut[:min(len(r.DataOut), int(a.DataSizeOut))]
	r.CtxOut = r.CtxOut[:min(len(r.CtxOut), int(a.CtxSizeOut))]
	return err
}

// cString is the text before the first zero byte.
func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// PageSize is the size of a memory page in bytes.
func PageSize() int { return os.Getpagesize() }
