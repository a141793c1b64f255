package loader

import (
	"errors"
	"fmt"
	"time"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// Run is one test run of a program: input, room for output, and after Program.Run the result.
// A value may be used again; nothing is allocated.
type Run struct {
	Data    []byte // input packet; XDP and the like need at least 14 bytes
	DataOut []byte // room for the packet afterwards; shortened to what was written. nil: not wanted
	Ctx     []byte // context struct, where the program type allows for one
	CtxOut  []byte // room for the context afterwards; shortened to what was written
	Repeat  uint32 // times to run; 0 is once
	Flags   uint32 // BPF_F_TEST_… of include/uapi/linux/bpf.h
	CPU     uint32 // with BPF_F_TEST_RUN_ON_CPU

	Ret      uint32        // result: what the program returned
	Duration time.Duration // result: time of one run, measured by the kernel
}

// Run runs the program in the kernel on the input, without attaching it (BPF_PROG_TEST_RUN). Not
// every type of program can be run like this; others return ErrNotSupported.
func (p *Program) Run(r *Run) error {
	t := sys.TestRun{
		Data: r.Data, DataOut: r.DataOut, Ctx: r.Ctx, CtxOut: r.CtxOut, Repeat: r.Repeat, Flags: r.Flags, CPU: r.CPU,
	}
	err := sys.RunProg(p.fd, &t)
	r.DataOut, r.CtxOut, r.Ret, r.Duration = t.DataOut, t.CtxOut, t.Ret, time.Duration(t.Nanoseconds)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sys.ENOTSUPP):
		return fmt.Errorf("run program %q: %w: the kernel cannot test-run %v programs", p.name, ErrNotSupported, p.typ)
	case errors.Is(err, sys.ENOSPC):
		return fmt.Errorf("run program %q: the room for output is too small: %w", p.name, err)
	}
	return fmt.Errorf("run program %q: %w", p.name, err)
}
