// Package fuel rewrites WebAssembly modules so that they count what they do. [Rewrite] is a pure
// function of bytes to bytes.
//
// A rewritten module has two more globals: fuel, which it takes from before it works, and stack,
// which it takes from while it is in a call. When one of them is below zero it calls an import,
// which grants more fuel or ends the guest. So nothing runs for long without asking, be it loops,
// trees of calls, recursion or operations on much memory, and the sum that was taken depends on the
// module and its input alone.
//
// Fuel is taken at the start of each function for what is outside of loops, at the start of each
// round of a loop for what is in the loop, and before bulk operations by their length. Loops take
// it in portions, which they keep in a local and return at the end, because that is cheaper than to
// change a global in each round. What is small is paid for by who asks for it: functions that with all
// they call do little, short bulk operations, and loops that call a function which pays in each round.
// Only some functions take from the stack: see graph.
package fuel

import (
	"fmt"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
)

// The names that a rewritten module imports and exports.
const (
	Module = "bpfhost.meter" // module of the import
	Refill = "refill"        // the import, of type () -> nothing
	Fuel   = "bpfhost.fuel"  // the exported global with the fuel left, an i64
	Stack  = "bpfhost.stack" // the exported global with the stack left, an i64 in values of 8 bytes
)

// Work up to small is paid for by the instruction that asks for it, within a factor of eight: a call or
// a bulk operation costs an eighth of it. That is a call of a function that with all it calls costs no
// more, or a bulk operation on that many times 8 bytes. In the same way a loop is paid for by a
// function that it calls in each round.
const (
	paidBy = 8
	small  = 16 * paidBy
)

// frameOverhead is what a call holds apart from its values, in values.
const frameOverhead = 6

// Portions of fuel that loops take.
const (
	portionRounds = 16
	portionMin    = 1 << 10
	portionMax    = 1 << 20
)

// Rewrite returns the module with fuel and a stack of so many values of 8 bytes. m is what
// [module.Scan] returned for wasm. The error says that the module has one of the names above.
func Rewrite(wasm []byte, m *module.Module, stack uint32) ([]byte, error) {
	for i := range m.Exports {
		if name := m.Exports[i].Name; name == Fuel || name == Stack {
			return nil, fmt.Errorf("exports %s, a name that the host uses itself", name)
		}
	}
	w := newWriter(wasm, m)
	w.module(stack)
	return w.out, nil
}

// newWriter prepares a writer with the room that the output needs.
func newWriter(wasm []byte, m *module.Module) *writer {
	room := 512
	for i := range m.Marks {
		room += growth[m.Marks[i].Kind]
	}
	for i := range m.Loops {
		if m.Loops[i].Straight != 0 {
			room += growthStraight
		}
	}
	room += growthCarried * len(m.Carried)
	w := &writer{
		in: wasm, m: m, out: make([]byte, 0, len(wasm)+room),
		imports: uint32(len(m.Imports)), fuel: uint32(m.Globals), stack: uint32(m.Globals) + 1,
		blocks: make([]uint32, len(m.Types)), graph: newGraph(m),
	}
	w.refill, w.take = w.imports, w.imports+1+uint32(m.Functions)
	w.addBlockTypes()
	return w
}

// growth is how many bytes a mark adds at most, apart from rare long numbers.
var growth = [...]int{
	module.Size: 4, module.Index: 1, module.Start: 110, module.LoopHead: 40, module.LoopEnd: 24, module.Branch: 1, module.Return: 2,
	module.Bulk: 54, module.Grow: 56,
}

const (
	growthStraight = 200
	growthCarried  = 9
)

// addBlockTypes finds or adds the types of blocks that leave several results. One that takes
// nothing and leaves what a function returns goes around the function's body.
func (w *writer) addBlockTypes() {
	for i := range w.m.Types {
		t := &w.m.Types[i]
		switch {
		case len(t.Results) < 2:
		case len(t.Params) == 0:
			w.blocks[i] = uint32(i)
		default:
			w.blocks[i] = uint32(len(w.m.Types) + len(w.types))
			w.types = append(w.types, module.FuncType{Results: t.Results})
		}
	}
	w.takeType = uint32(len(w.m.Types) + len(w.types))
	w.types = append(w.types, module.FuncType{Params: []module.ValueType{i64}, Results: []module.ValueType{i64}})
	w.refillType = uint32(len(w.m.Types) + len(w.types))
	w.types = append(w.types, module.FuncType{})
}
