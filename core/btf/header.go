package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/internal/wire"
)

// The names of the sections in errors.
const (
	section    = ".BTF"
	extSection = ".BTF.ext"
)

// Limits of the format (enum btf_max, include/uapi/linux/btf.h).
const (
	magic    = 0xeb9f
	maxTypes = 1 << 20 // BTF_MAX_TYPE + 1
	maxVlen  = 0xffffff
)

// headerSize is that of the header up to string section; layoutHeaderSize has the layout section too (2026).
const (
	headerSize       = 24
	layoutHeaderSize = 32
)

// Reasons for which BTF is refused.
var (
	ErrMagic  = errors.New("not BTF: wrong magic number")
	ErrHeader = errors.New("header is malformed")
	ErrBase   = errors.New("base does not match")
	ErrKind   = errors.New("kind of type is unknown")
	ErrID     = errors.New("type id is out of range")
	ErrString = errors.New("string offset is out of range")
	ErrType   = errors.New("type is malformed")
	ErrCycle  = errors.New("type contains itself")
	ErrLimit  = errors.New("too many types")
)

// FormatError says in which section and at which offset input is malformed.
type FormatError = wire.Error

// header is what the header says, in bytes from the start of the blob.
type header struct {
	order                       binary.ByteOrder
	types, strs, layout         []byte
	typesAt, stringsAt, layouts uint64
}

// parseHeader reads struct btf_header of any known length; unknown later fields must be zero.
func parseHeader(b []byte, order binary.ByteOrder) (header, error) {
	order, err := detectOrder(section, b, order)
	if err != nil {
		return header{}, err
	}
	c := wire.New(section, order, b)
	c.Skip(2)
	version, flags, size := c.U8(), c.U8(), uint64(c.U32())
	if c.Err() == nil && (version != 1 || flags != 0) {
		c.FailAt(2, fmt.Errorf("%w: version %d, flags %#x", ErrHeader, version, flags))
	}
	if c.Err() == nil && (size < headerSize || size > uint64(len(b))) {
		c.FailAt(4, fmt.Errorf("%w: it says to be %d bytes long, all data are %d", ErrHeader, size, len(b)))
	}
	typesAt, typesLen := uint64(c.U32()), uint64(c.U32())
	strsAt, strsLen := uint64(c.U32()), uint64(c.U32())
	layoutAt, layoutLen := uint64(0), uint64(0)
	if size >= layoutHeaderSize {
		layoutAt, layoutLen = uint64(c.U32()), uint64(c.U32())
	}
	if c.Err() != nil {
		return header{}, c.Err()
	}
	if slices.ContainsFunc(b[c.Offset():size], func(x byte) bool { return x != 0 }) {
		return header{}, c.Fail(fmt.Errorf("%w: unknown fields are in use", ErrHeader))
	}
	if typesAt%4 != 0 || layoutAt%4 != 0 || layoutLen%4 != 0 {
		return header{}, c.FailAt(8, fmt.Errorf("%w: sections are not aligned", ErrHeader))
	}
	h := header{order: order, typesAt: size + typesAt, stringsAt: size + strsAt, layouts: size + layoutAt}
	h.types = c.Sub(h.typesAt, typesLen).Bytes(typesLen)
	h.strs = c.Sub(h.stringsAt, strsLen).Bytes(strsLen)
	h.layout = c.Sub(h.layouts, layoutLen).Bytes(layoutLen)
	return h, c.Err()
}

// detectOrder finds the byte order by the magic number; want, if not nil, is the only one accepted.
func detectOrder(section string, b []byte, want binary.ByteOrder) (binary.ByteOrder, error) {
	c := wire.New(section, binary.LittleEndian, b)
	m := c.U16()
	if c.Err() != nil {
		return nil, c.Err()
	}
	var order binary.ByteOrder
	switch m {
	case magic:
		order = binary.LittleEndian
	case magic>>8 | magic&0xff<<8:
		order = binary.BigEndian
	default:
		return nil, c.FailAt(0, fmt.Errorf("%w %#04x", ErrMagic, m))
	}
	if want != nil && want != order {
		return nil, c.FailAt(0, fmt.Errorf("%w: it is %v, not %v", ErrMagic, order, want))
	}
	return order, nil
}

// parseLayout reads the layout table: a record per kind, from which kinds that are newer than this
// package are skipped. Known kinds keep their own layout.
func (h *header) parseLayout() (*[maxKinds]kindLayout, error) {
	if len(h.layout) == 0 {
		return kindLayouts, nil
	}
	s := *kindLayouts
	c := wire.NewAt(section, h.order, h.layout, h.layouts)
	for k := 0; c.Len() > 0 && k < maxKinds; k++ {
		got := kindLayout{fixed: uint16(c.U8()), each: uint16(c.U8())}
		c.Skip(2)
		if k == 0 {
			continue
		}
		if s[k] == unknownLayout {
			s[k] = got
		} else if s[k] != got {
			c.Failf("%w: layout of kind %v", ErrHeader, Kind(k))
		}
	}
	if c.Len() > 0 {
		c.Failf("%w: layout of more than %d kinds", ErrHeader, maxKinds)
	}
	return &s, c.Err()
}
