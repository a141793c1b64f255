package policy

import (
	"fmt"
	"math"
	"path"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/signature"
)

// Final is everything that is about to be loaded and attached, after every edit. Optional programs
// of its collections that nothing attaches are not loaded, and not evaluated.
type Final struct {
	Plugin      string          // its own name; empty is not evaluated
	SHA256      string          // of the module, in lower-case hex; empty is not evaluated
	Signers     []signature.Key // whose signatures of the module were verified
	Machine     spec.Machine    // what the memory of maps depends on
	Requests    *Requests       // maps that they ask to use at run time, or to share, are evaluated as such; nil asks for none
	PinDir      string          // the root of pins, see Pin; empty is PinRoot
	Collections []Input
}

// Input is one collection of a Final.
type Input struct {
	Object     string // file name of the operator's object that it comes from; empty for one made by the plugin
	SHA256     string // of that object, in lower-case hex
	Edited     bool   // the plugin changed it
	Collection *spec.Collection
}

// Accesses lists what there is to evaluate, in an order that depends on f alone. What occurs
// several times is listed once, with its first place; of numbers the largest is listed.
func Accesses(f Final) []Access {
	c := &collector{final: f, index: map[accessKey]int{}}
	if f.Plugin != "" {
		c.add(Access{Kind: KindPlugin, Name: f.Plugin})
	}
	if f.SHA256 != "" {
		c.add(Module(f.SHA256, f.Signers))
	}
	programs, maps := uint64(0), uint64(0)
	for _, in := range f.Collections {
		loaded := in.Collection.Select(in.Collection.Attached())
		c.collection(in, loaded)
		programs += uint64(len(loaded.Programs))
		maps += uint64(len(loaded.Maps))
	}
	if programs > 0 {
		c.add(Access{Kind: KindPrograms, Value: programs})
	}
	if maps > 0 {
		c.add(Access{Kind: KindMaps, Value: maps})
	}
	if c.bytes > 0 {
		c.add(Access{Kind: KindTotalBytes, Value: c.bytes})
	}
	c.finish()
	return c.list
}

// Merge returns the accesses with those of more that are not among them, each once.
func Merge(accesses, more []Access) []Access {
	c := &collector{index: make(map[accessKey]int, len(accesses))}
	for _, a := range append(accesses[:len(accesses):len(accesses)], more...) {
		c.add(a)
	}
	return c.list
}

// collector gathers accesses without repeating them.
type collector struct {
	final Final
	list  []Access
	index map[accessKey]int
	more  []int // per access: further places
	bytes uint64
}

type accessKey struct {
	kind Kind
	name string
}

// add lists an access, or counts it where it is listed already.
func (c *collector) add(s Access) {
	k := accessKey{s.Kind, s.Name}
	i, seen := c.index[k]
	switch {
	case !seen:
		c.index[k] = len(c.list)
		c.list = append(c.list, s)
		c.more = append(c.more, 0)
	case s.Kind >= KindPrograms:
		if s.Value > c.list[i].Value {
			c.list[i] = s
		}
	default:
		c.more[i]++
	}
}

// finish adds the number of further places to the first ones.
func (c *collector) finish() {
	for i, n := range c.more {
		switch {
		case n == 1:
			c.list[i].Where += " and one more place"
		case n > 1:
			c.list[i].Where += fmt.Sprintf(" and %d more places", n)
		}
	}
}

func (c *collector) collection(in Input, loaded spec.Selection) {
	if in.Object != "" {
		c.add(Access{Kind: KindObject, Name: in.Object, Digest: in.SHA256})
		if in.Edited {
			c.add(Access{Kind: KindObjectEdit, Name: in.Object, Digest: in.SHA256})
		}
	}
	for _, p := range loaded.Programs {
		c.program(p)
	}
	for _, m := range loaded.Maps {
		c.mapp(m)
	}
	index := spec.NewIndex(in.Collection)
	for _, a := range in.Collection.Attach {
		c.attach(index, a)
	}
}

// program lists what a program is and does.
func (c *collector) program(p *spec.Program) {
	where := "program " + p.Name
	c.addAt(ProgramType(p.Type), where)
	if name, ok := rightOf[p.Type.String()]; ok {
		c.addAt(Access{Kind: KindRight, Name: name}, where)
	}
	if p.Type == spec.ProgramTracing && p.AttachType == spec.AttachTypeModifyReturn {
		c.addAt(Access{Kind: KindRight, Name: RightModifyReturn}, where)
	}
	if p.Flags&spec.FlagSleepable != 0 {
		c.addAt(Access{Kind: KindRight, Name: RightSleepable}, where)
	}
	slots := uint64(0)
	var line *btf.LineInfo
	for i, in := range p.Insns.All() {
		slots += uint64(in.Slots())
		if in.Line != nil || in.Func != nil {
			line = in.Line
		}
		if s, ok := Instruction(&in.Insn); ok {
			s.Source = sourceText(line)
			c.addAt(s, fmt.Sprintf("insn %d of %s", i, p.Name))
		}
	}
	c.addAt(Access{Kind: KindInsns, Value: slots}, where)
	c.tables(p)
}

// tables lists what the jump tables of a program take: the loader makes a map of each.
func (c *collector) tables(p *spec.Program) {
	for _, t := range p.Tables {
		size := t.Map().Memory(c.final.Machine)
		c.addAt(Access{Kind: KindBytes, Value: size}, fmt.Sprintf("jump table %s of %s", t.Name, p.Name))
		c.bytes = addSaturating(c.bytes, size)
	}
}

// sourceText names a line of source, "drops.bpf.c:38"; empty without one.
func sourceText(line *btf.LineInfo) string {
	if line == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", path.Base(line.File()), line.Line)
}

func (c *collector) addAt(s Access, where string) {
	s.Where = where
	c.add(s)
}

// Instruction says what an instruction uses, if it is anything that is evaluated. It looks at what
// the kernel would see, so an instruction that is marked Raw is not an exception.
func Instruction(in *asm.Insn) (Access, bool) {
	kfunc := in.Op == asm.OpCall && in.Src == asm.PseudoKfuncCall
	switch {
	case in.Ref == asm.RefKfunc && kfunc:
		return Access{Kind: KindKfunc, Name: in.Symbol}, true
	case in.Ref == asm.RefKfunc || kfunc:
		return Access{Kind: KindNumeric, Name: fmt.Sprintf("kernel function #%d", in.Imm)}, true
	case in.Op == asm.OpCall && in.Src == 0:
		return Helper(asm.Helper(in.Imm)), true
	case in.Op != asm.OpLoadImm64:
		return Access{}, false
	}
	switch in.Ref {
	case asm.RefMap, asm.RefMapValue, asm.RefVar, asm.RefTable:
		return Access{}, false // the loader puts in the map that is named, or makes that of the table
	}
	switch in.Src {
	case asm.PseudoMapFD, asm.PseudoMapValue, asm.PseudoMapIdx, asm.PseudoMapIdxValue:
		return Access{Kind: KindNumeric, Name: fmt.Sprintf("map #%d", int32(in.Imm))}, true
	}
	switch {
	case in.Ref == asm.RefKsym:
		return Access{Kind: KindKsym, Name: in.Symbol}, true
	case in.Src == asm.PseudoBTFID:
		return Access{Kind: KindNumeric, Name: fmt.Sprintf("kernel variable #%d", int32(in.Imm))}, true
	}
	return Access{}, false
}

// mapp lists what a map is and takes. (map is a keyword.)
func (c *collector) mapp(m *spec.Map) {
	where := "map " + m.Name
	c.addAt(MapType(m.Type), where)
	c.entries(m, where)
	size := m.Memory(c.final.Machine)
	if m.Inner != nil {
		c.addAt(MapType(m.Inner.Type), "inner map of "+m.Name)
		c.entries(m.Inner, "inner map of "+m.Name)
		size = addSaturating(size, m.Inner.Memory(c.final.Machine))
	}
	c.addAt(Access{Kind: KindBytes, Value: size}, where)
	if use := MapRW(m.Name); m.Type.PlainData() && c.final.Requests.asksFor(use) {
		c.addAt(use, "at run time")
	}
	c.bytes = addSaturating(c.bytes, size)
	if pin, ok := c.final.Pin(m); ok {
		c.addAt(Access{Kind: KindPinRead, Name: pin.Path}, where)
		c.addAt(Access{Kind: KindPinWrite, Name: pin.Path}, where)
		if pin.Shared {
			c.addAt(Access{Kind: KindPinShare, Name: m.Name}, where)
		}
	}
}

// entries lists how many entries a map has. What is called max_entries of a ring buffer or an arena
// is its size, which is evaluated as such.
func (c *collector) entries(m *spec.Map, where string) {
	switch m.Type {
	case spec.MapRingbuf, spec.MapUserRingbuf, spec.MapArena:
	default:
		c.addAt(Access{Kind: KindEntries, Value: m.EntriesOn(c.final.Machine)}, where)
	}
}

func addSaturating(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// attach lists where a program is attached.
func (c *collector) attach(in *spec.Index, a spec.Attach) {
	where := "program " + a.Program
	p := in.Program(a.Program)
	if p == nil {
		p = &spec.Program{Name: a.Program}
	}
	t, err := spec.ResolveTarget(p, a)
	if err != nil { // nothing to attach to, and nothing that a rule could grant
		c.addAt(Attach(spec.Target{Kind: a.Kind}), where)
		return
	}
	c.addAt(Attach(t), where)
	if p.Type == spec.ProgramLSM && a.Kind == spec.HookCgroup {
		c.addAt(Attach(spec.Target{Kind: spec.HookTracing, Name: p.AttachTo}), where)
	}
	if t.Netns != "" {
		c.addAt(Access{Kind: KindNetns, Name: t.Netns}, where)
	}
}
