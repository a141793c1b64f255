package sim

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// context makes the context of a program for an event.
func (h *hook) context(e *event, enc encoder) ([]byte, error) {
	p := h.prog.spec
	switch p.Type {
	case spec.ProgramRawTracepoint, spec.ProgramRawTracepointWritable, spec.ProgramTracing, spec.ProgramLSM:
		args := e.Args
		if returns(p) && e.Return != nil {
			args = append(args[:len(args):len(args)], e.Return)
		}
		return arguments(e, args, enc)
	case spec.ProgramKprobe:
		return registers(e, enc)
	}
	if e.Args != nil || e.Return != nil {
		return nil, fmt.Errorf(`programs of type %v have no arguments; "context" has the fields of their context`, p.Type)
	}
	return h.typed(e.Context)
}

// returns reports whether a program sees what the function returned, after its arguments.
func returns(p *spec.Program) bool {
	return p.Type == spec.ProgramLSM || p.Type == spec.ProgramTracing && (p.AttachType == spec.AttachTypeTraceFexit || p.AttachType == spec.AttachTypeModifyReturn)
}

// arguments returns 8 bytes for each argument.
func arguments(e *event, args []json.RawMessage, enc encoder) ([]byte, error) {
	if e.Context != nil {
		return nil, errors.New(`the hook has arguments and no context; "args" has them`)
	}
	out := make([]byte, 8*len(args))
	for i, a := range args {
		v, err := enc.argument(a)
		if err != nil {
			return nil, fmt.Errorf("args[%d]: %w", i, err)
		}
		binary.LittleEndian.PutUint64(out[8*i:], v)
	}
	return out, nil
}

// convention is where pt_regs has what a function gets and returns, in bytes.
type convention struct {
	size   int
	args   []int
	result int
}

// conventions by the struct that programs read registers of (arch/*/include/asm/ptrace.h).
var (
	x8664 = convention{168, []int{112, 104, 96, 88, 72, 64}, 80}            // struct pt_regs: di, si, dx, cx, r8, r9; ax
	arm64 = convention{272, []int{0, 8, 16, 24, 32, 40, 48, 56}, 0}         // struct user_pt_regs: x0 to x7; x0
	riscv = convention{256, []int{80, 88, 96, 104, 112, 120, 128, 136}, 80} // struct user_regs_struct: a0 to a7; a0
)

// registers returns the registers of a kprobe, for the machine that the object was built for.
func registers(e *event, enc encoder) ([]byte, error) {
	if e.Context != nil {
		return nil, errors.New(`the hook has arguments and no context; "args" has them`)
	}
	c := x8664
	if enc.has("user_pt_regs") {
		c = arm64
	} else if enc.has("user_regs_struct") {
		c = riscv
	}
	if len(e.Args) > len(c.args) {
		return nil, fmt.Errorf("args: %d are more than the %d that registers have", len(e.Args), len(c.args))
	}
	out := make([]byte, c.size)
	put := func(at int, what string, a json.RawMessage) error {
		v, err := enc.argument(a)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		binary.LittleEndian.PutUint64(out[at:], v)
		return nil
	}
	for i, a := range e.Args {
		if err := put(c.args[i], fmt.Sprintf("args[%d]", i), a); err != nil {
			return nil, err
		}
	}
	if e.Return != nil {
		return out, put(c.result, "return", e.Return)
	}
	return out, nil
}

// typed returns a context by the type of the parameter of the program's function, or by its bytes.
func (h *hook) typed(context json.RawMessage) ([]byte, error) {
	var text string
	if json.Unmarshal(context, &text) == nil {
		b, err := hex.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("context: %w", err)
		}
		return b, nil
	}
	own := h.prog.in.spec.BTF
	id, name := spec.ContextType(own, h.prog.spec)
	if id == 0 {
		return nil, errors.New("context: the object does not say what type it has; give its bytes in hexadecimal")
	}
	enc := encoder{types: own, machine: h.prog.in.machine}
	if core := h.b.options.CoreTypes; core != nil { // a kernel may have its own layout, of tracepoints for instance
		if its, err := core.Find(name, btf.KindStruct); err == nil && name != "" {
			enc.types, id = core, its
		}
	}
	size, err := enc.types.Size(id)
	if err != nil {
		return nil, fmt.Errorf("context: %w", err)
	}
	out := make([]byte, size)
	if context == nil {
		return out, nil
	}
	if err := enc.value(context, id, out, 0); err != nil {
		return nil, fmt.Errorf("context: %w", err)
	}
	return out, nil
}

// typeOf returns a type of that Go type, or false.
func typeOf[T btf.Type](t *btf.Types, id btf.ID) (T, bool) {
	typ, err := t.Type(id)
	var none T
	if err != nil {
		return none, false
	}
	v, ok := typ.(T)
	return v, ok
}
