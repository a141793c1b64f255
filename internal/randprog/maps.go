package randprog

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// The maps of a collection, as far as its programs use them.
const (
	results = "results" // what main functions had in the end
	state   = "state"   // an array with one value, which is at a fixed address
	progs   = "progs"   // of tail calls
	rings   = "ring"
	next1   = "next1"
	next2   = "next2"
)

// Sizes in bytes.
const (
	showSize    = 2 * 8 * 17
	stateSize   = 64
	contextSize = 64
	entrySize   = 16 // a value of the other maps
)

// Maps of entries, all with values of entrySize.
var mapTypes = map[string]spec.MapType{
	"array": spec.MapArray, "percpu_array": spec.MapPerCPUArray, "hash": spec.MapHash, "percpu_hash": spec.MapPerCPUHash,
	"lru": spec.MapLRUHash, "lru_percpu": spec.MapLRUPerCPUHash, "lpm": spec.MapLPMTrie, "queue": spec.MapQueue, "stack": spec.MapStack,
}

// eachMaps are the maps whose entries a callback can be called for.
var eachMaps = []string{"array", "percpu_array", "hash", "percpu_hash", "lru", "lru_percpu"}

// keyed are the maps that have keys. A trie is not for programs that may sleep.
func (g *generator) keyed() []string {
	if g.typ == spec.ProgramSyscall {
		return eachMaps
	}
	return append(slices.Clone(eachMaps), "lpm", "lpm")
}

// maps returns the maps that the programs of the collection use.
func (g *generator) maps(c *spec.Collection) []*spec.Map {
	var list []*spec.Map
	for _, m := range []*spec.Map{
		{Name: results, Type: spec.MapArray, KeySize: 4, ValueSize: showSize, MaxEntries: 1},
		{Name: state, Type: spec.MapArray, KeySize: 4, ValueSize: stateSize, MaxEntries: 1},
		{Name: progs, Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4,
			Values: []spec.MapValue{{Key: 0, Name: Main}, {Key: 1, Name: next1}, {Key: 3, Name: next2}}},
		{Name: rings, Type: spec.MapRingbuf, MaxEntries: 4096},
	} {
		if g.uses(c, m.Name) {
			list = append(list, m)
		}
	}
	for _, name := range append(slices.Clone(eachMaps), "lpm", "queue", "stack") {
		m := &spec.Map{Name: name, Type: mapTypes[name], KeySize: 4, ValueSize: entrySize, MaxEntries: 6}
		switch m.Type {
		case spec.MapLRUHash, spec.MapLRUPerCPUHash:
			m.MaxEntries = 1024 // what is evicted is for each machine to decide
		case spec.MapLPMTrie:
			m.KeySize, m.Flags = 8, spec.FlagNoPrealloc
		case spec.MapQueue, spec.MapStack:
			m.KeySize = 0
		}
		if g.uses(c, name) {
			list = append(list, m)
		}
	}
	return list
}

// uses reports whether a program of the collection refers to a map.
func (g *generator) uses(c *spec.Collection, name string) bool {
	for _, p := range c.Programs {
		for _, in := range p.Insns.All() {
			if (in.Ref == asm.RefMap || in.Ref == asm.RefMapValue) && in.Symbol == name {
				return true
			}
		}
	}
	return false
}

// helper calls a helper on a map; its result stays in R0.
func (g *generator) helper(h asm.Helper, m string) {
	g.tag(h.String() + " of " + m)
	g.add(asm.Call(h))
	g.renew(scratch...)
}

// mapParts are those that use maps.
type mapParts struct{ *generator }

// inMaps makes a part with maps.
func inMaps(part func(mapParts)) func(*generator) { return func(g *generator) { part(mapParts{g}) } }

// key puts a key into the stack, one of a few.
func (g mapParts) key(m string) {
	const few = 7
	if mapTypes[m] == spec.MapLPMTrie {
		g.prefix()
		return
	}
	if g.IntN(2) == 0 {
		g.add(asm.StoreImm(asm.R10, keyAt, int32(g.IntN(few+1)), asm.Word))
		return
	}
	r := g.reg()
	g.add(asm.ALU64Imm(asm.And, r, few), asm.StoreMem(asm.R10, keyAt, r, asm.Word))
}

// prefix puts the key of a trie into the stack.
func (g mapParts) prefix() {
	if g.IntN(2) == 0 {
		lengths := []int32{0, 1, 8, 12, 16, 24, 31, 32, 33, -1}
		g.add(asm.StoreImm(asm.R10, keyAt, lengths[g.IntN(len(lengths))], asm.Word))
	} else {
		r := g.reg()
		g.add(asm.ALU64Imm(asm.And, r, 63), asm.StoreMem(asm.R10, keyAt, r, asm.Word))
	}
	addresses := []int32{0, -1, 0x0a000001, 0x0a0000ff, 0x0affff0a, 0x0b0a}
	g.add(asm.StoreImm(asm.R10, keyAt+4, addresses[g.IntN(len(addresses))], asm.Word))
}

// putValue puts a value into the stack.
func (g mapParts) putValue() {
	g.add(asm.StoreMem(asm.R10, valueAt, g.reg(), asm.DWord))
	if g.IntN(2) == 0 {
		g.add(asm.StoreMem(asm.R10, valueAt+8, g.reg(), asm.DWord))
	} else {
		g.add(asm.StoreImm(asm.R10, valueAt+8, g.imm(), asm.DWord))
	}
}

// flags makes a register the flags of an update, a few of which are wrong.
func (g mapParts) flags(r asm.Reg) {
	g.add(asm.Mov64Imm(r, []int32{0, 0, 0, 1, 2, 3, 8}[g.IntN(7)]))
}

// lookup finds a value, and reads and writes it if it is there.
func (g mapParts) lookup() {
	keyed := g.keyed()
	m := keyed[g.IntN(len(keyed))]
	g.key(m)
	g.add(asm.LoadMap(asm.R1, m))
	g.at(asm.R2, keyAt)
	if mapTypes[m].PerCPU() && g.IntN(3) == 0 { // of a CPU that there is not
		g.add(asm.Mov64Imm(asm.R3, 1<<20))
		g.helper(asm.HelperMapLookupPerCPUElem, m)
	} else {
		g.helper(asm.HelperMapLookupElem, m)
	}
	g.ifNotNull(func() { g.access(area{"a map value", asm.R0, 0, entrySize, true}) })
	g.renew(asm.R0)
}

func (g mapParts) update() {
	keyed := g.keyed()
	m := keyed[g.IntN(len(keyed))]
	g.key(m)
	g.putValue()
	g.add(asm.LoadMap(asm.R1, m))
	g.at(asm.R2, keyAt)
	g.at(asm.R3, valueAt)
	g.flags(asm.R4)
	g.helper(asm.HelperMapUpdateElem, m)
}

func (g mapParts) remove() {
	keyed := g.keyed()
	m := keyed[g.IntN(len(keyed))]
	g.key(m)
	g.add(asm.LoadMap(asm.R1, m))
	g.at(asm.R2, keyAt)
	g.helper(asm.HelperMapDeleteElem, m)
}

// keyless uses a queue or a stack.
func (g mapParts) keyless() {
	m := []string{"queue", "stack"}[g.IntN(2)]
	g.putValue()
	g.add(asm.LoadMap(asm.R1, m))
	g.at(asm.R2, valueAt)
	h := []asm.Helper{asm.HelperMapPushElem, asm.HelperMapPushElem, asm.HelperMapPopElem, asm.HelperMapPeekElem}[g.IntN(4)]
	if h == asm.HelperMapPushElem {
		g.flags(asm.R3)
	}
	g.helper(h, m)
	if h != asm.HelperMapPushElem {
		g.add(asm.LoadMem(g.reg(asm.R0), asm.R10, valueAt, asm.DWord))
	}
}

// ring writes a record, or asks about the ring.
func (g mapParts) ring() {
	g.add(asm.LoadMap(asm.R1, rings))
	switch g.IntN(4) {
	case 0:
		g.add(asm.Mov64Imm(asm.R2, int32(g.IntN(5))))
		g.helper(asm.HelperRingbufQuery, rings)
	case 1:
		g.at(asm.R2, words)
		g.add(asm.Mov64Imm(asm.R3, int32(1+g.IntN(64))), asm.Mov64Imm(asm.R4, []int32{0, 1, 2, 4}[g.IntN(4)]))
		g.helper(asm.HelperRingbufOutput, rings)
	default:
		g.record()
	}
}

// record reserves a record of the ring whose map is in R1, fills it and submits or discards it.
func (g mapParts) record() {
	n := 8 * (1 + g.IntN(6))
	g.add(asm.Mov64Imm(asm.R2, int32(n)), asm.Mov64Imm(asm.R3, 0))
	g.helper(asm.HelperRingbufReserve, rings)
	g.ifNotNull(func() {
		for off := 0; off < n; off += 8 {
			g.add(asm.StoreMem(asm.R0, int16(off), g.reg(asm.R0), asm.DWord))
		}
		g.access(area{"a record", asm.R0, 0, n, true})
		end := []asm.Helper{asm.HelperRingbufSubmit, asm.HelperRingbufSubmit, asm.HelperRingbufDiscard}[g.IntN(3)]
		g.add(asm.Mov64Reg(asm.R1, asm.R0), asm.Mov64Imm(asm.R2, int32(g.IntN(3))))
		g.helper(end, rings)
	})
	g.renew(asm.R0)
}
