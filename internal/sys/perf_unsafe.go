//go:build linux

package sys

import (
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Probe is a kprobe or a tracepoint to be opened as a perf event.
type Probe struct {
	Type   uint32 // PMU type; 2 (PERF_TYPE_TRACEPOINT) for tracepoints
	Config uint64 // tracepoint id, or the flags of the probe PMU
	Name   string // kprobe: function
	Offset uint64 // kprobe: bytes from its start
}

// OpenProbe opens a perf event that no task owns, switched off.
func OpenProbe(p Probe) (*FD, error) {
	if strings.IndexByte(p.Name, 0) >= 0 {
		return nil, EINVAL
	}
	a := unix.PerfEventAttr{
		Type: p.Type, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Config: p.Config,
		Sample: 1, Wakeup: 1, Sample_type: unix.PERF_SAMPLE_RAW,
		Bits: unix.PerfBitDisabled,
	}
	name := StringPointer(p.Name)
	if p.Name != "" {
		a.Ext1, a.Ext2 = uint64(uintptr(name.p)), p.Offset
	}
	raw, err := unix.PerfEventOpen(&a, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	runtime.KeepAlive(name.p)
	if err != nil {
		return nil, wrapErrno(err)
	}
	return NewFD(raw)
}

// SetEventProg lets a program run at a perf event (kernels below 5.15, which have no perf link).
func SetEventProg(f *FD, prog int) error { return ioctl(f, unix.PERF_EVENT_IOC_SET_BPF, prog) }

// EnableEvent switches a perf event on.
func EnableEvent(f *FD) error { return ioctl(f, unix.PERF_EVENT_IOC_ENABLE, 0) }

// DisableEvent switches a perf event off.
func DisableEvent(f *FD) error { return ioctl(f, unix.PERF_EVENT_IOC_DISABLE, 0) }

func ioctl(f *FD, req uint, arg int) error {
	raw, err := f.Acquire()
	if err != nil {
		return err
	}
	defer f.Release()
	return wrapErrno(unix.IoctlSetInt(raw, req, arg))
}
