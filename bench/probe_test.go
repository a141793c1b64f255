package bench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	peer "github.com/cilium/ebpf"
	peerasm "github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// probes ask the running kernel for all features of a kind and return how many it has. Those of
// cilium/ebpf keep the answers for the life of a process, so each turn is a process, on both sides,
// which tells how long it took to ask.
var probes = map[string]func() (int, error){
	"ours/map types":           func() (int, error) { return askOurs(spec.Features(spec.FeatureMapType), false) },
	"ours/program types":       func() (int, error) { return askOurs(spec.Features(spec.FeatureProgramType), false) },
	"ours/XDP helpers":         func() (int, error) { return askOurs(spec.ProgramXDP.CallsAll(), false) },
	"ours/XDP helpers at once": func() (int, error) { return askOurs(spec.ProgramXDP.CallsAll(), true) },
	"theirs/map types":         func() (int, error) { return askPeer(len(spec.MapTypes()), askPeerMap) },
	"theirs/program types":     func() (int, error) { return askPeer(len(spec.ProgramTypes()), askPeerProgram) },
	"theirs/XDP helpers":       func() (int, error) { return askPeer(len(asm.Helpers()), askPeerHelper) },
	"theirs/one map type":      func() (int, error) { return askPeer(2, askPeerMap) },
	"ours/one map type":        func() (int, error) { return askOurs([]spec.Feature{spec.MapHash.Feature()}, false) },
	"theirs/one program type":  func() (int, error) { return askPeer(2, askPeerProgram) },
	"ours/one program type": func() (int, error) {
		return askOurs([]spec.Feature{spec.ProgramSocketFilter.Feature()}, false)
	},
	"ours/all kinds": func() (int, error) { return askOurs(spec.Features(), true) },
}

// askOurs counts the features that the kernel has, one after the other or at once.
func askOurs(features []spec.Feature, atOnce bool) (int, error) {
	k := kernel.New(kernel.Options{})
	defer k.Close()
	n := 0
	count := func(err error) error {
		if err == nil {
			n++
		} else if !errors.Is(err, kernel.ErrNotSupported) && !errors.Is(err, kernel.ErrPermission) {
			return err
		}
		return nil
	}
	if atOnce {
		for _, err := range k.HasAll(features) {
			if err := count(err); err != nil {
				return 0, err
			}
		}
		return n, nil
	}
	for _, f := range features {
		if err := count(k.Has(f)); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// askPeer counts the numbers from 1 below n that the kernel has.
func askPeer(n int, have func(int) error) (int, error) {
	has := 0
	for i := 1; i < n; i++ {
		if err := have(i); err == nil {
			has++
		}
	}
	return has, nil
}

func askPeerMap(i int) error     { return features.HaveMapType(peer.MapType(i)) }
func askPeerProgram(i int) error { return features.HaveProgramType(peer.ProgramType(i)) }
func askPeerHelper(i int) error {
	return features.HaveProgramHelper(peer.XDP, peerasm.BuiltinFunc(i))
}

// probeEnv names the probe that a process is for.
const probeEnv = "BPFHOST_BENCH_PROBE"

// TestMain runs a probe in place of the tests in the processes of probeTasks.
func TestMain(m *testing.M) {
	name := os.Getenv(probeEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	n, err := probes[name]()
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(took.Nanoseconds(), after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc, n)
}

// probe is work in a process for each turn.
type probe string

// Once starts one process.
func (p probe) Once() error {
	_, _, err := p.turn()
	return err
}

// turn returns what a process says of its work, and how many features the kernel has.
func (p probe) turn() (c Cost, n int, err error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), probeEnv+"="+string(p))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return Cost{}, 0, fmt.Errorf("ask for %s: %w", p, err)
	}
	var ns float64
	if _, err := fmt.Sscan(string(out), &ns, &c.Allocs, &c.Bytes, &n); err != nil {
		return Cost{}, 0, fmt.Errorf("ask for %s: %w", p, err)
	}
	c.Seconds = ns / 1e9
	return c, n, nil
}

// Measure starts processes until enough time has passed. Only the time in which they ask counts.
func (p probe) Measure(o Options) (Cost, error) {
	var total Cost
	n := 0
	for start := time.Now(); n < 3 || time.Since(start) < o.Each; n++ {
		c, _, err := p.turn()
		if err != nil {
			return Cost{}, err
		}
		total.Seconds, total.Allocs, total.Bytes = total.Seconds+c.Seconds, total.Allocs+c.Allocs, total.Bytes+c.Bytes
	}
	return total.per(n), nil
}

// probeTasks ask the running kernel what it has, for the first time in a process.
func probeTasks(tb testing.TB, _ *libbpf) []Task {
	if os.Geteuid() != 0 {
		testenv.Skip(tb, testenv.Kernel, "asking a kernel takes root")
	}
	task := func(name, ours, theirs string, goal float64) Task {
		return Task{name, 1, "call", probe("ours/" + ours), peers(Peer{"cilium", goal, probe("theirs/" + theirs)})}
	}
	return []Task{
		task("map types", "map types", "map types", 0.01),
		task("program types", "program types", "program types", 0.1),
		task("XDP helpers", "XDP helpers", "XDP helpers", 0.4),
		task("XDP helpers at once", "XDP helpers at once", "XDP helpers", 0.25),
		task("one map type", "one map type", "one map type", 1),
		task("one program type", "one program type", "one program type", 0.3),
	}
}

// TestProbes holds that both libraries find the same of what both know.
func TestProbes(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Skip(t, testenv.Kernel, "asking a kernel takes root")
	}
	k := kernel.New(kernel.Options{})
	defer k.Close()
	agree := func(f spec.Feature, theirs error) {
		t.Helper()
		ours := k.Has(f)
		switch {
		case ours == nil && theirs == nil, errors.Is(ours, kernel.ErrNotSupported) && errors.Is(theirs, peer.ErrNotSupported):
		case ours != nil && !errors.Is(ours, kernel.ErrNotSupported): // it could not be found out
			t.Logf("%v %v: %v, theirs: %v", f.Kind, f, ours, theirs)
		case theirs != nil && !errors.Is(theirs, peer.ErrNotSupported): // that neither
			t.Logf("%v %v: %v, theirs: %v", f.Kind, f, ours, theirs)
		default:
			t.Errorf("%v %v: %v, theirs: %v", f.Kind, f, ours, theirs)
		}
	}
	for i := 1; i <= int(peer.Arena); i++ {
		agree(spec.MapType(i).Feature(), askPeerMap(i))
	}
	for i := 1; i <= int(peer.Netfilter); i++ {
		agree(spec.ProgramType(i).Feature(), askPeerProgram(i))
	}
	for _, h := range asm.Helpers()[1:] {
		agree(spec.ProgramXDP.Calls(h), askPeerHelper(int(h)))
	}
	agree(spec.ISAv2.Feature(), features.HaveV2ISA())
	agree(spec.ISAv3.Feature(), features.HaveV3ISA())
	agree(spec.ISAv4.Feature(), features.HaveV4ISA())
	agree(spec.LinkUprobeMulti.Feature(), features.HaveBPFLinkUprobeMulti())
	agree(spec.LinkKprobeMulti.Feature(), features.HaveBPFLinkKprobeMulti())
	agree(spec.AttachTypeTraceKprobeSession.Feature(), features.HaveBPFLinkKprobeSession())
}
