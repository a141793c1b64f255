package host

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
)

// gateSeeds is how many random plugins the gate is tried with; every 32nd is loaded into the kernel.
var gateSeeds = flag.Int("gateseeds", 240, "how many random specs and policies TestGateRandom tries")

// gateCase is a random plugin with its object.
type gateCase struct {
	object   *spec.Collection
	edits    []func(f guest.Functions, object uint32) int32
	requests []string
}

// code is the plugin: it asks for what it needs, edits the object, and opens every map that it may.
func (c *gateCase) code(maps *[]string) guest.Go {
	return guest.Go{Hooks: map[string]guest.GoHook{
		"bpfhost_describe": func(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
			for _, text := range c.requests {
				if rc := f.Add(uint32(f.Self()), abi.KindRequest, []byte(text)); rc < 0 {
					return rc, fmt.Errorf("request %q: %d", text, rc)
				}
			}
			return 0, nil
		},
		"bpfhost_plan": func(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
			o := f.ObjectOpen([]byte("o"))
			for _, edit := range c.edits {
				if rc := edit(f, uint32(o)); rc < 0 {
					return rc, nil
				}
			}
			return min(o, 0), nil
		},
		"bpfhost_loaded": func(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
			for _, name := range *maps {
				if rc := f.MapOpen([]byte(name)); rc < 0 {
					return 0, fmt.Errorf("map %q, which the plan grants: %d", name, rc)
				}
			}
			return 0, nil
		},
	}}
}

// gate is what the random test runs in.
type gate struct {
	t        *testing.T
	host     *Host
	backend  *backendtest.Recorder
	at       uint64 // the seed
	plans    int
	allowed  int
	denied   int
	unusable int
}

func newGate(t *testing.T) *gate {
	g := &gate{t: t, backend: &backendtest.Recorder{}}
	var err error
	if g.host, err = New(context.Background(), Config{NoCache: true, Limits: Limits{OutputWait: time.Millisecond}, Backend: g.backend}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.host.Close() })
	return g
}

// fatalf ends the test and says at which seed.
func (g *gate) fatalf(format string, args ...any) {
	g.t.Helper()
	g.t.Fatalf("seed %d: "+format, append([]any{g.at}, args...)...)
}

// open opens a plugin under a policy.
func (g *gate) open(c *gateCase, p *policy.Policy) (plugin *Plugin, maps *[]string) {
	g.t.Helper()
	maps = new([]string)
	plugin, err := g.host.newPlugin(goInfo, PluginOptions{Policy: p}).open(context.Background(), c.code(maps))
	if err != nil {
		g.t.Fatal(err)
	}
	plugin.inputs = []tx.Input{{Name: "o", Source: "o.bpf.o", SHA256: strings.Repeat("cd", 32), Collection: c.object}}
	return plugin, maps
}

// try plans under a policy and applies what is allowed. It returns whether the plan was allowed, and
// fails the test when the apply does not do what the plan says.
func (g *gate) try(c *gateCase, text string) (allowed bool) {
	g.t.Helper()
	p, err := policy.Parse("p.yaml", []byte(text))
	if err != nil {
		return false
	}
	plugin, maps := g.open(c, p)
	defer plugin.Close()
	made, err := plugin.Plan(context.Background())
	g.plans++
	var denied *policy.Error
	if err != nil && !errors.As(err, &denied) {
		g.fatalf("plan: %v\n%s", err, text)
	}
	g.backend.Loads, g.backend.Attached = nil, nil
	if err != nil {
		g.denied++
		if made == nil {
			return false
		}
		if run, err := plugin.Apply(context.Background(), made); run != nil || !errors.As(err, &denied) || g.backend.Loads != nil {
			g.fatalf("a plan that was denied is applied: %v, %d loaded\n%s", err, len(g.backend.Loads), text)
		}
		return false
	}
	g.allowed++
	*maps = made.Runtime().Maps
	run, err := plugin.Apply(context.Background(), made)
	if err != nil {
		g.fatalf("a plan that was allowed is not applied: %v\n%s\n%s", err, text, planText(g.t, made))
	}
	if err := run.Close(); err != nil {
		g.t.Fatal(err)
	}
	said := said(made)
	for _, thing := range reached(g.backend) {
		if !said[thing] {
			g.fatalf("%s reached the kernel and is not in the plan\n%s\n%s", thing, text, planText(g.t, made))
		}
	}
	return true
}

// said is what a plan says that is allowed.
func said(made *plan.Plan) map[string]bool {
	all := map[string]bool{}
	for _, d := range made.Decisions {
		access, _, _ := strings.Cut(d.Access, " (")
		all[access] = d.Allowed
	}
	return all
}

// reached lists what a backend was given, by what the kernel would see of it.
func reached(b *backendtest.Recorder) []string {
	var all []string
	programs, maps := 0, 0
	for _, l := range b.Loads {
		programs, maps = programs+len(l.Selected.Programs), maps+len(l.Selected.Maps)
		for _, p := range l.Selected.Programs {
			all = append(all, "program "+p.Type.String())
			all = append(all, called(p)...)
			if p.Flags&spec.FlagSleepable != 0 {
				all = append(all, "sleepable")
			}
		}
		for _, m := range l.Selected.Maps {
			all = append(all, "map "+m.Type.String())
			if m.Inner != nil {
				all = append(all, "map "+m.Inner.Type.String())
			}
			if m.Pinning != spec.PinNone {
				path := l.Pins[m.Name]
				all = append(all, "pin-read "+path, "pin-write "+path)
				if path == policy.PinRoot+"/shared/"+m.Name {
					all = append(all, "pin-share "+m.Name)
				}
			}
		}
	}
	if programs > 0 {
		all = append(all, fmt.Sprint("programs ", programs))
	}
	if maps > 0 {
		all = append(all, fmt.Sprint("maps ", maps))
	}
	for _, a := range b.Attached {
		t, err := spec.ResolveTarget(a.Program, a.Attach)
		if err != nil {
			all = append(all, err.Error())
		}
		t.Offset = 0
		all = append(all, "attach "+t.Kind.String()+":"+t.String())
		if t.Netns != "" {
			all = append(all, "netns "+t.Netns)
		}
	}
	return all
}

// called lists helpers and kernel functions by the words that an instruction is encoded to.
func called(p *spec.Program) []string {
	var all []string
	for _, in := range p.Insns.All() {
		switch in.Ref {
		case asm.RefKsym:
			all = append(all, "ksym "+in.Symbol)
		case asm.RefKfunc:
			all = append(all, "kfunc "+in.Symbol)
		case asm.RefNone:
			b, err := asm.AppendEncode(nil, []asm.Insn{in.Insn}, asm.EncodeOptions{})
			if err == nil && b[0] == 0x85 && b[1]>>4 == 0 { // BPF_JMP | BPF_CALL
				all = append(all, "helper "+asm.Helper(int32(uint32(b[4])|uint32(b[5])<<8|uint32(b[6])<<16|uint32(b[7])<<24)).String())
			}
		}
	}
	return all
}

// TestGateRandom makes random plugins and random policies. What plan allows, run does not refuse;
// what plan denies does not reach the kernel; what reached it is in the plan. The policy that is
// suggested lets a plan through, and does not without one of its lines.
func TestGateRandom(t *testing.T) {
	g := newGate(t)
	for seed := range *gateSeeds {
		g.seed(uint64(seed))
	}
	t.Logf("%d plugins (%d that plan nothing), %d plans, %d allowed, %d denied", *gateSeeds, g.unusable, g.plans, g.allowed, g.denied)
	if g.unusable > *gateSeeds/5 || g.allowed < g.plans/5 || g.denied < g.plans/5 {
		t.Error("the test tries too little")
	}
}

// seed tries one random plugin.
func (g *gate) seed(n uint64) {
	g.at = n
	r := rand.New(rand.NewPCG(n, 13))
	c := (&gateMaker{r: r}).make()
	plugin, _ := g.open(c, nil)
	suggested, made, err := plugin.Suggest(context.Background())
	plugin.Close()
	if err != nil {
		g.unusable++
		var invalid *PluginError
		if !errors.As(err, &invalid) && !errors.Is(err, ErrInput) {
			g.fatalf("%v", err)
		}
		return
	}
	if suggested.Err() != nil {
		g.unusable++
	}
	if got := g.try(c, suggested.Text); got != (suggested.Err() == nil) {
		g.fatalf("the policy that is suggested allows the plan: %v; %v\n%s\n%s", got, suggested.Err(), suggested.Text, planText(g.t, made))
	}
	lines := strings.Split(suggested.Text, "\n")
	for i := r.IntN(len(lines)); i < len(lines); i++ {
		if code := strings.TrimSpace(lines[i]); code == "" || code == "{}" || strings.HasPrefix(code, "#") {
			continue
		}
		less := strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "\n")
		if g.try(c, less) {
			g.fatalf("line %d can be left out\n%s", i+1, suggested.Text)
		}
		break
	}
	g.try(c, mutate(r, lines))
	g.try(c, mutate(r, lines))
	g.try(c, policy.BuiltInText)
}

// mutate changes a policy at random places: patterns for names, rules that take away, limits, a class.
func mutate(r *rand.Rand, lines []string) string {
	out := slices.Clone(lines)
	for i, l := range out {
		item, comment, _ := strings.Cut(l, "  # ")
		item = strings.TrimRight(item, " ")
		indent, name, ok := strings.Cut(item, "- ")
		name = strings.Trim(name, `"'`)
		switch {
		case strings.HasPrefix(strings.TrimSpace(l), "#") && !strings.HasPrefix(l, "# ") && r.IntN(6) == 0:
			out[i] = strings.Replace(l, "#", "", 1)
		case !ok || comment == "" || r.IntN(8) != 0:
		case r.IntN(2) == 0 && len(name) > 2:
			out[i] = fmt.Sprintf("%s- %q", indent, name[:1+r.IntN(len(name)-1)]+"*")
		default:
			out[i] = item + fmt.Sprintf("\n%s- %q", indent, "!"+name[:1+r.IntN(len(name))]+"*")
		}
	}
	return strings.Join(out, "\n")
}
