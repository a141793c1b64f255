//go:build linux

package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

// kernelWitness is the running kernel, asked what it has of what was loaded and attached.
type kernelWitness struct {
	*kernelBackend
	t        testing.TB
	symbols  map[uint64][]string // of the kernel, by address
	base     uint64              // of calls, __bpf_call_base
	inodes   map[string]uint64   // of targets that are files, by path
	index    uint32              // of the interface
	programs map[uint32]string   // by id
	seen     []string            // what the kernel has, in the words of a plan
}

// Load loads, and asks for programs and maps.
func (w *kernelWitness) Load(c *spec.Collection, o backend.LoadOptions) (backend.Loaded, error) {
	l, err := w.kernelBackend.Load(c, o)
	if err != nil {
		return nil, err
	}
	loaded := l.(*kernelLoaded).c
	types := map[uint32]string{}
	for _, m := range loaded.Maps() {
		i, err := m.Info()
		if err != nil {
			w.t.Fatal(err)
		}
		types[i.ID] = i.Type.String()
		w.seen = append(w.seen, "map "+i.Type.String(), fmt.Sprintf("map %s %v %d %d %d", m.Name(), i.Type, i.KeySize, i.ValueSize, i.MaxEntries))
	}
	for _, p := range loaded.Programs() {
		i, err := p.Info()
		if err != nil {
			w.t.Fatal(err)
		}
		w.programs[i.ID] = p.Name()
		w.seen = append(w.seen, "program "+i.Type.String())
		for _, id := range i.Maps {
			if types[id] == "" {
				w.t.Errorf("program %s uses map %d, which is none of the plan's", p.Name(), id)
			}
		}
		w.called(p, types)
	}
	return l, nil
}

// called lists what the instructions of a program in the kernel call and refer to.
func (w *kernelWitness) called(p *loader.Program, maps map[uint32]string) {
	code, err := p.Xlated()
	if err != nil || len(code) == 0 {
		w.t.Fatalf("program %s has no instructions: %v", p.Name(), err)
	}
	for ; len(code) >= 8; code = code[8:] {
		imm := int32(binary.NativeEndian.Uint32(code[4:]))
		switch src := code[1] >> 4; {
		case code[0] == 0x85 && imm == int32(asm.HelperTailCall): // the one call that is shown by its number
			w.seen = append(w.seen, "call "+asm.HelperTailCall.String())
		case code[0] == 0x85 && src != 1: // BPF_CALL, not of a function of its own
			w.seen = append(w.seen, "call "+strings.Join(w.symbols[w.base+uint64(int64(imm))], " "))
		case code[0] == 0x18 && (src == 1 || src == 2) && maps[uint32(imm)] == "": // a map, or a value of one
			w.t.Errorf("program %s refers to map %d, which is none of the plan's", p.Name(), imm)
		}
	}
}

// Attach attaches, and asks for the link.
func (w *kernelWitness) Attach(p backend.Program, a spec.Attach) (backend.Hook, error) {
	h, err := w.kernelBackend.Attach(p, a)
	if err != nil {
		return nil, err
	}
	i, err := h.(kernelHook).Info()
	if err != nil {
		w.t.Fatal(err)
	}
	where := ""
	switch {
	case i.Cgroup != 0:
		where = w.path(i.Cgroup)
	case i.Netns != 0:
		where = w.path(uint64(i.Netns))
	case i.Interface != 0:
		where = fmt.Sprint("interface ", i.Interface)
	}
	w.seen = append(w.seen, fmt.Sprintf("link %v %s %s", i.Type, w.programs[i.Program], where))
	return h, nil
}

// path is the target that has an inode.
func (w *kernelWitness) path(inode uint64) string {
	for path, have := range w.inodes {
		if have == inode {
			return path
		}
	}
	return fmt.Sprint("inode ", inode)
}

// allowedCalls says which functions of the kernel a helper becomes.
var allowedCalls = map[string][]string{
	"bpf_map_lookup_elem":      {"map_lookup_elem", "trie_lookup_elem"},
	"bpf_get_prandom_u32":      {"bpf_user_rnd_u32"},
	"bpf_get_smp_processor_id": {},
}

// isGranted reports whether a plan has the helper or kernel function that the kernel calls by one of
// these names.
func isGranted(said map[string]bool, names []string) bool {
	for _, name := range names {
		if said["helper "+name] || said["kfunc "+name] {
			return true
		}
		for helper, became := range allowedCalls {
			if said["helper "+helper] && slices.ContainsFunc(became, func(part string) bool { return strings.Contains(name, part) }) {
				return true
			}
		}
	}
	return false
}

// TestKernelGateRandom loads random plugins into the kernel: what it has of them (the instructions of
// programs, maps, links) is in their plans.
func TestKernelGateRandom(t *testing.T) {
	n := newNet(t)
	testenv.NeedKernel(t, "6.6", "TCX links")
	w := newKernelWitness(t)
	cgroup := newTestCgroup(t)
	w.index = interfaceIndex(t, n)
	w.inodes = map[string]uint64{cgroup: inode(t, cgroup), n.Path(): inode(t, n.Path())}
	targets := map[spec.HookKind]spec.Attach{
		spec.HookXDP:    {Kind: spec.HookXDP, Target: n.Iface(), Netns: n.Path()},
		spec.HookTCX:    {Kind: spec.HookTCX, Target: n.Iface(), Netns: n.Path()},
		spec.HookCgroup: {Kind: spec.HookCgroup, Target: cgroup},
		spec.HookNetns:  {Kind: spec.HookNetns, Target: n.Path()},
	}
	h, err := New(context.Background(), Config{NoCache: true, Limits: Limits{OutputWait: time.Millisecond}, Backend: w})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	g := &gate{t: t, host: h}
	loaded := 0
	for seed := 0; seed < *gateSeeds; seed += 32 {
		g.at = uint64(seed)
		r := rand.New(rand.NewPCG(g.at, 14))
		if g.load(w, (&gateMaker{r: r, targets: targets}).make()) {
			loaded++
		}
	}
	t.Logf("%d plugins in the kernel", loaded)
	if loaded < *gateSeeds/64 {
		t.Error("the test tries too little")
	}
}

// load plans and applies under the policy that is suggested, and compares what the kernel has.
func (g *gate) load(w *kernelWitness, c *gateCase) bool {
	plugin, _ := g.open(c, nil)
	suggested, _, err := plugin.Suggest(context.Background())
	plugin.Close()
	if err != nil || suggested.Err() != nil {
		return false
	}
	p, err := policy.Parse("p.yaml", []byte(suggested.Text))
	if err != nil {
		g.t.Fatal(err)
	}
	plugin, maps := g.open(c, p)
	defer plugin.Close()
	made, err := plugin.Plan(context.Background())
	if err != nil {
		g.t.Fatal(err)
	}
	*maps = made.Runtime().Maps
	w.seen, w.programs = nil, map[uint32]string{}
	run, err := plugin.Apply(context.Background(), made)
	if err != nil {
		g.fatalf("a plan that was allowed is not applied: %v\n%s", err, planText(g.t, made))
	}
	defer run.Close()
	said := said(made)
	for i := range made.Objects {
		after := made.Objects[i].After
		for _, m := range after.Maps {
			entries := m.EntriesOn(g.host.machine())
			said[fmt.Sprintf("map %s %v %d %d %d", m.Name, m.Type, m.KeySize, m.ValueSize, entries)] = true
		}
		for _, a := range after.Attach {
			where := a.Target
			if a.Netns != "" {
				where = fmt.Sprint("interface ", w.index)
			}
			for _, l := range a.Kind.Family().Links {
				said[fmt.Sprintf("link %v %s %s", l, a.Program, where)] = true
			}
		}
	}
	for _, thing := range w.seen {
		if names, ok := strings.CutPrefix(thing, "call "); ok && isGranted(said, strings.Fields(names)) {
			continue
		}
		if !said[thing] {
			g.fatalf("the kernel has %s, which is not in the plan\n%s", thing, planText(g.t, made))
		}
	}
	return true
}

// newKernelWitness reads the symbols of the kernel, or skips.
func newKernelWitness(t *testing.T) *kernelWitness {
	w := &kernelWitness{kernelBackend: newKernelBackend(Config{}), t: t, symbols: map[uint64][]string{}}
	t.Cleanup(func() { w.kernelBackend.Close() })
	b, err := os.ReadFile("/proc/kallsyms")
	kerneltest.Check(t, err)
	for line := range bytes.Lines(b) {
		f := strings.Fields(string(line))
		addr, err := strconv.ParseUint(f[0], 16, 64)
		if err != nil || addr == 0 {
			continue
		}
		w.symbols[addr] = append(w.symbols[addr], f[2])
		if f[2] == "__bpf_call_base" {
			w.base = addr
		}
	}
	if w.base == 0 {
		testenv.Skip(t, testenv.Kernel, "the kernel shows no addresses of its symbols")
	}
	return w
}

func inode(t testing.TB, path string) uint64 {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Sys().(*syscall.Stat_t).Ino
}

// newTestCgroup makes a cgroup that goes away with the test, or skips.
func newTestCgroup(t *testing.T) string {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	kerneltest.Check(t, err)
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if !strings.Contains(line, " - cgroup2 ") || len(f) < 5 {
			continue
		}
		dir, err := os.MkdirTemp(f[4], "bpfhost-test-")
		kerneltest.Check(t, err)
		t.Cleanup(func() { os.Remove(dir) })
		return dir
	}
	testenv.Skip(t, testenv.Kernel, "no cgroup2 file system is mounted")
	return ""
}

// interfaceIndex is the number of the network's own interface.
func interfaceIndex(t *testing.T, n *testnet.Net) (index uint32) {
	t.Helper()
	if err := n.Do(func() error {
		i, err := net.InterfaceByName(n.Iface())
		if err == nil {
			index = uint32(i.Index)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return index
}
