package objectrun

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// programs is an object of programs.
func programs(list ...*spec.Program) *spec.Collection {
	for _, p := range list {
		p.Insns = spec.NewInsns(spec.Insn{Insn: asm.Mov64Imm(asm.R0, 0)}, spec.Insn{Insn: asm.Exit()})
	}
	return &spec.Collection{Order: asm.LittleEndian, License: "GPL", Programs: list}
}

// Where programs are attached, or why they are not.
func TestTargets(t *testing.T) {
	to := func(s ...string) map[string][]string { return map[string][]string{"p": s} }
	xdp := spec.Program{Name: "p", Section: "xdp", Type: spec.ProgramXDP}
	tp := spec.Program{Name: "p", Section: "tp/sched/sched_switch", Type: spec.ProgramTracepoint, AttachTo: "sched/sched_switch"}
	maybe := tp
	maybe.Section, maybe.Optional = "?tp/sched/sched_switch", true
	for _, tt := range []struct {
		p    spec.Program
		o    Options
		want string // attachments, or the error
	}{
		{xdp, Options{}, `needs a target: --attach p=INTERFACE, or INTERFACE@/run/netns/NAME in another network namespace; --skip p leaves it out`},
		{xdp, Options{Attach: to("eth0")}, "p xdp:eth0"},
		{xdp, Options{Attach: to("eth0@/run/netns/a", "e@if2")}, "p xdp:eth0@/run/netns/a, p xdp:e@if2"},
		{xdp, Options{Attach: to("")}, "--attach p: program"},
		{xdp, Options{Attach: to("@/run/netns/a")}, "--attach p=@/run/netns/a: program"},
		{xdp, Options{Attach: map[string][]string{"q": {"eth0"}}}, `there is no program "q", there is "p"`},
		{xdp, Options{Skip: []string{"p"}}, "nothing would be attached"},
		{xdp, Options{Skip: []string{"p"}, Attach: to("eth0")}, "--skip p: --attach names the program too"},
		{xdp, Options{Skip: []string{"x"}}, `there is no program "x"`},
		{tp, Options{}, "p tracepoint:sched/sched_switch"},
		{tp, Options{Attach: to("")}, "p tracepoint:sched/sched_switch"},
		{tp, Options{Attach: to("sched/sched_wakeup")}, "p tracepoint:sched/sched_wakeup"},
		{tp, Options{Attach: to("sched")}, `--attach p=sched: target "sched" is not category/name of a tracepoint`},
		{maybe, Options{}, "optional programs are attached when --attach names them: p"},
		{maybe, Options{Attach: to("")}, "p tracepoint:sched/sched_switch"},
		{spec.Program{Name: "p", Section: "kprobe/f", Type: spec.ProgramKprobe, Probe: spec.ProbeKprobe, AttachTo: "f"}, Options{}, "p kprobe:f"},
		{spec.Program{Name: "p", Section: "cgroup_skb/egress", Type: spec.ProgramCgroupSkb}, Options{}, "--attach p=/sys/fs/cgroup/PATH"},
		{spec.Program{Name: "p", Section: "sk_lookup", Type: spec.ProgramSkLookup}, Options{}, "the host's own is /proc/self/ns/net"},
		{spec.Program{Name: "p", Section: "tp", Type: spec.ProgramTracepoint}, Options{}, "--attach p=CATEGORY/NAME"},
		{spec.Program{Name: "p", Section: "uprobe", Type: spec.ProgramKprobe, Probe: spec.ProbeUprobe}, Options{}, "attaching a uprobe is not supported yet; --skip p leaves it out"},
		{spec.Program{Name: "p", Section: "syscall", Type: spec.ProgramSyscall}, Options{}, "are called, not attached"},
		{spec.Program{Name: "p", Section: "freplace/f", Type: spec.ProgramExt, AttachTo: "f"}, Options{}, "takes that program"},
		{spec.Program{Name: "p", Section: "iter/task", Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceIter, AttachTo: "task"}, Options{}, "attach type"},
		{spec.Program{Name: "p", Section: "what"}, Options{}, "the name of the section does not say"},
		{spec.Program{Name: "p", Section: "socket", Type: spec.ProgramSocketFilter}, Options{Attach: to("x@/run/netns/a")}, "p socket:x@/run/netns/a"},
		{spec.Program{Name: "p", Section: "socket", Type: spec.ProgramSocketFilter}, Options{}, "needs a target: --attach p=INTERFACE"},
		{spec.Program{Name: "p", Section: "netfilter", Type: spec.ProgramNetfilter}, Options{Attach: to("x")}, "--attach p=x: program \"p\" of section \"netfilter\": programs of type netfilter are attached by no hook"},
	} {
		got := ""
		p, err := New("o", "o.o", programs(&tt.p), tt.o)
		var e *OptionError
		if err != nil {
			if got = err.Error(); !errors.As(err, &e) {
				t.Errorf("%s is not an OptionError", got)
			}
		} else {
			var list []string
			for _, a := range p.attach {
				name := a.Name()
				if a.Netns != "" {
					name += "@" + a.Netns
				}
				list = append(list, name)
			}
			got = strings.Join(list, ", ")
		}
		if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
			t.Errorf("%s %+v: %s\nwant %s", tt.p.Section, tt.o, got, tt.want)
		}
	}
}

// A program that a map holds is loaded and attached by nothing.
func TestTargetsInMap(t *testing.T) {
	c := programs(&spec.Program{Name: "entry", Section: "xdp", Type: spec.ProgramXDP}, &spec.Program{Name: "tail", Section: "xdp", Type: spec.ProgramXDP})
	c.Maps = []*spec.Map{{Name: "jumps", Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Values: []spec.MapValue{{Name: "tail"}}}}
	p, err := New("o", "o.o", c, Options{Attach: map[string][]string{"entry": {"eth0"}}})
	if err != nil || len(p.attach) != 1 || p.attach[0].Program != "entry" {
		t.Errorf("%v, %v", p, err)
	}
	c.Maps[0] = &spec.Map{Name: "cong", Type: spec.MapStructOps, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	if _, err := New("o", "o.o", c, Options{Attach: map[string][]string{"entry": {"eth0"}}, Skip: []string{"tail"}}); err == nil || !strings.Contains(err.Error(), `map "cong" is an instance of struct_ops`) {
		t.Errorf("struct_ops: %v", err)
	}
}

// The plugin requests what the object does and nothing more; what is skipped is not part of it.
func TestRequests(t *testing.T) {
	c := guestObject(t, "netwatch")
	all := Options{Attach: map[string][]string{"netwatch": {"eth0"}}}
	p, err := New("netwatch", "netwatch.bpf.o", c, all)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"program xdp", "helper bpf_ringbuf_reserve", "helper bpf_ringbuf_submit", "map ringbuf", "map hash", "map array", "attach xdp:eth0"}
	if !slices.Equal(p.requests, want) {
		t.Errorf("%q\nwant %q", p.requests, want)
	}
	all.Attach = map[string][]string{"optional": {"eth1"}}
	all.Skip = []string{"netwatch"}
	if p, err = New("netwatch", "netwatch.bpf.o", c, all); err != nil {
		t.Fatal(err)
	}
	want = []string{"object edit", "program sched_cls", "map ringbuf", "map hash", "map array", "attach tcx:eth1"}
	if !slices.Equal(p.requests, want) {
		t.Errorf("%q\nwant %q", p.requests, want)
	}
}

// guestObject reads an object of the plugins that come with bpfhost.
func guestObject(t testing.TB, name string) *spec.Collection {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../guests", name, name+".bpf.o"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
