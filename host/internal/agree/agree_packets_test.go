package agree

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/randprog"
)

var packets = flag.Int("packets", 3000, "how many packets to run through real programs")

// root is the top of the repository.
const root = "../../.."

// TestPackets runs packets through the programs of this repository that have packets, on all engines.
// After each round of packets the entries of maps must be equal too.
func TestPackets(t *testing.T) {
	k := newKernel(t)
	list := realPrograms(t)
	for _, name := range []string{"quickstart count", "pktguard.bpf.o pktguard", "netwatch.bpf.o netwatch"} {
		if !contains(list, name) {
			t.Errorf("%s is not among %d programs", name, len(list))
		}
	}
	for i := range list {
		t.Run(list[i].name, func(t *testing.T) {
			stay(t)
			r := rand.New(rand.NewPCG(*seed, uint64(i)))
			tryPackets(t, r, k, &list[i], max(*packets/len(list), 1))
		})
	}
}

// realProgram is a program of the repository.
type realProgram struct {
	name       string // of its file and its own
	program    string
	collection *spec.Collection
}

func contains(list []realProgram, name string) bool {
	for _, p := range list {
		if p.name == name {
			return true
		}
	}
	return false
}

// realPrograms returns what runs on packets both in user space and in test runs of the kernel.
func realPrograms(t *testing.T) []realProgram {
	t.Helper()
	list := []realProgram{{"quickstart count", "count", quickstart(t)}}
	var files []string
	for _, pattern := range []string{"guests/*/*.o", "core/elf/testdata/*.o", "core/elf/testdata/*/*.o"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			continue // internal/testcase holds which objects cannot be read
		}
		for _, p := range c.Programs {
			if !hasPackets(p.Type) || asksKernel(c, p) {
				continue
			}
			alone := keepOnly(c, p)
			freeze(alone)
			if _, err := vm.New(alone, vm.Options{}); err == nil {
				list = append(list, realProgram{filepath.Base(file) + " " + p.Name, p.Name, alone})
			}
		}
	}
	return list
}

// asksKernel reports whether a program depends on what the kernel is: its version, types and symbols.
func asksKernel(c *spec.Collection, p *spec.Program) bool {
	configured := c.Configured()
	for _, in := range p.Insns.All() {
		switch {
		case in.Core != nil, in.Ref == asm.RefKsym, in.Ref == asm.RefKfunc:
			return true
		case in.Ref == asm.RefVar && configured[c.Var(in.Symbol).Map], in.Ref == asm.RefMapValue && configured[in.Symbol]:
			return true
		}
	}
	return false
}

// keepOnly returns a collection of a program and the maps that it uses.
func keepOnly(c *spec.Collection, p *spec.Program) *spec.Collection {
	p = p.Clone()
	p.Optional = false
	used := map[string]bool{}
	for _, in := range p.Insns.All() {
		switch in.Ref {
		case asm.RefMap, asm.RefMapValue:
			used[in.Symbol] = true
		case asm.RefVar:
			used[c.Var(in.Symbol).Map] = true
		}
	}
	alone := &spec.Collection{Order: c.Order, License: c.License, Programs: []*spec.Program{p}, Externs: c.Externs, BTF: c.BTF}
	for _, m := range c.Maps {
		if used[m.Name] {
			alone.Maps = append(alone.Maps, m)
		}
	}
	for _, v := range c.Vars {
		if used[v.Map] {
			alone.Vars = append(alone.Vars, v)
		}
	}
	return alone
}

func hasPackets(t spec.ProgramType) bool {
	switch t {
	case spec.ProgramXDP, spec.ProgramSchedCls, spec.ProgramSchedAct, spec.ProgramCgroupSkb, spec.ProgramSocketFilter:
		return true
	}
	return false
}

// quickstart returns what the plugin of that name builds.
func quickstart(t *testing.T) *spec.Collection {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "guests/quickstart/go/count.bpf.txt"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := asm.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	perCPU := func(name string, n uint32) *spec.Map {
		return &spec.Map{Name: name, Type: spec.MapPerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: n}
	}
	c := &spec.Collection{
		License:  "Dual MIT/GPL",
		Programs: []*spec.Program{{Name: "count", Type: spec.ProgramXDP, Insns: spec.NewInsns(l.Insns...)}},
		Maps:     []*spec.Map{perCPU("packets", 256), perCPU("account", 2), {Name: "samples", Type: spec.MapRingbuf, MaxEntries: 64 << 10}},
	}
	freeze(c)
	return c
}

// freeze makes constants of what programs are told of time and chance.
func freeze(c *spec.Collection) {
	world := map[asm.Helper]bool{}
	for _, h := range []asm.Helper{
		asm.HelperKtimeGetNs, asm.HelperKtimeGetBootNs, asm.HelperKtimeGetCoarseNs, asm.HelperGetPrandomU32, asm.HelperGetCurrentPIDTGID,
	} {
		world[h] = true
	}
	for _, p := range c.Programs {
		p.Insns.Edit(func(insns []spec.Insn) {
			for i := range insns {
				in := &insns[i].Insn
				if in.Op.Format() == asm.FormatCall && in.Ref == asm.RefNone && world[asm.Helper(in.Imm)] {
					label := in.Label
					*in = asm.Mov64Imm(asm.R0, 123456789)
					in.Label = label
				}
			}
		})
	}
}

// loaded is an instance and the engine that it is of.
type loaded struct {
	instance
	engine engine
}

// tryPackets runs packets through a program on all engines.
func tryPackets(t *testing.T, r *rand.Rand, k engine, p *realProgram, n int) {
	const round = 2000
	engines := machines(t)
	if k != nil {
		engines = append(engines, k)
	}
	for ; n > 0; n -= round {
		var instances []loaded
		for _, e := range engines {
			i, err := e.load(p.collection)
			switch {
			case e == k && lacks(err):
				t.Log(err)
				continue
			case err != nil:
				t.Fatalf("%s: %v", e.name(), err)
			}
			defer i.close()
			instances = append(instances, loaded{i, e})
		}
		fillMaps(t, r, p.collection, instances)
		d, other := samePackets(r, p.collection.Program(p.program), instances, min(n, round))
		if d == "" {
			d, other = sameMaps(t, instances)
		}
		switch {
		case d == "":
		case other == k:
			name := strings.ReplaceAll(p.name, " ", "_")
			t.Logf("the kernel does not agree: %s", keep(t, name, p.collection, d))
			return
		default:
			t.Errorf("%s does not agree with the interpreter: %s", other.name(), d)
			return
		}
	}
}

// samePackets says what the interpreter has otherwise than another engine, first machines and then
// the kernel; nothing if all agree.
func samePackets(r *rand.Rand, p *spec.Program, instances []loaded, n int) (difference string, other engine) {
	shortest := etherLen + 1
	if p.Type != spec.ProgramXDP {
		shortest = 54 // with a whole header of IPv6: test runs of the kernel ask for one
	}
	for range n {
		in := randprog.Input{Packet: randomPacket(r, shortest)}
		first := instances[0].run(p.Name, in)
		for _, i := range instances[1:] {
			if d := first.differs(i.run(p.Name, in)); d != "" {
				return fmt.Sprintf("packet %x: %s", in.Packet, d), i.engine
			}
		}
	}
	return "", nil
}

// sameMaps is samePackets for the entries of maps.
func sameMaps(t *testing.T, instances []loaded) (difference string, other engine) {
	t.Helper()
	var first contents
	for n, i := range instances {
		c, err := i.entries()
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			first = c
		} else if d := first.differs(c); d != "" {
			return d, i.engine
		}
	}
	return "", nil
}

// addresses of IPv4 that packets are from and to, and that maps have as keys.
var addresses = []uint32{0xc0000201, 0xc0000202, 0x0a000001, 0x0a630002, 0x7f000001, 0xffffffff}

// fillMaps puts some of the addresses into the maps whose keys are addresses.
func fillMaps(t *testing.T, r *rand.Rand, c *spec.Collection, instances []loaded) {
	t.Helper()
	for _, m := range c.Maps {
		if m.Type != spec.MapHash || m.KeySize != 4 || m.Flags&spec.FlagReadOnlyProg != 0 {
			continue
		}
		for _, a := range addresses {
			if r.IntN(2) == 0 {
				continue
			}
			for _, i := range instances {
				if err := i.put(m.Name, binary.BigEndian.AppendUint32(nil, a), make([]byte, m.ValueSize)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// randomPacket returns a packet: often one that programs understand, with a few bytes changed or cut
// now and then.
func randomPacket(r *rand.Rand, shortest int) []byte {
	b := make([]byte, 54+r.IntN(80))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	kinds := []uint16{0x0800, 0x0800, 0x0800, 0x86dd, 0x0806, 0x8100, uint16(r.Uint32())}
	binary.BigEndian.PutUint16(b[12:], kinds[r.IntN(len(kinds))])
	if r.IntN(8) > 0 {
		b[14] = 0x45
		if b[12] == 0x86 {
			b[14] = 0x60
		}
		binary.BigEndian.PutUint16(b[16:], uint16(len(b)-14))
		binary.BigEndian.PutUint16(b[20:], []uint16{0, 0, 0x2000, 0x4000, 7}[r.IntN(5)]) // fragments
		b[23] = []byte{1, 6, 17, 58, byte(r.Uint32())}[r.IntN(5)]
		binary.BigEndian.PutUint32(b[26:], addresses[r.IntN(len(addresses))])
		binary.BigEndian.PutUint32(b[30:], addresses[r.IntN(len(addresses))])
	}
	for range r.IntN(3) * r.IntN(2) {
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	}
	if r.IntN(8) == 0 {
		b = b[:shortest+r.IntN(len(b)-shortest+1)]
	}
	return b
}
