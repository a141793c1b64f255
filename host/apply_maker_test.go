package host

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/policy"
)

// gateMaker makes random plugins. With targets it makes only what the running kernel takes, and
// attaches to these only.
type gateMaker struct {
	r       *rand.Rand
	targets map[spec.HookKind]spec.Attach // nil is anything, for a backend that takes everything
	c       *spec.Collection
}

// one returns a random one of a list; some, whether something with a chance of one in n happens.
func one[T any](m *gateMaker, list ...T) T { return list[m.r.IntN(len(list))] }

func (m *gateMaker) some(n int) bool { return m.r.IntN(n) == 0 }

// make makes a plugin: its object, what it edits, what it asks for.
func (m *gateMaker) make() *gateCase {
	m.c = &spec.Collection{Order: asm.LittleEndian, License: "GPL"}
	for i := range m.r.IntN(4) {
		m.c.Maps = append(m.c.Maps, m.mapOf(fmt.Sprint("m", i)))
	}
	for i := range 1 + m.r.IntN(3) {
		m.c.Programs = append(m.c.Programs, m.program(fmt.Sprint("p", i)))
	}
	m.tailCalls()
	m.structOps()
	for _, p := range m.c.Programs {
		m.attach(p)
	}
	out := &gateCase{object: m.c, requests: m.requests()}
	for range m.r.IntN(4) {
		out.edits = append(out.edits, m.edit(len(out.edits)))
	}
	return out
}

// mapOf makes a map.
func (m *gateMaker) mapOf(name string) *spec.Map {
	out := &spec.Map{Name: name, KeySize: 4, ValueSize: 8, MaxEntries: uint32(1 + m.r.IntN(64))}
	out.Type = one(m, spec.MapHash, spec.MapArray, spec.MapPerCPUArray, spec.MapPerCPUHash, spec.MapLRUHash, spec.MapLPMTrie,
		spec.MapRingbuf, spec.MapQueue, spec.MapStackTrace, spec.MapArrayOfMaps, spec.MapHashOfMaps, spec.MapDevmap)
	switch out.Type {
	case spec.MapLPMTrie:
		out.KeySize, out.Flags = 8, spec.FlagNoPrealloc
	case spec.MapRingbuf:
		out.KeySize, out.ValueSize, out.MaxEntries = 0, 0, 4096<<m.r.IntN(3)
	case spec.MapQueue:
		out.KeySize = 0
	case spec.MapArrayOfMaps, spec.MapHashOfMaps:
		out.ValueSize = 4
		out.Inner = &spec.Map{Type: one(m, spec.MapHash, spec.MapArray), KeySize: 4, ValueSize: uint32(8 << m.r.IntN(3)), MaxEntries: 8}
		if m.some(2) {
			inner := out.Inner.Clone()
			inner.Name = name + "_inner"
			m.c.Maps = append(m.c.Maps, inner)
			out.Values = []spec.MapValue{{Key: 0, Name: inner.Name}}
		}
	case spec.MapDevmap:
		out.ValueSize = 4
	case spec.MapArray:
		if m.some(3) {
			out.Name, out.MaxEntries, out.Data, out.Freeze = ".rodata."+name, 1, make([]byte, 8), true
		}
	}
	if m.targets == nil && out.Data == nil && m.some(5) {
		out.Pinning = spec.PinByName
	}
	return out
}

// kernelTypes are the programs that the running kernel is tried with, and what they return.
var kernelTypes = map[spec.ProgramType]int32{
	spec.ProgramXDP: 2, spec.ProgramSchedCls: 0, spec.ProgramCgroupSkb: 1, spec.ProgramSkLookup: 1, spec.ProgramSocketFilter: 0,
}

// otherTypes are the programs that only a backend that takes everything is tried with.
var otherTypes = []spec.ProgramType{
	spec.ProgramTracing, spec.ProgramKprobe, spec.ProgramTracepoint, spec.ProgramRawTracepoint, spec.ProgramLSM, spec.ProgramSyscall, spec.ProgramExt,
}

// program makes a program of snippets that every verifier takes.
func (m *gateMaker) program(name string) *spec.Program {
	p := &spec.Program{Name: name, Type: one(m, slices.Sorted(maps.Keys(kernelTypes))...)}
	if m.targets == nil && m.some(2) {
		p.Type = one(m, otherTypes...)
	}
	switch p.Type {
	case spec.ProgramSkLookup:
		p.AttachType = spec.AttachTypeSkLookup
	case spec.ProgramCgroupSkb:
		p.AttachType = spec.AttachTypeCgroupInetEgress
	case spec.ProgramTracing:
		p.AttachType = one(m, spec.AttachTypeTraceFentry, spec.AttachTypeTraceRawTp, spec.AttachTypeModifyReturn, spec.AttachTypeTraceIter)
		p.AttachTo = one(m, "tcp_connect", "tcp_connect___x", "vmlinux:tcp_connect", "nf-tables:f", "sched_switch")
	case spec.ProgramLSM:
		p.AttachType, p.AttachTo = spec.AttachTypeLSMMac, one(m, "file_open", "bprm_check_security")
	case spec.ProgramKprobe:
		p.AttachTo = one(m, "tcp_connect", "do_unlinkat")
	case spec.ProgramTracepoint:
		p.AttachTo = one(m, "sched/sched_switch", "syscalls/sys_enter_openat")
	case spec.ProgramRawTracepoint:
		p.AttachTo = one(m, "sched_switch", "sys_enter")
	case spec.ProgramSyscall:
		p.Flags = spec.FlagSleepable
	}
	if m.targets == nil {
		p.Optional = m.some(4)
	}
	insns := []asm.Insn{asm.Mov64Reg(asm.R6, asm.R1)}
	for range m.r.IntN(6) {
		insns = append(insns, m.snippet(p)...)
	}
	insns = append(insns, asm.Mov64Imm(asm.R0, kernelTypes[p.Type]), asm.Exit())
	p.Insns = wrapInsns(insns)
	return p
}

func wrapInsns(list []asm.Insn) spec.Insns {
	out := make([]spec.Insn, len(list))
	for i, in := range list {
		out[i].Insn = in
	}
	return spec.NewInsns(out...)
}

// snippet is a call or a load with what it needs. The stack below r10 is zero, r6 is the context.
func (m *gateMaker) snippet(p *spec.Program) []asm.Insn {
	zero := func(n int16) (out []asm.Insn) {
		for at := int16(8); at <= n; at += 8 {
			out = append(out, asm.StoreImm(asm.R10, -at, 0, asm.DWord))
		}
		return append(out, asm.Mov64Reg(asm.R2, asm.R10), asm.ALU64Imm(asm.Add, asm.R2, int32(-n)))
	}
	var use *spec.Map
	if len(m.c.Maps) > 0 {
		use = one(m, m.c.Maps...)
	}
	switch n := m.r.IntN(8); {
	case n == 0:
		return []asm.Insn{asm.Call(asm.HelperKtimeGetNs)}
	case n == 1:
		return []asm.Insn{asm.Call(asm.HelperGetPrandomU32)}
	case n == 2 && p.Type == spec.ProgramSchedCls:
		return []asm.Insn{asm.CallKfunc("bpf_rcu_read_lock"), asm.CallKfunc("bpf_rcu_read_unlock")}
	case n == 3 && m.some(2):
		return []asm.Insn{asm.LoadKsym(asm.R1, one(m, "commit_creds", "schedule"))}
	case n == 4 && m.targets == nil:
		return m.dangerous(p)
	case use == nil, use.Type == spec.MapDevmap && p.Type != spec.ProgramXDP: // it belongs to programs of one type
		return []asm.Insn{asm.Call(asm.HelperGetSmpProcessorID)}
	case use.Data != nil:
		return []asm.Insn{asm.LoadMapValue(asm.R1, use.Name, 0), asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord)}
	case use.Type == spec.MapRingbuf:
		return append(zero(8), asm.LoadMap(asm.R1, use.Name), asm.Mov64Imm(asm.R3, 8), asm.Mov64Imm(asm.R4, 0), asm.Call(asm.HelperRingbufOutput))
	case use.Type.PlainData():
		return append(zero(8), asm.LoadMap(asm.R1, use.Name), asm.Call(asm.HelperMapLookupElem))
	}
	return []asm.Insn{asm.LoadMap(asm.R1, use.Name)}
}

// dangerous is a call that no wildcard grants, or one that no policy does.
func (m *gateMaker) dangerous(p *spec.Program) []asm.Insn {
	var out []asm.Insn
	for _, reg := range []asm.Reg{asm.R1, asm.R2, asm.R3, asm.R4, asm.R5} {
		out = append(out, asm.Mov64Imm(reg, 0))
	}
	switch {
	case m.some(20):
		return append(out, asm.Insn{Op: asm.OpLoadImm64, Dst: asm.R1, Src: asm.PseudoMapFD, Imm: 5})
	case p.Type == spec.ProgramKprobe:
		return append(out, asm.Call(one(m, asm.HelperProbeWriteUser, asm.HelperSendSignal, asm.HelperProbeReadKernel)))
	case p.Type == spec.ProgramTracing:
		return append(out, asm.Call(asm.HelperProbeReadUser), asm.CallKfunc(one(m, "bpf_send_signal_task", "bpf_send_signal_task___x", "nobody_knows")))
	}
	return out
}

// tailCalls puts programs into an array of programs, which one of them may use.
func (m *gateMaker) tailCalls() {
	if !m.some(3) {
		return
	}
	p := one(m, m.c.Programs...)
	if p.Optional || m.targets == nil && !slices.Contains(slices.Collect(maps.Keys(kernelTypes)), p.Type) {
		return
	}
	m.c.Maps = append(m.c.Maps, &spec.Map{
		Name: "calls", Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2, Values: []spec.MapValue{{Key: 1, Name: p.Name}},
	})
	caller := &spec.Program{Name: "caller", Type: p.Type, AttachType: p.AttachType}
	caller.Insns = wrapInsns([]asm.Insn{
		asm.LoadMap(asm.R2, "calls"), asm.Mov64Imm(asm.R3, 1), asm.Call(asm.HelperTailCall), asm.Mov64Imm(asm.R0, kernelTypes[p.Type]), asm.Exit(),
	})
	m.c.Programs = append(m.c.Programs, caller)
}

// structOps makes an instance of struct_ops with a program in it.
func (m *gateMaker) structOps() {
	if m.targets != nil || !m.some(8) {
		return
	}
	implemented := one(m, "tcp_congestion_ops", "tcp_congestion_ops___x", "sched_ext_ops")
	m.c.Maps = append(m.c.Maps, &spec.Map{
		Name: "ops", Type: spec.MapStructOps, KeySize: 4, ValueSize: 64, MaxEntries: 1,
		Values: []spec.MapValue{{Key: 8, Name: "member"}},
	})
	m.c.Programs = append(m.c.Programs, &spec.Program{
		Name: "member", Type: spec.ProgramStructOps, AttachTo: implemented + ".init",
		Insns: wrapInsns([]asm.Insn{asm.Mov64Imm(asm.R0, 0), asm.Exit()}),
	})
}

// attach attaches a program, or does not.
func (m *gateMaker) attach(p *spec.Program) {
	kind := spec.HookOf(p)
	if kind == spec.HookNone || m.some(3) {
		return
	}
	a := spec.Attach{Program: p.Name, Kind: kind}
	if m.targets != nil {
		t, ok := m.targets[kind]
		if !ok || slices.ContainsFunc(m.c.Attach, func(have spec.Attach) bool { return have.Kind == kind && kind != spec.HookTCX }) {
			return
		}
		t.Program = p.Name
		m.c.Attach = append(m.c.Attach, t)
		return
	}
	switch kind {
	case spec.HookXDP, spec.HookTCX, spec.HookSocket:
		a.Target, a.Netns = one(m, "eth0", "veth1", "lo"), one(m, "", "/run/netns/a", "/run/netns/b")
	case spec.HookCgroup:
		a.Target = one(m, "/sys/fs/cgroup/app", "/sys/fs/cgroup")
	case spec.HookNetns:
		a.Target = one(m, "/run/netns/a", "/proc/self/ns/net")
	case spec.HookStructOps:
		a.Target = "ops"
	case spec.HookKprobe:
		a.Target = one(m, "", "tcp_connect+0x10", "nf-tables:f")
	}
	a.Optional = m.some(5)
	m.c.Attach = append(m.c.Attach, a)
}

// edit is something that the plugin does to the object.
func (m *gateMaker) edit(n int) func(f guest.Functions, object uint32) int32 {
	program := []byte(one(m, m.c.Programs...).Name)
	name := fmt.Appendf(nil, "e%d", n)
	target := []byte(one(m, "eth0", "veth1"))
	switch m.r.IntN(4) {
	case 0: // a call more
		return func(f guest.Functions, object uint32) int32 {
			p := f.Find(object, abi.KindProgram, program)
			if p < 0 {
				return p
			}
			return f.InsnAsm(uint32(p), 1, 0, []byte("call bpf_get_smp_processor_id"))
		}
	case 1: // a map more
		return func(f guest.Functions, object uint32) int32 {
			h := f.Add(object, abi.KindMap, name)
			if h < 0 {
				return h
			}
			for p, v := range map[abi.Prop]uint64{
				abi.PropMapType: uint64(spec.MapArray), abi.PropMapKeySize: 4, abi.PropMapValueSize: 8, abi.PropMapMaxEntries: 4,
			} {
				if rc := f.SetU(uint32(h), p, v); rc < 0 {
					return rc
				}
			}
			return h
		}
	case 2: // something that goes away again
		return func(f guest.Functions, object uint32) int32 {
			h := f.Add(object, abi.KindProgram, name)
			if h < 0 {
				return h
			}
			if rc := f.SetU(uint32(h), abi.PropProgramType, uint64(spec.ProgramTracepoint)); rc < 0 {
				return rc
			}
			return f.Remove(uint32(h))
		}
	}
	if m.targets != nil {
		return func(guest.Functions, uint32) int32 { return 0 }
	}
	return func(f guest.Functions, object uint32) int32 { // an attachment more
		p := f.Find(object, abi.KindProgram, program)
		if typ, _ := f.GetU(uint32(p), abi.PropProgramType); spec.ProgramType(typ) != spec.ProgramXDP {
			return 0
		}
		a := f.AttachAdd(uint32(p), abi.AttachXDP)
		if a < 0 {
			return a
		}
		return f.SetB(uint32(a), abi.PropAttachTarget, target)
	}
}

// requests asks for everything, by patterns and by the names that the object has; sometimes not for
// all of it.
func (m *gateMaker) requests() []string {
	list := []string{
		"program *", "map *", "helper *", "kfunc *", "ksym *", "attach *", "map-rw *", "object edit", "sleepable", "modify_return",
		"pin-read *", "pin-write *",
	}
	if m.some(3) {
		list[6] = "map-rw m0"
	}
	if m.some(3) {
		list = append(list, one(m, "pin-share *", "pin-share m1"))
	}
	for _, a := range policy.Accesses(policy.Final{Collections: []policy.Input{{Collection: m.c}}}) {
		text := a.Kind.String() + " " + a.Name
		if _, err := policy.ParseRequests([]string{text}); err == nil {
			list = append(list, text)
		}
	}
	if m.some(10) {
		i := m.r.IntN(len(list))
		list = slices.Delete(list, i, i+1)
	}
	return list
}
