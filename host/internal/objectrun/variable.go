package objectrun

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/nearest"
	"github.com/bpfhost/bpfhost/internal/record"
)

// write is a change of a variable: of a number at a path, or of bytes.
type write struct {
	path   string // of a number; empty otherwise
	number uint64 // or the bits of a negative one

	variable string // of bytes
	offset   uint32
	bytes    []byte
}

// variables reads the values that variables get.
func (p *Plugin) variables() error {
	for _, path := range slices.Sorted(maps.Keys(p.options.Set)) {
		value := p.options.Set[path]
		w, err := p.variable(path, value)
		if err != nil {
			return p.bad("--set "+path+"="+value, "%w", err)
		}
		p.writes = append(p.writes, w)
	}
	return nil
}

// variable reads the value of one variable, or of a part of it.
func (p *Plugin) variable(path, value string) (write, error) {
	c := p.object
	at, err := c.VarPath(path)
	if err != nil {
		return write{}, p.noVariable(path, err)
	}
	if c.BTF == nil || at.Type == 0 {
		if at.Bits == 0 {
			return write{}, fmt.Errorf("the object has no types, and the %d bytes of %s are not a number", at.Size, path)
		}
		x, err := strconv.ParseUint(value, 0, int(at.Bits))
		if err != nil {
			return write{}, fmt.Errorf("%q is not a number from 0 to %d", value, uint64(math.MaxUint64)>>(64-at.Bits))
		}
		return write{path: path, number: x}, nil
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
		return write{}, fmt.Errorf("%s is a pointer, and no address is known before the object is loaded", f.Describe())
	case !f.Number():
		return write{}, fmt.Errorf("%s is neither a number nor a text%s", f.Describe(), p.parts(path, at.Type))
	}
	x, err := f.Parse(value)
	if err != nil {
		return write{}, err
	}
	if f.Kind == record.KindNetwork || f.Kind == record.KindIPv4 {
		x = networkOrder(x, at.Size, c.Order)
	}
	return write{path: path, number: x}, nil
}

// networkOrder returns the number whose bytes in an object are those of x in network byte order.
func networkOrder(x uint64, size uint32, order asm.ByteOrder) uint64 {
	if order == asm.BigEndian {
		return x
	}
	return bits.ReverseBytes64(x) >> (64 - 8*size)
}

// textWrite fills an array of char with a text, and NUL after it.
func textWrite(at spec.VarPath, f *record.Field, value string) (write, error) {
	if uint32(len(value)) >= at.Size {
		return write{}, fmt.Errorf("the %d bytes of the text and the NUL after it do not fit %s", len(value), f.Describe())
	}
	if strings.ContainsRune(value, 0) {
		return write{}, errors.New("a text cannot have a NUL in it")
	}
	b := make([]byte, at.Size)
	copy(b, value)
	return write{variable: at.Var, offset: at.Offset, bytes: b}, nil
}

// noVariable says what is near a path that leads nowhere.
func (p *Plugin) noVariable(path string, err error) error {
	c := p.object
	if !errors.Is(err, spec.ErrNoVariable) {
		for end := len(path); end > 0; {
			if end = strings.LastIndexAny(path[:end], ".["); end <= 0 {
				break
			}
			if at, aerr := c.VarPath(path[:end]); aerr == nil {
				if hint := p.partsHint(path, path[:end], at.Type); hint != "" {
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
	return fmt.Errorf("there is no variable %q%s", name, nearest.Hint(name, names(c.Vars, func(v *spec.Var) string { return v.Name })))
}

// partsHint hints at the members of a struct that a path leads to.
func (p *Plugin) partsHint(path, head string, id btf.ID) string {
	typ, err := p.object.BTF.Type(p.object.BTF.Strip(id))
	if s, ok := typ.(*btf.Struct); err == nil && ok {
		return nearest.Hint(path, names(s.Members, func(m btf.Member) string { return head + "." + m.Name }))
	}
	return ""
}

// parts says how to name what is inside of a variable.
func (p *Plugin) parts(path string, id btf.ID) string {
	typ, err := p.object.BTF.Type(p.object.BTF.Strip(id))
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
