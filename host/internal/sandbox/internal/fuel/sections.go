package fuel

import "github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"

// The types of locals. Fuel and stack are i64.
const (
	i32  module.ValueType = 0x7f
	i64  module.ValueType = 0x7e
	f32  module.ValueType = 0x7d
	f64  module.ValueType = 0x7c
	v128 module.ValueType = 0x7b
)

// typeEntries encodes the added types.
func (w *writer) typeEntries() []byte {
	var b []byte
	list := func(types []module.ValueType) {
		b = leb(b, uint32(len(types)))
		for _, t := range types {
			b = append(b, byte(t))
		}
	}
	for i := range w.types {
		b = append(b, 0x60)
		list(w.types[i].Params)
		list(w.types[i].Results)
	}
	return b
}

func (w *writer) importEntry() []byte {
	b := name(name(nil, Module), Refill)
	return leb(append(b, 0), w.refillType)
}

// globalEntries encodes fuel, which starts with nothing, and stack.
func globalEntries(stack uint32) []byte {
	b := []byte{byte(i64), 1, opConst64, 0, opEnd, byte(i64), 1, opConst64}
	return append(sleb(b, int64(stack)), opEnd)
}

func (w *writer) exportEntries() []byte {
	b := leb(append(name(nil, Fuel), 3), w.fuel)
	return leb(append(name(b, Stack), 3), w.stack)
}

// takeBody encodes the function that takes a portion of fuel for a loop and returns it.
func (w *writer) takeBody() []byte {
	code := writer{fuel: w.fuel, refill: w.refill}
	code.out = append(code.out, 0) // no locals
	code.op(opGlobalGet, w.fuel)
	code.op(opLocalGet, 0)
	code.plain(opSub64)
	code.op(opGlobalSet, w.fuel)
	code.checkFuel()
	code.op(opLocalGet, 0)
	code.plain(opEnd)
	return append(leb(nil, uint32(len(code.out))), code.out...)
}

// name appends a string.
func name(b []byte, s string) []byte {
	return append(leb(b, uint32(len(s))), s...)
}
