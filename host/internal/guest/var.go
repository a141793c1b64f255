package guest

import (
	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/tx"
)

// varCalls are the functions of the group variables.
type varCalls struct{ *state }

// variable returns the variable that a handle names.
func (x varCalls) variable(h uint32) (tx.VarRef, error) {
	obj, err := x.handles.get(h, abi.KindVar)
	if err != nil {
		return tx.VarRef{}, err
	}
	return obj.(tx.VarRef), nil
}

// VarRead reads initial bytes of a variable.
func (x varCalls) VarRead(v, off uint32, data []byte) int32 {
	r, err := x.variable(v)
	if err == nil {
		err = r.CheckSpan(off, len(data))
	}
	if err != nil {
		return x.reply(abi.FuncVarRead, 0, err)
	}
	n, err := r.Read(off, data)
	return x.reply(abi.FuncVarRead, n, err)
}

// VarWrite writes initial bytes of a variable.
func (x varCalls) VarWrite(v, off uint32, data []byte) int32 {
	r, err := x.variable(v)
	if err == nil {
		err = r.CheckSpan(off, len(data))
	}
	if err == nil {
		err = x.mayEdit(r.Object)
	}
	if err == nil {
		err = x.tx.WriteVar(r, off, data)
	}
	return x.reply(abi.FuncVarWrite, len(data), err)
}

// VarSetPath sets a number inside a variable.
func (x varCalls) VarSetPath(obj uint32, path []byte, value uint64) int32 {
	o, err := x.handles.get(obj, abi.KindObject)
	if err != nil {
		return x.reply(abi.FuncVarSetPath, 0, err)
	}
	return x.reply(abi.FuncVarSetPath, 0, x.setPath(o.(*tx.Object), string(path), value))
}

func (x varCalls) setPath(o *tx.Object, path string, value uint64) error {
	n, err := o.Number(path, value)
	if err != nil {
		return err
	}
	if err := x.mayEdit(o); err != nil {
		return err
	}
	return x.tx.SetNumber(n)
}
