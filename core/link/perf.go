package link

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// perfTracepoint is PERF_TYPE_TRACEPOINT (include/uapi/linux/perf_event.h).
const perfTracepoint = 2

// TracepointOptions say where a tracepoint program is attached.
type TracepointOptions struct {
	Category string // "sched"
	Name     string // "sched_process_exec"; both empty is what the program's section says
	Cookie   uint64 // bpf_get_attach_cookie (Linux 5.15); 0 is none
}

// Tracepoint attaches a program to a tracepoint by way of a perf event (Linux 4.7).
func Tracepoint(p *loader.Program, o TracepointOptions) (*Link, error) {
	if o.Category == "" && o.Name == "" {
		o.Category, o.Name, _ = strings.Cut(p.AttachTo(), "/")
	}
	r := request{
		program: p, kind: spec.AttachTracepoint, target: "tracepoint " + o.Category + "/" + o.Name,
		caps:  []sys.Capability{sys.CapBPF, sys.CapPerfmon},
		types: []spec.ProgramType{spec.ProgramTracepoint},
		advice: map[sys.Errno]string{
			sys.ENOENT: "this kernel has no such tracepoint",
			sys.EACCES: "the program reads more than this tracepoint gives",
		},
	}
	return r.do(func(l *Link, prog int) error {
		id, err := tracepointID(o.Category, o.Name)
		if err != nil {
			return err
		}
		return attachEvent(l, prog, sys.Probe{Type: perfTracepoint, Config: id}, o.Cookie)
	})
}

// tracepointID looks a tracepoint up in the tracing file system.
func tracepointID(category, name string) (uint64, error) {
	if !isName(category) || !isName(name) {
		return 0, fmt.Errorf("a tracepoint is named category/name")
	}
	file := path.Join("events", category, name, "id")
	var b []byte
	err := fs.ErrNotExist
	for _, root := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		if b, err = os.ReadFile(path.Join(root, file)); err == nil {
			break
		}
	}
	if err != nil { // perhaps it is mounted nowhere
		if b, err = sys.ReadTracefs(file); err != nil {
			return 0, fmt.Errorf("look up tracepoint: %w", err)
		}
	}
	id, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("look up tracepoint: cannot read its id %q", b)
	}
	return id, nil
}

// isName reports whether s can be one part of a tracepoint's name, and no path.
func isName(s string) bool {
	for _, c := range s {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}

// KprobeOptions say where a kprobe program is attached.
type KprobeOptions struct {
	Function string // empty is what the program's section says
	Offset   uint64 // bytes from its start
	Return   bool   // run when the function returns
	Cookie   uint64 // bpf_get_attach_cookie (Linux 5.15); 0 is none
}

// Kprobe attaches a program to a kernel function by way of a perf event (Linux 4.17).
func Kprobe(p *loader.Program, o KprobeOptions) (*Link, error) {
	if o.Function == "" {
		o.Function = p.AttachTo()
	}
	r := request{
		program: p, kind: spec.AttachKprobe, target: "function " + o.Function,
		caps:  []sys.Capability{sys.CapBPF, sys.CapPerfmon},
		types: []spec.ProgramType{spec.ProgramKprobe},
		advice: map[sys.Errno]string{
			sys.ENOENT: "this kernel has no such function, or was built without kprobes",
			sys.EINVAL: "the function cannot be probed there",
		},
	}
	return r.do(func(l *Link, prog int) error {
		if o.Function == "" {
			return errors.New("no function was given")
		}
		probe, err := kprobe(o)
		if err != nil {
			return err
		}
		return attachEvent(l, prog, probe, o.Cookie)
	})
}

// kprobe asks the kernel how probes are opened (Documentation/ABI/testing/sysfs-bus-event_source-devices-format).
func kprobe(o KprobeOptions) (sys.Probe, error) {
	const device = "/sys/bus/event_source/devices/kprobe/"
	p := sys.Probe{Name: o.Function, Offset: o.Offset}
	b, err := os.ReadFile(device + "type")
	if errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("kprobes: %w by this kernel", loader.ErrNotSupported)
	}
	if err != nil {
		return p, err
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 32)
	if err != nil {
		return p, fmt.Errorf("cannot read the type of kprobes %q", b)
	}
	p.Type = uint32(n)
	if !o.Return {
		return p, nil
	}
	if b, err = os.ReadFile(device + "format/retprobe"); err != nil {
		return p, err
	}
	bit, err := strconv.ParseUint(strings.TrimPrefix(string(bytes.TrimSpace(b)), "config:"), 10, 6)
	if err != nil {
		return p, fmt.Errorf("cannot read the format of kprobes %q", b)
	}
	p.Config = 1 << bit
	return p, nil
}

// attachEvent opens a perf event and lets the program run at it.
func attachEvent(l *Link, prog int, probe sys.Probe, cookie uint64) (err error) {
	if l.event, err = sys.OpenProbe(probe); err != nil {
		return fmt.Errorf("open perf event: %w", err)
	}
	raw, err := l.event.Acquire()
	if err != nil {
		return err
	}
	defer l.event.Release()
	l.fd, err = sys.CreatePerfLink(&sys.LinkCreatePerf{
		LinkCreate: sys.LinkCreate{ProgFD: uint32(prog), Target: uint32(raw), AttachType: uint32(spec.AttachTypePerfEvent)},
		Cookie:     cookie,
	})
	if err != nil && older(spec.AttachTypePerfEvent.Since()) {
		if cookie != 0 {
			return tooOld("cookies of perf events", spec.AttachTypePerfEvent.Since(), err)
		}
		err = sys.SetEventProg(l.event, prog)
	}
	if err != nil {
		return err
	}
	return sys.EnableEvent(l.event)
}
