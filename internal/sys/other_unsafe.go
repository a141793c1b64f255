//go:build !linux

package sys

import (
	"net/netip"
	"os"
	"sync/atomic"
	"unsafe"
)

func errnoName(Errno) string { return "" }

func bpf(cmd, unsafe.Pointer, uintptr) (int, error) { return -1, ErrNotSupported }

func bpfFast(cmd, unsafe.Pointer, uintptr) Errno { return ENOTSUPP }

type signalMask struct{}

func maskSignals() signalMask { return signalMask{} }

func (*signalMask) restore() {}

func dup(int) (int, error) { return -1, ErrNotSupported }

func closeRaw(int) {}

// Ring is the shared memory of a BPF ring buffer.
type Ring struct {
	Consumer *atomic.Uint64 // bytes that user space has given back
	Producer *atomic.Uint64 // bytes that the kernel has reserved
	Data     []byte         // twice the size of the ring, read-only
}

// MapRing returns ErrNotSupported.
func MapRing(int, int) (*Ring, error) { return nil, ErrNotSupported }

// Header returns 0.
func (r *Ring) Header(int) uint32 { return 0 }

// Unmap does nothing.
func (r *Ring) Unmap() error { return nil }

// MapMemory returns ErrNotSupported.
func MapMemory(int, int, uint64) (*Memory, error) { return nil, ErrNotSupported }

// Address returns 0.
func (m *Memory) Address() uint64 { return 0 }

// Unmap does nothing.
func (m *Memory) Unmap() error { return nil }

// MapFile returns ErrNotSupported.
func MapFile(*FD, int) ([]byte, func(), error) { return nil, nil, ErrNotSupported }

// Scratch returns ErrNotSupported.
func Scratch(int) ([]byte, func(), error) { return nil, nil, ErrNotSupported }

// Open returns ErrNotSupported.
func Open(string) (*FD, error) { return nil, ErrNotSupported }

// ReadAll returns ErrNotSupported.
func ReadAll(*FD) ([]byte, error) { return nil, ErrNotSupported }

// FileSize returns ErrNotSupported.
func FileSize(*FD) (int64, error) { return 0, ErrNotSupported }

// Pollable returns ErrNotSupported.
func Pollable(int) (*os.File, error) { return nil, ErrNotSupported }

// IsTerminal returns false.
func IsTerminal(*os.File) bool { return false }

// TerminalWidth returns 0.
func TerminalWidth(*os.File) int { return 0 }

// Uname returns ErrNotSupported.
func Uname() (release, version string, err error) { return "", "", ErrNotSupported }

// RaiseMemlock returns ErrNotSupported.
func RaiseMemlock() error { return ErrNotSupported }

// Probe is a kprobe or a tracepoint to be opened as a perf event.
type Probe struct {
	Type   uint32 // PMU type; 2 (PERF_TYPE_TRACEPOINT) for tracepoints
	Config uint64 // tracepoint id, or the flags of the probe PMU
	Name   string // kprobe: function
	Offset uint64 // kprobe: bytes from its start
}

// OpenProbe returns ErrNotSupported.
func OpenProbe(Probe) (*FD, error) { return nil, ErrNotSupported }

// SetEventProg returns ErrNotSupported.
func SetEventProg(*FD, int) error { return ErrNotSupported }

// EnableEvent returns ErrNotSupported.
func EnableEvent(*FD) error { return ErrNotSupported }

// DisableEvent returns ErrNotSupported.
func DisableEvent(*FD) error { return ErrNotSupported }

// InNetns returns ErrNotSupported.
func InNetns(*FD, func() error) error { return ErrNotSupported }

// InNetnsPath returns ErrNotSupported.
func InNetnsPath(string, func() error) error { return ErrNotSupported }

// NewNetns returns ErrNotSupported.
func NewNetns() (*FD, error) { return nil, ErrNotSupported }

// OpenPacketSocket returns ErrNotSupported.
func OpenPacketSocket() (*FD, error) { return nil, ErrNotSupported }

// SetSocketProg returns ErrNotSupported.
func SetSocketProg(*FD, int) error { return ErrNotSupported }

// BindPacketSocket returns ErrNotSupported.
func BindPacketSocket(*FD, int) error { return ErrNotSupported }

// InterfaceIndex returns ErrNotSupported.
func InterfaceIndex(string) (int, error) { return 0, ErrNotSupported }

// End is one end of a veth pair.
type End struct {
	Name string
	MAC  [6]byte
}

// CreateVeth returns ErrNotSupported.
func CreateVeth(End, End, *FD) error { return ErrNotSupported }

// SetUp returns ErrNotSupported.
func SetUp(int) error { return ErrNotSupported }

// DeleteInterface returns ErrNotSupported.
func DeleteInterface(int) error { return ErrNotSupported }

// AddAddress returns ErrNotSupported.
func AddAddress(int, netip.Prefix) error { return ErrNotSupported }

// AddNeighbour returns ErrNotSupported.
func AddNeighbour(int, netip.Addr, [6]byte) error { return ErrNotSupported }

// StartTCP returns ErrNotSupported.
func StartTCP(netip.Addr, netip.AddrPort) error { return ErrNotSupported }

// Open returns ErrNotSupported.
func (FileSystem) Open(string) (*FD, error) { return nil, ErrNotSupported }

// Holds returns false.
func (FileSystem) Holds(string) bool { return false }

// ReadFile returns ErrNotSupported.
func (FileSystem) ReadFile(string) ([]byte, error) { return nil, ErrNotSupported }

// ReadDir returns ErrNotSupported.
func (FileSystem) ReadDir(string) ([]string, error) { return nil, ErrNotSupported }

// Mount returns ErrNotSupported.
func Mount(string) (*FD, error) { return nil, ErrNotSupported }

// Monotonic returns ErrNotSupported.
func Monotonic() (uint64, error) { return 0, ErrNotSupported }
