package loader

import (
	"errors"
	"fmt"
	"time"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// TestRunOptions say what a program works on in a test run. The zero value runs it once, without
// input.
type TestRunOptions struct {
	Data    []byte // input packet; XDP and the like need at least 14 bytes
	DataOut []byte // buffer for the packet afterwards; nil: not wanted
	Ctx     []byte // context struct, where the program type allows for one
	CtxOut  []byte // buffer for the context afterwards; nil: not wanted
	Repeat  uint32 // times to run; 0 is once
	Flags   uint32 // BPF_F_TEST_… of include/uapi/linux/bpf.h
	CPU     uint32 // with BPF_F_TEST_RUN_ON_CPU
}

// TestRun is the result of a test run.
type TestRun struct {
	Ret      uint32        // what the program returned
	Duration time.Duration // time of one run, measured by the kernel
	Data     []byte        // the packet afterwards: the part of DataOut that was written
	Ctx      []byte        // the context afterwards: the part of CtxOut that was written
}

// TestRun runs the program in the kernel on the input, without attaching it (BPF_PROG_TEST_RUN).
// Nothing is allocated.
//
// Not every type of program can be run like this; others return ErrNotSupported. ENOSPC says that a
// buffer was too small; the result has what fits.
func (p *Program) TestRun(o TestRunOptions) (TestRun, error) {
	t := sys.TestRun{
		Data: o.Data, DataOut: o.DataOut, Ctx: o.Ctx, CtxOut: o.CtxOut, Repeat: o.Repeat, Flags: o.Flags, CPU: o.CPU,
	}
	err := sys.RunProg(p.fd, &t)
	r := TestRun{Ret: t.Ret, Duration: time.Duration(t.Nanoseconds), Data: t.DataOut, Ctx: t.CtxOut}
	switch {
	case err == nil:
		return r, nil
	case errors.Is(err, sys.ENOTSUPP):
		return r, fmt.Errorf("run program %q: the kernel cannot test-run %v programs: %w", p.name, p.typ, err)
	case errors.Is(err, sys.ENOSPC):
		return r, fmt.Errorf("run program %q: the buffer for output is too small: %w", p.name, err)
	}
	return r, fmt.Errorf("run program %q: %w", p.name, err)
}
