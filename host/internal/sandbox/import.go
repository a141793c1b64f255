package sandbox

import (
	"strings"

	"github.com/tetratelabs/wazero/api"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
)

// ValueType is the type of a parameter or result. The guest ABI uses no others than I32 and I64.
type ValueType = module.ValueType

// The types of values. The numbers are those of the binary format.
const (
	I32 ValueType = 0x7f
	I64 ValueType = 0x7e
)

// Import is one function that a guest may import from the host module.
type Import struct {
	Name            string
	Params, Results []ValueType

	// Fn is called on the goroutine of Call. Parameters are at the start of stack in order, 32-bit
	// ones in the low half; results go to its start. The slice is valid until Fn returns. Fn must
	// not block and must not call or close g; g.Abort ends the guest's call from within.
	Fn func(g *Guest, stack []uint64)
}

// Export is one function that the host may call if the guest exports it.
type Export struct {
	Name            string
	Params, Results []ValueType // Results is empty or one I32
	Required        bool
}

// signature prints a function type, e.g. "(i32, i64) -> i32".
func signature[T ~uint8](params, results []T) string {
	var b strings.Builder
	list := func(types []T) {
		for i, t := range types {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(ValueType(t).String())
		}
	}
	b.WriteByte('(')
	list(params)
	b.WriteString(") -> ")
	if len(results) == 0 {
		b.WriteString("nothing")
	}
	list(results)
	return b.String()
}

// apiTypes converts to the runtime's value types, which have the same numbers.
func apiTypes(types []ValueType) []api.ValueType {
	out := make([]api.ValueType, len(types))
	for i, t := range types {
		out[i] = api.ValueType(t)
	}
	return out
}
