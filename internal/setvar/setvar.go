// Package setvar sets global variables of an object by text, as their types say: "cfg.ports[2]" to "80".
package setvar

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/nearest"
	"github.com/bpfhost/bpfhost/internal/record"
)

// Write is a change of a variable: of a number at a path, or of bytes.
type Write struct {
	Path   string // of a number; empty otherwise
	Number uint64 // or the bits of a negative one

	Var    string // of bytes
	Offset uint32 // from the start of the variable
	Bytes  []byte
}

// Apply makes the change in a collection, which the write was parsed for, or a clone of that.
func (w Write) Apply(c *spec.Collection) error {
	if w.Path == "" {
		return c.Var(w.Var).Write(c, w.Offset, w.Bytes)
	}
	at, err := c.VarPath(w.Path)
	if err != nil {
		return err
	}
	return at.SetUint(c, w.Number)
}

// Parse reads the value that a variable, or a part of it, shall get: a number, true or false, the name
// of a value of an enum, a text, an IPv4 address, by its type. The error says what the type takes, or
// which names are near a path that leads nowhere.
func Parse(c *spec.Collection, path, value string) (Write, error) {
	at, err := c.VarPath(path)
	if err != nil {
		return Write{}, noVariable(c, path, err)
	}
	if c.BTF == nil || at.Type == 0 {
		return parseUntyped(at, path, value)
	}
	place := btf.Field{Type: at.Type}
	if at.Bits != 0 && at.Bits != 8*at.Size {
		place.BitSize = at.Bits
	}
	f := record.NewField(c.BTF, path, place)
	switch {
	case f.Kind == record.KindText:
		return textWrite(at, &f, value)
	case f.Kind == record.KindAddress:
		return Write{}, fmt.Errorf("%s is a pointer, and no address is known before the object is loaded", f.Describe())
	case !f.Number():
		return Write{}, fmt.Errorf("%s is neither a number nor a text%s", f.Describe(), parts(c, path, at.Type))
	}
	x, err := f.Parse(value)
	if err != nil {
		return Write{}, err
	}
	if f.Kind == record.KindNetwork || f.Kind == record.KindIPv4 {
		x = networkOrder(x, at.Size, c.Order)
	}
	return Write{Path: path, Number: x}, nil
}

// networkOrder returns the number whose bytes in an object are those of x in network byte order.
func networkOrder(x uint64, size uint32, order asm.ByteOrder) uint64 {
	if order == asm.BigEndian {
		return x
	}
	return bits.ReverseBytes64(x) >> (64 - 8*size)
}

// textWrite fills an array of char with a text, and NUL after it.
func textWrite(at spec.VarPath, f *record.Field, value string) (Write, error) {
	if uint32(len(value)) >= at.Size {
		return Write{}, fmt.Errorf("the %d bytes of the text and the NUL after it do not fit %s", len(value), f.Describe())
	}
	if strings.ContainsRune(value, 0) {
		return Write{}, errors.New("a text cannot have a NUL in it")
	}
	b := make([]byte, at.Size)
	copy(b, value)
	return Write{Var: at.Var, Offset: at.Offset, Bytes: b}, nil
}

// noVariable says what is near a path that leads nowhere.
func noVariable(c *spec.Collection, path string, err error) error {
	if !errors.Is(err, spec.ErrNoVariable) {
		for end := len(path); end > 0; {
			if end = strings.LastIndexAny(path[:end], ".["); end <= 0 {
				break
			}
			if at, aerr := c.VarPath(path[:end]); aerr == nil {
				if hint := partsHint(c, path, path[:end], at.Type); hint != "" {
					return fmt.Errorf("%s has no %s%s", path[:end], strings.TrimLeft(path[end:], "."), hint)
				}
				break
			}
		}
		return err
	}
	name := path
	if i := strings.IndexAny(path, ".["); i > 0 {
		name = path[:i]
	}
	if e := c.Extern(name); e != nil {
		return fmt.Errorf("%s is not a variable of the object but a %v, which the kernel provides", name, e.Kind)
	}
	return fmt.Errorf("there is no variable %q%s", name, nearest.Hint(name, varNames(c)))
}

// partsHint hints at the members of a struct that a path leads to.
func partsHint(c *spec.Collection, path, head string, id btf.ID) string {
	typ, err := c.BTF.Type(c.BTF.Strip(id))
	if s, ok := typ.(*btf.Struct); err == nil && ok {
		return nearest.Hint(path, memberNames(head, s))
	}
	return ""
}

// parts says how to name what is inside of a variable.
func parts(c *spec.Collection, path string, id btf.ID) string {
	typ, err := c.BTF.Type(c.BTF.Strip(id))
	if err != nil {
		return ""
	}
	switch t := typ.(type) {
	case *btf.Struct:
		if len(t.Members) > 0 {
			return fmt.Sprintf("; set what is in it, as in --set %s.%s=…", path, t.Members[0].Name)
		}
	case *btf.Array:
		return fmt.Sprintf("; set its elements, as in --set %s[0]=…", path)
	}
	return ""
}

func varNames(c *spec.Collection) []string {
	names := make([]string, len(c.Vars))
	for i, v := range c.Vars {
		names[i] = v.Name
	}
	return names
}

func memberNames(head string, s *btf.Struct) []string {
	names := make([]string, len(s.Members))
	for i, m := range s.Members {
		names[i] = head + "." + m.Name
	}
	return names
}

// parseUntyped reads the value of a variable without type.
func parseUntyped(at spec.VarPath, path, value string) (Write, error) {
	if at.Bits == 0 {
		return Write{}, fmt.Errorf("the object has no types, and the %d bytes of %s are not a number", at.Size, path)
	}
	x, err := strconv.ParseUint(value, 0, int(at.Bits))
	if err != nil {
		return Write{}, fmt.Errorf("%q is not a number from 0 to %d", value, uint64(math.MaxUint64)>>(64-at.Bits))
	}
	return Write{Path: path, Number: x}, nil
}
