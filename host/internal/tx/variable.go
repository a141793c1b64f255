package tx

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// CheckSpan refuses bytes that are not all inside the variable.
func (r VarRef) CheckSpan(off uint32, n int) error {
	if uint64(off)+uint64(n) > uint64(r.Var.Size) {
		return failf(abi.ErrRange, "%d bytes at offset %d are not within the %d of variable %q", n, off, r.Var.Size, r.Var.Name)
	}
	return nil
}

// Read copies initial bytes of the variable from offset off on into b and returns how many there were.
func (r VarRef) Read(off uint32, b []byte) (int, error) { return r.Var.Read(r.Object.index, off, b) }

// WriteVar changes initial bytes of a variable.
func (t *Transaction) WriteVar(r VarRef, off uint32, data []byte) error {
	if err := r.CheckSpan(off, len(data)); err != nil {
		return err
	}
	old := make([]byte, min(len(data), maxShownBytes+1))
	if _, err := r.Read(off, old); err != nil {
		return err
	}
	err := t.writing(r.Object, r.Var.Map, func() error { return r.Var.Write(r.Object.index, off, data) })
	if err != nil {
		return err
	}
	e := EditOf(r)
	e.What, e.Old, e.New = "bytes", ShowBytes(old), ShowBytes(data)
	return t.Log(e)
}

// Number is a number inside a variable, and the value that it is to get.
type Number struct {
	object *Object
	path   string
	at     spec.VarPath
	value  uint64
}

// Number finds a number by its path, like cfg.limits[2].rate, and checks that the value fits it.
func (o *Object) Number(path string, value uint64) (Number, error) {
	n := Number{object: o, path: path, value: value}
	var err error
	n.at, err = o.index.VarPath(path)
	switch {
	case errors.Is(err, spec.ErrNoVariable):
		return n, &Error{abi.ErrNoent, err.Error()}
	case err != nil:
		return n, &Error{abi.ErrBTF, err.Error()}
	case n.at.Bits == 0 || isPointer(o.Work, n.at):
		return n, failf(abi.ErrBTF, "%s is not a number", path)
	case !n.at.Fits(value):
		return n, failf(abi.ErrRange, "%d does not fit the %d bits of %s", int64(value), n.at.Bits, path)
	}
	return n, nil
}

// isPointer reports whether the place is one: an address is nothing that a plugin can know.
func isPointer(c *spec.Collection, p spec.VarPath) bool {
	return p.Type != 0 && c.BTF.Kind(c.BTF.Strip(p.Type)) == btf.KindPointer
}

// SetNumber sets the value of a number.
func (t *Transaction) SetNumber(n Number) error {
	c := n.object.index
	old, err := n.at.Bytes(c)
	if err != nil {
		return err
	}
	err = t.writing(n.object, n.object.Var(n.at.Var).Map, func() error { return n.at.SetUint(c, n.value) })
	if err != nil {
		return err
	}
	now, err := n.at.Bytes(c)
	if err != nil {
		return err
	}
	e := EditOf(n.object)
	e.Kind, e.Name = "var", n.at.Var
	e.What = "." + strings.TrimPrefix(strings.TrimPrefix(n.path, n.at.Var), ".")
	e.Old, e.New = ShowBytes(old), ShowBytes(now)
	return t.Log(e)
}

// maxShownBytes is how much of a value of bytes the log shows.
const maxShownBytes = 32

// ShowBytes returns a value of bytes as the log shows it: the first of them in hexadecimal.
func ShowBytes(v []byte) string {
	if len(v) > maxShownBytes {
		return fmt.Sprintf("%x… (%d bytes)", v[:maxShownBytes], len(v))
	}
	return fmt.Sprintf("%x", v)
}
