package loader

import (
	"fmt"
	"io"
	"time"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Program is a program in the kernel.
type Program struct {
	name       string
	typ        spec.ProgramType
	attachType spec.AttachType
	attachTo   string
	probe      spec.Probe
	section    string
	instances  []*Map // of struct_ops, which it is a member of
	digest     string // of its instructions, if asked for
	fd         *sys.FD
}

// Name returns the name in the spec, which the kernel may have only a part of.
func (p *Program) Name() string { return p.name }

// Type returns the type of the program.
func (p *Program) Type() spec.ProgramType { return p.typ }

// AttachType returns what kind of hook the program was loaded for.
func (p *Program) AttachType() spec.AttachType { return p.attachType }

// Probe returns what a program of type kprobe probes, by the spec.
func (p *Program) Probe() spec.Probe { return p.probe }

// AttachTo returns what the spec says to attach to, for example the name of a tracepoint.
func (p *Program) AttachTo() string { return p.attachTo }

// Section returns the ELF section that the program came from; empty when it was built.
func (p *Program) Section() string { return p.section }

// WithFD calls fn with the program's descriptor, which stays open for the time of the call.
func (p *Program) WithFD(fn func(fd int) error) error {
	raw, err := p.fd.Acquire()
	if err != nil {
		return fmt.Errorf("use program %q: %w", p.name, err)
	}
	defer p.fd.Release()
	return fn(raw)
}

// Err returns why the program cannot be used: nil for one that was loaded, os.ErrClosed after Close.
func (p *Program) Err() error { return p.fd.Err() }

// Close closes the program. Links keep it in the kernel. It may be called again.
func (p *Program) Close() error { return p.fd.Close() }

// ProgramInfo is what the kernel says about a program.
type ProgramInfo struct {
	ID       uint32
	Type     spec.ProgramType
	Name     string // as the kernel keeps it, at most 15 bytes
	Tag      [8]byte
	Xlated   uint32 // bytes of instructions after the verifier's rewriting
	Jited    uint32 // bytes of machine code; 0 without a JIT, or for others than root
	LoadTime time.Duration
	UID      uint32
	BTF      uint32 // id of its BTF object; 0 is none
	Verified uint32 // instructions that the verifier walked (Linux 5.16)
	Funcs    uint32 // records about functions
	Lines    uint32 // records about source lines
	Maps     []uint32
	RunTime  time.Duration // only counted while kernel.bpf_stats_enabled is set, or EnableStats
	Runs     uint64        // likewise
	Missed   uint64        // runs that were left out because the program was running already
}

// Info asks the kernel about the program. LoadTime counts from the start of the machine.
func (p *Program) Info() (ProgramInfo, error) {
	var i sys.ProgInfo
	if err := sys.InfoOfProg(p.fd, &i); err != nil {
		return ProgramInfo{}, fmt.Errorf("describe program %q: %w", p.name, err)
	}
	ids := make([]byte, 4*i.MapCount)
	if i.MapCount > 0 {
		again := sys.ProgInfo{MapCount: i.MapCount, MapIDs: sys.BytesPointer(ids)}
		if err := sys.InfoOfProg(p.fd, &again); err != nil {
			return ProgramInfo{}, fmt.Errorf("describe program %q: %w", p.name, err)
		}
	}
	info := ProgramInfo{
		ID: i.ID, Type: spec.ProgramType(i.Type), Name: text(i.Name[:]), Tag: i.Tag, Xlated: i.XlatedLen,
		Jited: i.JitedLen, LoadTime: time.Duration(i.LoadTime), UID: i.UID, BTF: i.BTFID, Verified: i.VerifiedInsns,
		Funcs: i.FuncInfoCount, Lines: i.LineInfoCount,
		RunTime: time.Duration(i.RunTimeNs), Runs: i.RunCount, Missed: i.RecursionMisses,
	}
	for ; len(ids) >= 4; ids = ids[4:] {
		info.Maps = append(info.Maps, native.Uint32(ids))
	}
	return info, nil
}

// Xlated returns the instructions as the kernel has them after the verifier's rewriting, in the form
// of bpf(2): loads of maps have their ids, calls of helpers the distance from __bpf_call_base, or zero
// where the kernel shows no addresses. Nothing comes where it shows no instructions either.
func (p *Program) Xlated() ([]byte, error) {
	info, err := p.Info()
	if err != nil || info.Xlated == 0 {
		return nil, err
	}
	code := make([]byte, info.Xlated)
	i := sys.ProgInfo{XlatedLen: info.Xlated, Xlated: sys.BytesPointer(code)}
	if err := sys.InfoOfProg(p.fd, &i); err != nil {
		return nil, fmt.Errorf("describe program %q: %w", p.name, err)
	}
	return code, nil
}

// Jited returns the machine code of the program and its functions. Nothing comes without a JIT, or where
// the kernel shows no addresses (kernel.kptr_restrict, kernel.bpf_jit_harden).
func (p *Program) Jited() ([]byte, error) {
	info, err := p.Info()
	if err != nil || info.Jited == 0 {
		return nil, err
	}
	code := make([]byte, info.Jited)
	i := sys.ProgInfo{JitedLen: info.Jited, Jited: sys.BytesPointer(code)}
	if err := sys.InfoOfProg(p.fd, &i); err != nil {
		return nil, fmt.Errorf("describe program %q: %w", p.name, err)
	}
	if i.Jited == (sys.Pointer{}) {
		return nil, nil
	}
	return code, nil
}

// Pin gives the program a name in a bpf file system, so that it outlives the process. Several at once
// are made by Collection.Publish.
func (p *Program) Pin(path string) error {
	if err := sys.Pin(p.fd, path); err != nil {
		return fmt.Errorf("pin program %q to %s: %w", p.name, path, explainPin(path, err))
	}
	return nil
}

// BindMap makes the program keep a map that its instructions do not use (BPF_PROG_BIND_MAP, Linux 5.10),
// so that both live as long. Info lists it among the maps of the program.
func (p *Program) BindMap(m *Map) error {
	if err := sys.BindMap(p.fd, m.fd); err != nil {
		return fmt.Errorf("bind map %q to program %q: %w", m.name, p.name, kernel.Explain(err, sys.CapBPF.String()))
	}
	return nil
}

// EnableStats makes the kernel count the runs of all programs and the time that they take, which
// ProgramInfo has, until what it returns is closed, at the latest when the process ends
// (BPF_ENABLE_STATS, Linux 5.8). It makes each run some 20 ns longer, and takes CAP_SYS_ADMIN.
func EnableStats() (io.Closer, error) {
	fd, err := sys.EnableRunStats()
	if err != nil {
		return nil, fmt.Errorf("count runs of programs: %w", kernel.Explain(err, sys.CapSysAdmin.String()))
	}
	return fd, nil
}
