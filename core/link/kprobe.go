package link

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// KprobeOptions say where a kprobe program is attached.
type KprobeOptions struct {
	Function string // empty is what the program's section says
	Offset   uint64 // bytes from its start
	Return   bool   // run when the function returns
	Cookie   uint64 // bpf_get_attach_cookie (Linux 5.15); 0 is none
}

// Kprobe attaches a program to a kernel function by way of a perf event (Linux 4.17). An offset past
// the function's end is an error.
func Kprobe(p *loader.Program, o KprobeOptions) (Link, error) {
	if o.Function == "" {
		o.Function = p.AttachTo()
	}
	r := request{
		program: p, kind: spec.HookKprobe, target: "function " + o.Function,
		advice: map[sys.Errno]string{
			sys.ENOENT:        "this kernel has no such function, or was built without kprobes",
			sys.EILSEQ:        fmt.Sprintf("no instruction of the function begins at offset %d", o.Offset),
			sys.EADDRNOTAVAIL: "the kernel has several functions of that name and cannot tell which one is meant",
		},
	}
	return r.do(func(prog int) (Link, error) {
		if o.Function == "" {
			return nil, errors.New("no function was given")
		}
		why, err := kernel.New(kernel.Options{}).Outside(o.Function, o.Offset)
		if err != nil {
			return nil, err
		}
		if why != "" {
			return nil, errors.New(why)
		}
		probe, err := kprobe(o)
		if err != nil {
			return nil, err
		}
		l, err := r.attachEvent(prog, probe, o.Cookie)
		if errors.Is(err, sys.EINVAL) {
			r.advice[sys.EINVAL] = o.refusal(kernel.New(kernel.Options{}))
		}
		return l, err
	})
}

// refusal says why the kernel cannot probe there, for which it has but one answer
// (register_kretprobe and check_kprobe_address_safe of kernel/kprobes.c).
func (o KprobeOptions) refusal(k *kernel.Kernel) string {
	if o.Return && o.Offset != 0 {
		return fmt.Sprintf("a probe at the return of a function takes no offset, and %d was given", o.Offset)
	}
	if why := k.Unprobeable(o.Function, o.Offset); why != "" {
		return why
	}
	return "the function cannot be probed there"
}

// kprobe asks the kernel how probes are opened
// (Documentation/ABI/testing/sysfs-bus-event_source-devices-format).
func kprobe(o KprobeOptions) (sys.Probe, error) {
	const device = "bus/event_source/devices/kprobe/"
	p := sys.Probe{Name: o.Function, Offset: o.Offset}
	b, err := sys.Sysfs.ReadFile(device + "type")
	if errors.Is(err, fs.ErrNotExist) {
		return p, &kernel.OptionError{Feature: "kprobes", Option: "CONFIG_KPROBE_EVENTS"}
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
	if b, err = sys.Sysfs.ReadFile(device + "format/retprobe"); err != nil {
		return p, err
	}
	bit, err := strconv.ParseUint(strings.TrimPrefix(string(bytes.TrimSpace(b)), "config:"), 10, 6)
	if err != nil {
		return p, fmt.Errorf("cannot read the format of kprobes %q", b)
	}
	p.Config = 1 << bit
	return p, nil
}

// attachKprobe attaches as a spec says. The kernel looks up functions of modules as "module:function"
// (kallsyms_lookup_name of kernel/kallsyms.c).
func attachKprobe(p *loader.Program, a spec.Attach, t spec.Target) (Link, error) {
	o := KprobeOptions{Function: t.Name, Offset: t.Offset, Return: p.Probe().AtReturn(), Cookie: a.Cookie}
	if t.Module != "" && t.Module != spec.Vmlinux {
		o.Function = t.Module + ":" + t.Name
	}
	return Kprobe(p, o)
}
