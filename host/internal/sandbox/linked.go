package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/bpfhost/bpfhost/internal/oneline"
)

// Linked is a set of modules that share what the first one exports, and import one function.
// They are code that the host itself has made, and checked: nothing meters them, and nothing is granted to
// them but that function. It is not for several goroutines at the same time.
type Linked struct {
	runtime wazero.Runtime
	memory  api.Memory
	entry   string
}

// LinkedOptions say what modules import and export.
type LinkedOptions struct {
	Shared       string // name of the first module
	Module, Host string // names of the function: (i32, i32, i64 × 6) → i64
	Entry        string // what the others export: (i64 × 6) → i64

	// Memory returns the memory for a size in bytes: at first and whenever it has grown.
	Memory func(size uint64) []byte

	// Call is the function. Parameters are at the start of stack, where the result goes. What it panics
	// with ends the call of the entry with an error.
	Call func(stack []uint64)
}

// NewLinked makes the set of the first module. The error says so if the runtime has no compiler for this
// processor or system.
func NewLinked(first []byte, o LinkedOptions) (l *Linked, err error) {
	ctx := context.Background()
	defer func() {
		if p := recover(); p != nil { // NewRuntimeConfigCompiler does where there is no compiler
			l, err = nil, fmt.Errorf("start runtime: %s", printable(fmt.Sprint(p)))
		}
	}()
	l = &Linked{entry: o.Entry, runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().
		WithCloseOnContextDone(false).WithDebugInfoEnabled(false))}
	shared := experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory {
		return provided(o.Memory)
	}))
	params := []api.ValueType{api.ValueTypeI32, api.ValueTypeI32}
	for range 6 {
		params = append(params, api.ValueTypeI64)
	}
	_, err = l.runtime.NewHostModuleBuilder(o.Module).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) { o.Call(stack) }), params, []api.ValueType{api.ValueTypeI64}).
		Export(o.Host).Instantiate(ctx)
	if err == nil {
		var m api.Module
		if m, err = l.runtime.InstantiateWithConfig(shared, first, wazero.NewModuleConfig().WithName(o.Shared)); err == nil {
			l.memory = m.Memory()
		}
	}
	if err != nil {
		return nil, oneline.Join(fmt.Errorf("instantiate the first module: %s", firstLine(err)), l.Close())
	}
	return l, nil
}

// Load compiles and instantiates a module. The function that it returns calls its entry: parameters are at the
// start of stack, where the result goes.
func (l *Linked) Load(code []byte) (run func(stack []uint64) error, err error) {
	ctx := context.Background()
	defer func() {
		if p := recover(); p != nil {
			run, err = nil, fmt.Errorf("compile: the runtime failed: %s", printable(fmt.Sprint(p)))
		}
	}()
	m, err := l.runtime.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return nil, fmt.Errorf("compile: %s", firstLine(err))
	}
	f := m.ExportedFunction(l.entry)
	if f == nil {
		return nil, fmt.Errorf("compile: the module exports no %s", l.entry)
	}
	return func(stack []uint64) error {
		if err := f.CallWithStack(ctx, stack); err != nil {
			return errors.New(firstLine(err))
		}
		return nil
	}, nil
}

// Grown says that the memory has another size, and may lie elsewhere.
func (l *Linked) Grown(size uint64) error {
	delta := int64(size/PageSize) - int64(l.memory.Size()/PageSize)
	if l.memory.Size() == 0 || delta <= 0 {
		return nil
	}
	if _, ok := l.memory.Grow(uint32(delta)); !ok {
		return fmt.Errorf("memory: the runtime refuses %d bytes", size)
	}
	return nil
}

// Close frees all modules. None must be running.
func (l *Linked) Close() error { return l.runtime.Close(context.Background()) }
