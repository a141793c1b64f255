package spec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// VarPath is a part of a variable, found by a path through its type. Its methods take the
// collection that it was found in, a clone of it, or an index of one.
type VarPath struct {
	Path   string
	Var    string
	Offset uint32 // bytes from the start of the variable
	Size   uint32 // bytes; of a bit-field those that it touches
	Type   btf.ID // as declared, in Collection.BTF; 0 is unknown
	Bits   uint32 // width of a number, 0 if it is none
	Shift  uint32 // bits below the number in its bytes, read as one number in the collection's order
	sign   sign
}

// sign says how a number is read. Without type information nothing is known.
type sign uint8

const (
	signEither sign = iota
	signNone
	signTwos
	signBool // 0 and 1 only
)

// ErrNoVariable is wrapped by the error of Collection.VarPath when a path begins with no variable
// of the collection.
var ErrNoVariable = errors.New("no variable")

// VarPath finds a part of a variable: "limit", "cfg.ports[3].low", "table[2]". Typedefs and
// modifiers are passed over, and members of anonymous structs belong to what is around them. Only
// BTF knows what is inside a variable; without it a path is the name alone.
func (c *Collection) VarPath(path string) (VarPath, error) { return varPath(c, path) }

// VarPath is [Collection.VarPath].
func (x *Index) VarPath(path string) (VarPath, error) { return varPath(x, path) }

func varPath(s Scope, path string) (VarPath, error) {
	name, rest := path, ""
	v := s.Var(path) // a name may have dots: static variables of functions do
	for end := len(path); v == nil; {
		if end = strings.LastIndexAny(path[:end], ".["); end <= 0 {
			break
		}
		if v = s.Var(path[:end]); v != nil {
			name, rest = path[:end], path[end:]
		}
	}
	if v == nil {
		if i := strings.IndexAny(path, ".["); i > 0 {
			name = path[:i]
		}
		return VarPath{}, fmt.Errorf("find %s: %w %s", show(path), ErrNoVariable, show(name))
	}
	p, err := s.collection().place(v, rest)
	if err != nil {
		return VarPath{}, fmt.Errorf("find %s: %w", show(path), err)
	}
	p.Path = path
	return p, nil
}

func (c *Collection) place(v *Var, rest string) (VarPath, error) {
	p := VarPath{Var: v.Name, Size: v.Size, Type: v.Type}
	if c.BTF == nil || v.Type == 0 {
		if rest != "" {
			return p, fmt.Errorf("variable %s has no type information", show(v.Name))
		}
		p.setWhole()
		return p, nil
	}
	if rest == "." {
		return p, errors.New("a name is missing behind the dot")
	}
	f, err := c.find(v, rest)
	if err != nil {
		return p, err
	}
	p.Type, p.Offset = f.Type, f.Offset
	if rest != "" {
		p.Size = f.Size
	}
	if err := p.setType(c, f); err != nil {
		return p, err
	}
	if uint64(p.Offset)+uint64(p.Size) > uint64(v.Size) {
		return p, fmt.Errorf("bytes %d to %d are outside the %d of variable %s", p.Offset, uint64(p.Offset)+uint64(p.Size), v.Size, show(v.Name))
	}
	return p, nil
}

// find finds a part of a variable by its type. An array that ResizeData made longer has more
// elements than its type says.
func (c *Collection) find(v *Var, rest string) (btf.Field, error) {
	// An index may follow a name at once; a member follows a dot.
	path := strings.TrimPrefix(rest, ".")
	elem, count, ok := c.elements(v)
	end := strings.IndexByte(rest, ']')
	if !ok || end < 0 || rest[0] != '[' {
		return c.BTF.Path(v.Type, path)
	}
	i, err := strconv.ParseUint(rest[1:end], 10, 32)
	if err != nil {
		return c.BTF.Path(v.Type, path)
	}
	if i >= uint64(count) {
		return btf.Field{}, fmt.Errorf("%w: index %d of %d elements", btf.ErrPath, i, count)
	}
	f, err := c.BTF.Path(elem, strings.TrimPrefix(rest[end+1:], "."))
	at := i*uint64(v.Size/count) + uint64(f.Offset)
	f.Offset = uint32(min(at, math.MaxUint32))
	return f, err
}

// elements returns the type and the number of the elements of a variable that is longer than its
// type, an array.
func (c *Collection) elements(v *Var) (elem btf.ID, count uint32, ok bool) {
	t, err := c.BTF.Type(c.BTF.Strip(v.Type))
	if err != nil {
		return 0, 0, false
	}
	a, ok := t.(*btf.Array)
	if !ok {
		return 0, 0, false
	}
	size, err := c.BTF.Size(a.Type)
	if err != nil || size == 0 || v.Size%size != 0 || v.Size/size <= a.Count {
		return 0, 0, false
	}
	return a.Type, v.Size / size, true
}

// setWhole takes the place for a number if its size is that of one.
func (p *VarPath) setWhole() {
	switch p.Size {
	case 1, 2, 4, 8:
		p.Bits = 8 * p.Size
	}
}

// setType finds out from the type whether the place is a number, and which of its bits.
func (p *VarPath) setType(c *Collection, f btf.Field) error {
	t, err := c.BTF.Type(c.BTF.Strip(f.Type))
	if err != nil {
		return err
	}
	p.sign = signNone
	switch t := t.(type) {
	case *btf.Int:
		switch {
		case t.Encoding&btf.IntSigned != 0:
			p.sign = signTwos
		case t.Encoding&btf.IntBool != 0:
			p.sign = signBool
		}
	case *btf.Enum:
		if t.Signed {
			p.sign = signTwos
		}
	case *btf.Pointer:
	default:
		return nil
	}
	p.setWhole()
	if f.BitSize == 0 {
		return nil
	}
	p.Size = (f.Bit + f.BitSize + 7) / 8
	if p.Size > 8 {
		return fmt.Errorf("bit-field touches %d bytes, at most 8 are supported", p.Size)
	}
	p.Bits, p.Shift = f.BitSize, f.Bit
	if c.Order == asm.BigEndian {
		p.Shift = 8*p.Size - f.Bit - f.BitSize
	}
	return nil
}

// Fits reports whether x, a number or the bits of a negative one, can be stored at the place.
func (p VarPath) Fits(x uint64) bool {
	if p.sign == signBool {
		return p.Bits > 0 && x <= 1
	}
	if p.Bits == 0 || p.Bits >= 64 {
		return p.Bits != 0
	}
	shift := 64 - p.Bits
	plain := x>>p.Bits == 0
	twos := uint64(int64(x<<shift)>>shift) == x
	return plain && p.sign != signTwos || twos && p.sign != signNone
}

// Bytes returns a copy of the bytes of the place.
func (p VarPath) Bytes(s Scope) ([]byte, error) {
	v := s.Var(p.Var)
	if v == nil {
		return nil, fmt.Errorf("read %s: no variable %s", show(p.Path), show(p.Var))
	}
	if uint64(p.Offset)+uint64(p.Size) > uint64(v.Size) || p.Size > maxData {
		return nil, fmt.Errorf("read %s: bytes %d to %d are outside the %d of variable %s", show(p.Path), p.Offset, uint64(p.Offset)+uint64(p.Size), v.Size, show(p.Var))
	}
	b := make([]byte, p.Size)
	_, err := v.Read(s, p.Offset, b)
	return b, err
}

// SetBytes replaces the bytes of the place: b must have its size. A bit-field shares its bytes with
// others.
func (p VarPath) SetBytes(s Scope, b []byte) error {
	v := s.Var(p.Var)
	if v == nil {
		return fmt.Errorf("write %s: no variable %s", show(p.Path), show(p.Var))
	}
	if uint64(len(b)) != uint64(p.Size) {
		return fmt.Errorf("write %s: %d bytes given, it has %d", show(p.Path), len(b), p.Size)
	}
	return v.Write(s, p.Offset, b)
}

// Uint returns the number at the place. A negative one is sign-extended.
func (p VarPath) Uint(s Scope) (uint64, error) {
	word, err := p.word(s)
	if err != nil {
		return 0, err
	}
	shift := 64 - p.Bits
	x := word >> p.Shift << shift
	if p.sign == signTwos {
		return uint64(int64(x) >> shift), nil
	}
	return x >> shift, nil
}

// Int returns the number at the place, read as a signed one.
func (p VarPath) Int(s Scope) (int64, error) {
	word, err := p.word(s)
	if err != nil {
		return 0, err
	}
	shift := 64 - p.Bits
	return int64(word>>p.Shift<<shift) >> shift, nil
}

// SetUint stores a number, or the bits of a negative one where the type has a sign or is unknown.
// It refuses one that does not fit.
func (p VarPath) SetUint(s Scope, x uint64) error {
	word, err := p.word(s)
	if err != nil {
		return err
	}
	if err := p.checkUint(x); err != nil {
		return fmt.Errorf("write %s: %w", show(p.Path), err)
	}
	mask := ^uint64(0) >> (64 - p.Bits) << p.Shift
	word = word&^mask | x<<p.Shift&mask
	b := make([]byte, 8)
	if s.collection().Order == asm.BigEndian {
		binary.BigEndian.PutUint64(b, word)
		b = b[8-p.Size:]
	} else {
		binary.LittleEndian.PutUint64(b, word)
	}
	return p.SetBytes(s, b[:p.Size])
}

// SetInt stores a signed number. It refuses one that does not fit.
func (p VarPath) SetInt(s Scope, x int64) error {
	if p.Bits == 0 {
		return p.noNumber()
	}
	if err := p.checkInt(x); err != nil {
		return fmt.Errorf("write %s: %w", show(p.Path), err)
	}
	return p.SetUint(s, uint64(x))
}

// checkUint returns why the place does not hold a number, or the bits of a negative one.
func (p VarPath) checkUint(x uint64) error {
	switch {
	case p.sign == signBool && x > 1:
		return fmt.Errorf("value %d is neither 0 nor 1", x)
	case !p.Fits(x):
		return fmt.Errorf("value %d does not fit its %d bits", x, p.Bits)
	}
	return nil
}

// checkInt returns why the place does not hold a signed number.
func (p VarPath) checkInt(x int64) error {
	unsigned := p.sign == signNone || p.sign == signBool
	wide := p.Bits < 64 && p.sign == signEither && x>>(p.Bits-1) != 0 && x>>(p.Bits-1) != -1
	if x < 0 && unsigned || wide {
		return fmt.Errorf("value %d does not fit its %d bits", x, p.Bits)
	}
	return p.checkUint(uint64(x))
}

// word reads the bytes of the place as one number.
func (p VarPath) word(s Scope) (uint64, error) {
	if p.Bits == 0 {
		return 0, p.noNumber()
	}
	b, err := p.Bytes(s)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	if s.collection().Order == asm.BigEndian {
		copy(wide[8-len(b):], b)
		return binary.BigEndian.Uint64(wide[:]), nil
	}
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), nil
}

func (p VarPath) noNumber() error {
	return fmt.Errorf("access %s: its %d bytes are not a number", show(p.Path), p.Size)
}
