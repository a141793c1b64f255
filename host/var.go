package host

import (
	"errors"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
)

// variable returns the variable that a handle stands for.
func (x *instance) variable(h uint32) (tx.VarRef, error) {
	obj, err := x.handles.get(h, abi.KindVar)
	if err != nil {
		return tx.VarRef{}, err
	}
	return obj.(tx.VarRef), nil
}

// span refuses bytes that are not all inside the variable.
func span(r tx.VarRef, off uint32, n int) error {
	if uint64(off)+uint64(n) > uint64(r.Var.Size) {
		return failf(abi.ErrRange, "%d bytes at offset %d are not within the %d of variable %q", n, off, r.Var.Size, r.Var.Name)
	}
	return nil
}

// VarRead reads initial bytes of a variable.
func (x *instance) VarRead(v, off uint32, data []byte) int32 {
	r, err := x.variable(v)
	if err == nil {
		err = span(r, off, len(data))
	}
	if err != nil {
		return x.reply(abi.FuncVarRead, 0, err)
	}
	n, err := r.Var.Read(r.Object.Work, off, data)
	return x.reply(abi.FuncVarRead, n, err)
}

// VarWrite writes initial bytes of a variable.
func (x *instance) VarWrite(v, off uint32, data []byte) int32 {
	r, err := x.variable(v)
	if err == nil {
		err = span(r, off, len(data))
	}
	if err == nil {
		err = x.writeVar(r, off, data, "bytes")
	}
	return x.reply(abi.FuncVarWrite, len(data), err)
}

// writeVar changes bytes of a variable and logs it.
func (x *instance) writeVar(r tx.VarRef, off uint32, data []byte, what string) error {
	if err := x.mayEdit(r.Object); err != nil {
		return err
	}
	old := make([]byte, min(len(data), maxShownBytes+1))
	if _, err := r.Var.Read(r.Object.Work, off, old); err != nil {
		return err
	}
	if err := r.Var.Write(r.Object.Work, off, data); err != nil {
		return err
	}
	plain := abi.Property{Type: abi.PlainBytes}
	return x.tx.Log(plan.Edit{Object: r.Object.Name, Kind: "var", Name: r.Var.Name, What: what, Old: showBytes(plain, old), New: showBytes(plain, data)})
}

// VarSetPath sets a number inside a variable.
func (x *instance) VarSetPath(obj uint32, path []byte, value uint64) int32 {
	o, err := x.handles.get(obj, abi.KindObject)
	if err != nil {
		return x.reply(abi.FuncVarSetPath, 0, err)
	}
	return x.reply(abi.FuncVarSetPath, 0, x.setPath(o.(*tx.Object), string(path), value))
}

func (x *instance) setPath(o *tx.Object, path string, value uint64) error {
	p, err := o.Work.VarPath(path)
	switch {
	case errors.Is(err, spec.ErrNoVariable):
		return &callError{code: abi.ErrNoent, text: err.Error()}
	case err != nil:
		return &callError{code: abi.ErrBTF, text: err.Error()}
	case p.Bits == 0 || isPointer(o.Work, p):
		return failf(abi.ErrBTF, "%s is no number", path)
	case !p.Fits(value):
		return failf(abi.ErrRange, "%d does not fit the %d bits of %s", int64(value), p.Bits, path)
	}
	if err := x.mayEdit(o); err != nil {
		return err
	}
	old, err := p.Bytes(o.Work)
	if err != nil {
		return err
	}
	if err := p.SetUint(o.Work, value); err != nil {
		return err
	}
	now, err := p.Bytes(o.Work)
	if err != nil {
		return err
	}
	plain := abi.Property{Type: abi.PlainBytes}
	return x.tx.Log(plan.Edit{Object: o.Name, Kind: "var", Name: p.Var, What: "." + strings.TrimPrefix(strings.TrimPrefix(path, p.Var), "."), Old: showBytes(plain, old), New: showBytes(plain, now)})
}

// isPointer reports whether the place is one: an address is nothing that a plugin can know.
func isPointer(c *spec.Collection, p spec.VarPath) bool {
	return p.Type != 0 && c.BTF.Kind(c.BTF.Strip(p.Type)) == btf.KindPointer
}
