// Package randprog makes random eBPF programs that the kernel's verifier accepts, with inputs for
// them, so that machines that run programs can be compared. What a program computes does not depend
// on where it runs: it never lets an address, the time or chance into what can be seen afterwards.
//
// Between two of its parts all registers of a program, but for one that holds its context, and the
// 64 bytes below its frame pointer are numbers. So parts can be left out, repeated and jumped over,
// and the verifier finds nothing to refuse.
package randprog

import (
	"math/rand/v2"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Main is the name of the program to run.
const Main = "main"

// Options say what programs are like. The zero value makes all forms.
type Options struct {
	Types   []spec.ProgramType // to choose from; nil is Types()
	Without []string           // forms that no part shall have, of Forms
}

// Case is a collection and what to run its program Main on, one after the other.
type Case struct {
	Seed       uint64
	Type       spec.ProgramType // of all programs
	Collection *spec.Collection
	Inputs     []Input
	Forms      map[string]int // how often each form was made
}

// Input is what a run gets: a packet, from its Ethernet header on, or where programs have none, a
// context.
type Input struct {
	Packet, Context []byte
}

// Types returns the types of programs that are made.
func Types() []spec.ProgramType {
	return []spec.ProgramType{spec.ProgramSyscall, spec.ProgramXDP, spec.ProgramSchedCls, spec.ProgramSocketFilter}
}

// New returns the case of a seed: the same each time, as long as this package does not change.
func New(seed uint64, o Options) *Case {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	types := o.Types
	if types == nil {
		types = Types()
	}
	c := &Case{Seed: seed, Type: types[r.IntN(len(types))], Forms: map[string]int{}}
	g := &generator{typ: c.Type, without: map[string]bool{}, forms: c.Forms, builder: builder{Rand: r}}
	for _, f := range o.Without {
		g.without[f] = true
	}
	g.declare()
	c.Collection = &spec.Collection{License: "GPL"}
	c.Collection.Programs = append(c.Collection.Programs, g.program(Main, 12+r.IntN(24)))
	if c.Type != spec.ProgramSyscall && g.uses(c.Collection, progs) {
		for _, name := range []string{next1, next2} {
			c.Collection.Programs = append(c.Collection.Programs, g.program(name, 4+r.IntN(6)))
		}
	}
	c.Collection.Maps = g.maps(c.Collection)
	types2, err := g.btf.Types()
	if err != nil {
		panic("randprog: " + err.Error()) // the generator itself is wrong
	}
	c.Collection.BTF = types2
	for range 4 {
		c.Inputs = append(c.Inputs, g.input())
	}
	return c
}

// generator makes the programs of a case.
type generator struct {
	typ     spec.ProgramType
	without map[string]bool
	forms   map[string]int

	btf      *btf.Builder
	number64 btf.ID
	mainType btf.ID // of main functions

	// What follows belongs to the program that is being made.
	name  string
	queue []*function // called, and still to be made
	count int         // of functions
	builder
}

// function is a function of a program that is being made.
type function struct {
	name      string
	role      role
	context   bool // R6 is the context
	caller    bool // R6 is the address of 8 bytes of a caller's stack
	unordered bool // it is called in an order that nobody knows
	depth     int  // of calls
	loops     int  // around the part that is being made
}

type role uint8

const (
	roleMain  role = iota
	roleLocal      // called with numbers in R1 to R5, R1 may be a pointer
	roleLoop       // a callback of bpf_loop
	roleEach       // a callback of bpf_for_each_map_elem
)

// declare makes the types of functions.
func (g *generator) declare() {
	g.btf = &btf.Builder{}
	g.number64 = g.btf.Add(&btf.Int{Name: "unsigned long", Size: 8})
	integer := g.btf.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	pointer := g.btf.Add(&btf.Pointer{})
	g.mainType = g.btf.Add(&btf.FuncProto{Return: integer, Params: []btf.Param{{Name: "ctx", Type: pointer}}})
}

// program makes a program of about n parts.
func (g *generator) program(name string, n int) *spec.Program {
	g.name, g.queue, g.count, g.builder = name, nil, 0, builder{Rand: g.Rand}
	p := &spec.Program{Name: name, Type: g.typ}
	if g.typ == spec.ProgramSyscall {
		p.Flags = spec.FlagSleepable
	}
	g.make(&function{name: name, role: roleMain, context: true}, n)
	for len(g.queue) > 0 {
		f := g.queue[0]
		g.queue = g.queue[1:]
		g.make(f, 2+g.IntN(5))
	}
	joinLabels(g.code, g.same)
	for i := range g.code {
		g.forms[FormOf(&g.code[i].Insn)]++
	}
	for _, t := range g.tags {
		g.forms[t]++
	}
	p.Insns = spec.NewInsns(g.code...)
	return p
}

// make makes a function.
func (g *generator) make(f *function, parts int) {
	g.function = f
	start := len(g.code)
	g.enter()
	g.block(parts)
	g.leave()
	typ := g.mainType
	linkage := btf.LinkGlobal
	if f.role != roleMain {
		proto := &btf.FuncProto{Return: g.number64}
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			proto.Params = append(proto.Params, btf.Param{Name: name, Type: g.number64})
		}
		typ, linkage = g.btf.Add(proto), btf.LinkStatic
	}
	g.code[start].Func = &btf.FuncInfo{Name: f.name, Type: g.btf.Add(&btf.Func{Name: f.name, Type: typ, Linkage: linkage})}
}

// called returns the name of a new function that is to be made.
func (g *generator) called(f function) string {
	g.count++
	f.name = g.name + "_" + string(rune('a'+g.count%26)) + string(rune('a'+g.count/26))
	f.depth = g.depth + 1
	g.queue = append(g.queue, &f)
	return f.name
}

// block makes parts, n in all.
func (g *generator) block(n int) {
	for n > 0 {
		n -= g.part(n)
	}
}

// part makes a part, or a choice or a loop of some, at most n, and returns how many those were. What
// has a form that shall not be is taken back.
func (g *generator) part(n int) int {
	const tries = 20
	for range tries {
		code, tags, labels, pending, same, queue := len(g.code), len(g.tags), g.labels, g.pending, len(g.same), len(g.queue)
		made := g.anyPart(n)
		if !g.unwanted(g.code[code:], g.tags[tags:]) {
			return made
		}
		g.code, g.tags, g.labels, g.pending, g.same, g.queue = g.code[:code], g.tags[:tags], labels, pending, g.same[:same], g.queue[:queue]
	}
	return 1
}

func (g *generator) unwanted(code []spec.Insn, tags []string) bool {
	if len(g.without) == 0 {
		return false
	}
	return slices.ContainsFunc(tags, func(t string) bool { return g.without[t] }) ||
		slices.ContainsFunc(code, func(in spec.Insn) bool { return g.without[FormOf(&in.Insn)] })
}

// choice is a kind of part, made as often as its weight says.
type choice struct {
	weight int
	when   func(g *generator) bool // nil is always
	make   func(g *generator)
}

func anywhere(g *generator) bool    { return !g.unordered }
func withContext(g *generator) bool { return g.context }

// callsHelpers reports whether the function may change maps.
func callsHelpers(g *generator) bool { return !g.unordered && g.role != roleEach }

func callsFunctions(g *generator) bool { return callsHelpers(g) && g.depth < 2 && g.loops < 2 }

var choices []choice

func init() { // some of them make parts themselves
	choices = []choice{
		{40, nil, (*generator).arithmetic},
		{6, nil, (*generator).constant},
		{14, nil, (*generator).stack},
		{4, nil, (*generator).variableStack},
		{10, anywhere, (*generator).value},
		{4, anywhere, (*generator).variableValue},
		{4, func(g *generator) bool { return g.caller && !g.unordered }, (*generator).callerStack},
		{5, callsHelpers, inMaps(mapParts.lookup)},
		{5, callsHelpers, inMaps(mapParts.update)},
		{2, callsHelpers, inMaps(mapParts.remove)},
		{5, callsHelpers, inMaps(mapParts.keyless)},
		{4, callsHelpers, inMaps(mapParts.ring)},
		{5, callsFunctions, (*generator).local},
		{2, callsFunctions, (*generator).callback},
		{2, callsFunctions, (*generator).forEach},
		{6, withContext, inPacket(packetParts.contextFields)},
		{9, hasDirectPacket, inPacket(packetParts.directPacket)},
		{3, hasPacketLoads, inPacket(packetParts.packetLoad)},
		{4, hasPacketHelpers, inPacket(packetParts.packetHelper)},
		{2, canTailCall, (*generator).tailCall},
	}
}

// anyPart makes a part, or a choice or a loop of some.
func (g *generator) anyPart(n int) int {
	if k := g.IntN(8 << g.loops); k < 2 && n > 1 { // in loops few, of which the verifier sees each path
		inner := min(n, 1+g.IntN(3))
		switch {
		case g.loops+g.depth < 2 && g.IntN(4) == 0:
			g.loop(inner)
		case g.IntN(3) == 0:
			g.either(inner)
		default:
			g.skip(inner)
		}
		return inner
	}
	total := 0
	for _, c := range choices {
		if c.when == nil || c.when(g) {
			total += c.weight
		}
	}
	pick := g.IntN(total)
	for _, c := range choices {
		if c.when != nil && !c.when(g) {
			continue
		}
		if pick -= c.weight; pick < 0 {
			c.make(g)
			break
		}
	}
	return 1
}
