package spec

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// Var is a global variable: a named window into the initial bytes of a data section map.
type Var struct {
	Name    string
	Section string // its data section, e.g. ".rodata"
	Map     string // the map that holds it
	Offset  uint32 // bytes from the start of the map's value
	Size    uint32 // bytes
	Type    btf.ID // its type in Collection.BTF; 0 is unknown
	Linkage Linkage
}

// Linkage is how visible a symbol is.
type Linkage uint8

// The linkages of symbols.
const (
	LinkGlobal Linkage = iota
	LinkWeak
	LinkStatic
	LinkHidden
)

// linkageNames is indexed by Linkage.
var linkageNames = [...]string{"global", "weak", "static", "hidden"}

// String returns "global", "weak", "static" or "hidden".
func (l Linkage) String() string {
	if int(l) < len(linkageNames) {
		return linkageNames[l]
	}
	return fmt.Sprintf("linkage(%d)", uint8(l))
}

// ExternKind says where the value of an extern comes from.
type ExternKind uint8

// The kinds of extern.
const (
	ExternKconfig ExternKind = iota + 1 // a kernel configuration value (.kconfig)
	ExternKsym                          // the address of a kernel symbol (.ksyms)
	ExternKfunc                         // a kernel function (.ksyms)
)

// externKindNames is indexed by ExternKind.
var externKindNames = [...]string{"none", "kconfig", "ksym", "kfunc"}

// String returns "kconfig", "ksym" or "kfunc".
func (k ExternKind) String() string {
	if int(k) < len(externKindNames) {
		return externKindNames[k]
	}
	return fmt.Sprintf("extern(%d)", uint8(k))
}

// Extern is a symbol that the kernel provides.
type Extern struct {
	Name string
	Kind ExternKind
	Type btf.ID // its type in Collection.BTF; 0 is untyped
	Weak bool   // absent is not an error: its value is then 0
}

// maxData bounds the bytes that writing to a zero-filled section materialises.
const maxData = 64 << 20

// window returns the map that holds the variable and checks that it holds all of it.
func (v *Var) window(s Scope) (*Map, error) { return v.windowIn(s.Map(v.Map)) }

// windowIn is window for a map that was found, or nil.
func (v *Var) windowIn(m *Map) (*Map, error) {
	if m == nil {
		return nil, fmt.Errorf("its map %s does not exist", show(v.Map))
	}
	if uint64(v.Offset)+uint64(v.Size) > m.window() {
		return nil, fmt.Errorf("bytes %d to %d are outside the %d of map %s", v.Offset, uint64(v.Offset)+uint64(v.Size), m.window(), show(m.Name))
	}
	if m.Data != nil && uint64(len(m.Data)) != m.window() {
		return nil, fmt.Errorf("map %s has %d bytes of data for a value of %d", show(m.Name), len(m.Data), m.ValueSize)
	}
	return m, nil
}

// Read copies bytes of the variable from offset off on into b and returns how many there were.
func (v *Var) Read(s Scope, off uint32, b []byte) (int, error) {
	m, err := v.window(s)
	if err != nil {
		return 0, fmt.Errorf("read variable %s: %w", show(v.Name), err)
	}
	if off > v.Size {
		return 0, fmt.Errorf("read variable %s: offset %d is outside its %d bytes", show(v.Name), off, v.Size)
	}
	n := int(min(uint64(v.Size-off), uint64(len(b))))
	if m.Data == nil {
		clear(b[:n])
		return n, nil
	}
	return copy(b[:n], m.Data[v.Offset+off:]), nil
}

// Write replaces bytes of the variable from offset off on. All of b must fit.
func (v *Var) Write(s Scope, off uint32, b []byte) error {
	m, err := v.window(s)
	if err != nil {
		return fmt.Errorf("write variable %s: %w", show(v.Name), err)
	}
	if uint64(off)+uint64(len(b)) > uint64(v.Size) {
		return fmt.Errorf("write variable %s: %d bytes at offset %d do not fit its %d", show(v.Name), len(b), off, v.Size)
	}
	if m.Data == nil {
		if m.ValueSize > maxData {
			return fmt.Errorf("write variable %s: the %d bytes of map %s are too many to be held in memory", show(v.Name), m.ValueSize, show(m.Name))
		}
		m.Data = make([]byte, m.ValueSize)
	}
	copy(m.Data[v.Offset+off:], b)
	return nil
}

// Bytes returns a copy of the variable's initial bytes.
func (v *Var) Bytes(s Scope) ([]byte, error) { return v.bytesIn(s.Map(v.Map)) }

// bytesIn is Bytes for a map that was found, or nil.
func (v *Var) bytesIn(m *Map) ([]byte, error) {
	if _, err := v.windowIn(m); err != nil {
		return nil, fmt.Errorf("read variable %s: %w", show(v.Name), err)
	}
	if v.Size > maxData {
		return nil, fmt.Errorf("read variable %s: its %d bytes are too many to be held in memory", show(v.Name), v.Size)
	}
	b := make([]byte, v.Size)
	if m.Data != nil {
		copy(b, m.Data[v.Offset:])
	}
	return b, nil
}

// SetBytes replaces all of the variable's initial bytes: b must have its size.
func (v *Var) SetBytes(s Scope, b []byte) error {
	if uint64(len(b)) != uint64(v.Size) {
		return fmt.Errorf("write variable %s: %d bytes given, it has %d", show(v.Name), len(b), v.Size)
	}
	return v.Write(s, 0, b)
}

// Uint returns the initial value of a variable of 1, 2, 4 or 8 bytes.
func (v *Var) Uint(s Scope) (uint64, error) {
	var b [8]byte
	if err := v.checkScalar(); err != nil {
		return 0, fmt.Errorf("read variable %s: %w", show(v.Name), err)
	}
	if _, err := v.Read(s, 0, b[:v.Size]); err != nil {
		return 0, err
	}
	if s.collection().Order == asm.BigEndian {
		return binary.BigEndian.Uint64(b[:]) >> (64 - 8*v.Size), nil
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// SetUint sets the initial value of a variable of 1, 2, 4 or 8 bytes. It refuses a value that its type
// does not hold.
func (v *Var) SetUint(s Scope, x uint64) error {
	if err := v.CheckUint(s, x); err != nil {
		return fmt.Errorf("write variable %s: %w", show(v.Name), err)
	}
	return v.putScalar(s, x)
}

// CheckUint returns why a variable cannot be set to a number, or to the bits of a negative one where
// its type has a sign or is unknown.
func (v *Var) CheckUint(s Scope, x uint64) error {
	p, err := v.asNumber(s)
	if err != nil {
		return err
	}
	return p.checkUint(x)
}

// asNumber returns a variable as a number, by its type.
func (v *Var) asNumber(s Scope) (VarPath, error) {
	if err := v.checkScalar(); err != nil {
		return VarPath{}, err
	}
	p, err := s.collection().place(v, "")
	if err == nil && p.Bits == 0 {
		err = fmt.Errorf("its %d bytes are not a number", v.Size)
	}
	return p, err
}

// Int returns the initial value of a variable of 1, 2, 4 or 8 bytes, read as a signed number.
func (v *Var) Int(s Scope) (int64, error) {
	x, err := v.Uint(s)
	if err != nil {
		return 0, err
	}
	shift := 64 - 8*v.Size
	return int64(x<<shift) >> shift, nil
}

// SetInt sets the initial value of a variable of 1, 2, 4 or 8 bytes to a signed number. It refuses
// a value that its type does not hold.
func (v *Var) SetInt(s Scope, x int64) error {
	p, err := v.asNumber(s)
	if err == nil {
		err = p.checkInt(x)
	}
	if err != nil {
		return fmt.Errorf("write variable %s: %w", show(v.Name), err)
	}
	return v.putScalar(s, uint64(x))
}

func (v *Var) checkScalar() error {
	switch v.Size {
	case 1, 2, 4, 8:
		return nil
	}
	return fmt.Errorf("its %d bytes are not a number", v.Size)
}

func (v *Var) putScalar(s Scope, x uint64) error {
	var b [8]byte
	if s.collection().Order == asm.BigEndian {
		binary.BigEndian.PutUint64(b[:], x<<(64-8*v.Size))
	} else {
		binary.LittleEndian.PutUint64(b[:], x)
	}
	return v.Write(s, 0, b[:v.Size])
}
