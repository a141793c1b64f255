package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
)

// TestEvents attaches a program and has the events of the table happen.
func TestEvents(t *testing.T) {
	type prog struct {
		kind    spec.HookKind
		typ     spec.ProgramType
		attach  spec.AttachType
		target  string
		section string
		text    string
	}
	raw := func(text string) prog {
		return prog{spec.HookRawTracepoint, spec.ProgramRawTracepoint, 0, "sys_enter", "", text}
	}
	const first = "r0 = *(u64 *)(r1 + 0)\nexit"
	const second = "r0 = *(u64 *)(r1 + 8)\nexit"
	for _, tt := range []struct {
		name, events string
		progs        []prog
		want, err    string
	}{
		{"arguments", `{"hook":"raw_tracepoint/sys_enter","args":[7,-8]}`, []prog{raw(second)}, "p0=-8", ""},
		{"process", `{"hook":"raw_tracepoint/sys_enter","pid":5,"tgid":4,"cpu":0}`, []prog{raw("call bpf_get_current_pid_tgid\nexit"), raw("call bpf_get_current_pid_tgid\nr0 >>= 32\nexit")}, "p0=5 p1=4", ""},
		{"all programs of a tracepoint", `{"hook":"raw_tracepoint/sys_enter","args":[7]}`, []prog{raw(first), raw(first)}, "p0=7 p1=7", ""},
		{"order and time", "{\"hook\":\"raw_tracepoint/sys_enter\"}\n\n{\"hook\":\"raw_tracepoint/sys_enter\",\"time\":5000000}\n{\"hook\":\"raw_tracepoint/sys_enter\",\"time\":1}",
			[]prog{raw("call bpf_ktime_get_ns\nr0 -= 1000000000\nexit")}, "p0=1000 p0=5001000 p0=5002000", ""},
		{"fexit sees what was returned", `{"hook":"fexit/f","args":[1],"return":-2}`, []prog{{spec.HookTracing, spec.ProgramTracing, spec.AttachTypeTraceFexit, "f", "", second}}, "p0=-2", ""},
		{"fentry", `{"hook":"fentry/f","args":[1]}`, []prog{{spec.HookTracing, spec.ProgramTracing, spec.AttachTypeTraceFentry, "f", "", first}}, "p0=1", ""},
		{"tp_btf", `{"hook":"tp_btf/t","args":[1]}`, []prog{{spec.HookTracing, spec.ProgramTracing, spec.AttachTypeTraceRawTp, "t", "", first}}, "p0=1", ""},
		{"lsm ends at the first denial", `{"hook":"lsm/file_open","args":[-1]}`, []prog{
			{spec.HookTracing, spec.ProgramLSM, spec.AttachTypeLSMMac, "file_open", "", first}, {spec.HookTracing, spec.ProgramLSM, spec.AttachTypeLSMMac, "file_open", "", first},
		}, "p0=-1", ""},
		{"kprobe", `{"hook":"kprobe/do_x","args":[11,12,13]}`, []prog{{spec.HookKprobe, spec.ProgramKprobe, 0, "do_x", "kprobe/do_x", "r0 = *(u64 *)(r1 + 96)\nexit"}}, "p0=13", ""}, // dx
		{"kretprobe", `{"hook":"kretprobe/do_x","return":-5}`, []prog{{spec.HookKprobe, spec.ProgramKprobe, 0, "do_x", "kretprobe/do_x", "r0 = *(u64 *)(r1 + 80)\nexit"}}, "p0=-5", ""},
		{"tracepoint by bytes", `{"hook":"tracepoint/sched/x","context":"00000000000000002a00000000000000"}`, []prog{{spec.HookTracepoint, spec.ProgramTracepoint, 0, "sched/x", "", second}}, "p0=42", ""},
		{"cgroup by section", `{"hook":"cgroup/connect4","context":"00000000010000"}`, []prog{{spec.HookCgroup, spec.ProgramCgroupSockAddr, spec.AttachTypeCgroupInet4Connect, "/c", "cgroup/connect4", "r0 = *(u8 *)(r1 + 4)\nexit"}}, "p0=1", ""},
		{"cgroup by attach type", `{"hook":"cgroup_device","context":"03"}`, []prog{{spec.HookCgroup, spec.ProgramCgroupDevice, spec.AttachTypeCgroupDevice, "/c", "", "r0 = *(u8 *)(r1 + 0)\nexit"}}, "p0=3", ""},

		{"unknown hook", `{"hook":"raw_tracepoint/sys_entre"}`, []prog{raw(first)}, "", `e:1: nothing is attached to hook "raw_tracepoint/sys_entre", did you mean "raw_tracepoint/sys_enter"?`},
		{"line", "\n\n[1]", []prog{raw(first)}, "", "e:3: JSON array does not belong here"},
		{"end of line", `{"hook":"x"} y`, []prog{raw(first)}, "", "e:1: not JSON: invalid character 'y' after top-level value at character 14"},
		{"no hook", `{"pid":1}`, []prog{raw(first)}, "", `e:1: "hook" is missing`},
		{"type of key", `{"hook":"raw_tracepoint/sys_enter","pid":-1}`, []prog{raw(first)}, "", "e:1: pid: JSON number -1 does not belong here, which takes uint32"},
		{"CPU", `{"hook":"raw_tracepoint/sys_enter","cpu":3}`, []prog{raw(first)}, "", "e:1: there is no CPU 3, the simulation has 1"},
		{"argument", `{"hook":"raw_tracepoint/sys_enter","args":[0,{"t":1}]}`, []prog{raw(first)}, "", `e:1: program "p0": args[1]: there are no types, so no "t"`},
		{"context for arguments", `{"hook":"raw_tracepoint/sys_enter","context":"00"}`, []prog{raw(first)}, "", `the hook has arguments and no context; "args" has them`},
		{"arguments for context", `{"hook":"tracepoint/sched/x","args":[1]}`, []prog{{spec.HookTracepoint, spec.ProgramTracepoint, 0, "sched/x", "", first}}, "", `programs of type tracepoint have no arguments; "context" has the fields`},
		{"context without type", `{"hook":"tracepoint/sched/x","context":{"pid":1}}`, []prog{{spec.HookTracepoint, spec.ProgramTracepoint, 0, "sched/x", "", first}}, "", "the object does not say what type it has; give its bytes in hexadecimal"},
		{"too many registers", `{"hook":"kprobe/do_x","args":[1,2,3,4,5,6,7]}`, []prog{{spec.HookKprobe, spec.ProgramKprobe, 0, "do_x", "kprobe/do_x", first}}, "", "args: 7 are more than the 6 that registers have"},
		{"fault", `{"hook":"raw_tracepoint/sys_enter"}`, []prog{raw(first)}, "", `simulate e:1: run program "p0": instruction 0 reads 8 bytes at`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			b := New(Options{Events: NewEvents(strings.NewReader(tt.events), "e"), Result: func(r Returned) {
				got = append(got, fmt.Sprintf("%s=%d", r.Program, r.Value))
			}})
			for i, p := range tt.progs {
				s := programOf(t, fmt.Sprint("p", i), p.typ, p.text)
				s.AttachType, s.Section, s.AttachTo = p.attach, p.section, p.target
				if strings.HasPrefix(p.section, "kretprobe") {
					s.Probe = spec.ProbeKretprobe
				} else if p.kind == spec.HookKprobe {
					s.Probe = spec.ProbeKprobe
				}
				attach(t, b, s, spec.Attach{Program: s.Name, Kind: p.kind, Target: p.target})
			}
			err := steps(b)
			switch {
			case tt.err == "" && (err != nil || strings.Join(got, " ") != tt.want):
				t.Errorf("got %v, %v, want %s", got, err, tt.want)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got %v, want %s", err, tt.err)
			}
		})
	}
}

// The context of a program has the type of its parameter.
func TestTypedContext(t *testing.T) {
	var types btf.Builder
	u32 := types.Add(&btf.Int{Name: "unsigned int", Size: 4})
	s := types.Add(&btf.Struct{Name: "bpf_sock_addr", Size: 12, Members: []btf.Member{{Name: "user_family", Type: u32}, {Name: "user_ip4", Type: u32, Offset: 32}, {Name: "user_port", Type: u32, Offset: 64}}})
	proto := types.Add(&btf.FuncProto{Return: u32, Params: []btf.Param{{Name: "ctx", Type: types.Add(&btf.Pointer{Type: s})}}})
	fn := types.Add(&btf.Func{Name: "p", Type: proto, Linkage: btf.LinkGlobal})
	table, err := types.Types()
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	b := New(Options{
		Events: NewEvents(strings.NewReader(`{"hook":"cgroup_inet4_connect","context":{"user_ip4":"10.0.0.1","user_port":80}}`), "e"),
		Result: func(r Returned) { got = append(got, r.Value) },
	})
	p := programOf(t, "p", spec.ProgramCgroupSockAddr, "r0 = *(u32 *)(r1 + 4)\nr1 = *(u32 *)(r1 + 8)\nr0 += r1\nexit")
	p.AttachType = spec.AttachTypeCgroupInet4Connect
	p.Insns.Edit(func(insns []spec.Insn) { insns[0].Func = &btf.FuncInfo{Name: "p", Type: fn} })
	l, err := b.Load(&spec.Collection{License: "GPL", Programs: []*spec.Program{p}, BTF: table}, backend.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	loaded, _ := l.Program("p")
	if _, err := b.Attach(loaded, spec.Attach{Program: "p", Kind: spec.HookCgroup, Target: "/c"}); err != nil {
		t.Fatal(err)
	}
	if err := steps(b); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []int64{0x0100000a + 80}) {
		t.Errorf("got %#x", got)
	}
}
