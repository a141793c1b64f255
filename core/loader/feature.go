package loader

import (
	"errors"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// since is a kernel version.
type since struct{ major, minor int }

// mapSince has the map types that are younger than Linux 5.10 (Documentation/bpf and the merge
// windows of include/uapi/linux/bpf.h).
var mapSince = map[spec.MapType]since{
	spec.MapTaskStorage: {5, 11},
	spec.MapBloomFilter: {5, 16},
	spec.MapUserRingbuf: {6, 1},
	spec.MapCgrpStorage: {6, 2},
	spec.MapArena:       {6, 9},
}

// programSince has the program types that are younger than Linux 5.10.
var programSince = map[spec.ProgramType]since{
	spec.ProgramSyscall:   {5, 14},
	spec.ProgramNetfilter: {6, 4},
}

// attachSince has the attach types, by the names of spec, that are younger than Linux 5.10.
var attachSince = map[string]since{
	"sk_reuseport_select_or_migrate": {5, 14},
	"perf_event":                     {5, 15},
	"trace_kprobe_multi":             {5, 18},
	"lsm_cgroup":                     {6, 0},
	"struct_ops":                     {6, 4},
	"netfilter":                      {6, 4},
	"tcx_ingress":                    {6, 6},
	"tcx_egress":                     {6, 6},
	"trace_uprobe_multi":             {6, 6},
	"netkit_primary":                 {6, 7},
	"netkit_peer":                    {6, 7},
	"cgroup_unix_connect":            {6, 7},
	"cgroup_unix_sendmsg":            {6, 7},
	"cgroup_unix_recvmsg":            {6, 7},
	"cgroup_unix_getpeername":        {6, 7},
	"cgroup_unix_getsockname":        {6, 7},
	"trace_kprobe_session":           {6, 10},
	"trace_uprobe_session":           {6, 13},
}

// programFlagSince has the load flags that are younger than Linux 5.10.
var programFlagSince = []struct {
	flag spec.ProgramFlags
	name string
	from since
}{
	{spec.FlagXDPFrags, "XDP programs for packets in fragments", since{5, 18}},
}

// tooOld returns a *FeatureError when the kernel is older than s, otherwise err.
func (k *Kernel) tooOld(feature string, s since, err error) error {
	if s.major == 0 || !k.before(s.major, s.minor) {
		return err
	}
	return &FeatureError{Feature: feature, MinKernel: s.String(), Running: k.running().String(), Err: err}
}

// explainProgram finds what of a refused program the kernel is too old for.
func (k *Kernel) explainProgram(p *spec.Program, err error) error {
	attach := p.AttachType.String()
	for _, e := range []error{
		k.tooOld(p.Type.String()+" programs", programSince[p.Type], err),
		k.tooOld(attach+" programs", attachSince[attach], err),
	} {
		if errors.Is(e, ErrNotSupported) {
			return e
		}
	}
	if slices.ContainsFunc(p.Insns, func(i spec.Insn) bool { return i.Op == asm.OpLoadImm64 && i.Ref.Kind == asm.RefFunc }) {
		err = k.tooOld("callbacks", since{5, 13}, err)
	}
	for _, f := range programFlagSince {
		if p.Flags&f.flag != 0 {
			err = k.tooOld(f.name, f.from, err)
		}
	}
	return err
}
