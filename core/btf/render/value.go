package render

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// ValueOptions bound the text of a value. The zero value has limits for one line on a screen to a
// page.
type ValueOptions struct {
	MaxDepth    int    // structs and arrays inside each other that are written out; 0 is 16, more than 64 is 64
	MaxElements int    // elements of an array that are written out; 0 is 64
	MaxBytes    int    // bytes of text after which "..." ends it; 0 is 64 KiB
	Zeros       bool   // write members that are zero too
	Indent      string // one line per member, indented by this; empty is all on one line
}

// Value appends memory as its type says: {.pid = 12, .comm = "bash"}. It reads data in the byte
// order of the table. Data after a struct are the elements of the flexible array that ends it.
// Members that are zero are left out, arrays end with their last element that is not zero. What the
// limits cut off is "...", what lies after the end of data is "?". Pointers are numbers and are not
// followed. Names and strings are quoted or shown as identifiers; nothing else of data gets into
// the text. Errors wrap btf.ErrID, btf.ErrNoSize and the like.
func Value(dst []byte, t *btf.Types, id btf.ID, data []byte, o ValueOptions) ([]byte, error) {
	if _, err := t.Size(id); err != nil {
		return dst, fmt.Errorf("write value: %w", err)
	}
	limit := func(n *int, zero, most int) {
		if *n <= 0 {
			*n = zero
		}
		*n = min(*n, most)
	}
	limit(&o.MaxDepth, 16, maxNesting)
	limit(&o.MaxElements, 64, math.MaxInt)
	limit(&o.MaxBytes, 64<<10, 1<<30)
	v := &values{t: t, o: o, order: t.Order(), out: dst, end: len(dst) + o.MaxBytes, steps: 16 * o.MaxBytes}
	v.value(id, data, 0)
	if v.full {
		v.out = append(v.out, "..."...)
	}
	return v.out, nil
}

// values writes a value. It calls itself for what is inside, at most MaxDepth deep.
type values struct {
	t     *btf.Types
	o     ValueOptions
	order binary.ByteOrder
	out   []byte
	end   int      // of the text
	steps int      // values that may still be looked at
	full  bool     // the limit was reached
	spare [24]byte // for digits
}

func (v *values) text(s string) {
	if v.full || len(v.out)+len(s) > v.end {
		v.full = true
		return
	}
	v.out = append(v.out, s...)
}

// texts writes all parts or none.
func (v *values) texts(parts ...string) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if v.full || len(v.out)+n > v.end {
		v.full = true
		return
	}
	for _, p := range parts {
		v.out = append(v.out, p...)
	}
}

// digits writes a number.
func (v *values) digits(b []byte) {
	if v.full || len(v.out)+len(b) > v.end {
		v.full = true
		return
	}
	v.out = append(v.out, b...)
}

// step counts what is looked at, so that types which are large for their text end too.
func (v *values) step() {
	if v.steps--; v.steps < 0 {
		v.full = true
	}
}

// value writes data, which may be shorter than its type.
func (v *values) value(id btf.ID, data []byte, depth int) {
	if v.step(); v.full {
		return
	}
	typ, err := v.resolve(id)
	size, sizeErr := v.t.Size(id)
	if err != nil || sizeErr != nil {
		v.text("?")
		return
	}
	var tail []byte // all data, where there are more than the type has
	if uint64(len(data)) > uint64(size) {
		data, tail = data[:size], data
	}
	switch typ := typ.(type) {
	case *btf.Struct:
		if depth > 0 {
			tail = nil // it is that of the outermost struct
		}
		v.structure(typ, data, tail, depth)
		return
	case *btf.Array:
		v.array(typ, data, depth)
		return
	}
	if len(data) < int(size) {
		v.text("?")
		return
	}
	switch typ := typ.(type) {
	case *btf.Int:
		v.integer(typ, v.bits(data, uint32(typ.Offset), uint32(typ.Bits)), uint32(typ.Bits))
	case *btf.Enum:
		v.enum(typ, v.bits(data, 0, size*8), size*8)
	case *btf.Pointer:
		v.digits(strconv.AppendUint(append(v.spare[:0], "0x"...), v.bits(data, 0, size*8).lo, 16))
	case *btf.Float:
		v.float(data)
	default:
		v.text("?")
	}
}

// resolve returns the type of the value of an id: variables are what they hold.
func (v *values) resolve(id btf.ID) (btf.Type, error) {
	typ, err := v.t.Type(v.t.Strip(id))
	if vr, ok := typ.(*btf.Var); ok {
		return v.t.Type(v.t.Strip(vr.Type))
	}
	return typ, err
}

// wide is an integer of up to 128 bits.
type wide struct{ hi, lo uint64 }

// bits reads n bits from a bit on, which the byte order counts from the lowest or the highest.
func (v *values) bits(data []byte, at, n uint32) wide {
	last := at + n
	if uint64(last) > uint64(len(data))*8 || n+at%8 > 128 {
		return wide{}
	}
	data = data[at/8 : (last+7)/8]
	var w wide
	if v.order == binary.LittleEndian {
		for i := len(data) - 1; i >= 0; i-- {
			w = w.push(data[i])
		}
		return w.shift(at % 8).mask(n)
	}
	for _, b := range data {
		w = w.push(b)
	}
	return w.shift((8 - last%8) % 8).mask(n)
}

// push moves the bits up by 8 and puts a byte below.
func (w wide) push(b byte) wide { return wide{w.hi<<8 | w.lo>>56, w.lo<<8 | uint64(b)} }

// shift moves the bits down by less than 8.
func (w wide) shift(n uint32) wide {
	if n == 0 {
		return w
	}
	return wide{w.hi >> n, w.lo>>n | w.hi<<(64-n)}
}

// mask keeps the lowest n bits.
func (w wide) mask(n uint32) wide {
	switch {
	case n >= 128:
	case n >= 64:
		w.hi &= 1<<(n-64) - 1
	default:
		w.hi, w.lo = 0, w.lo&(1<<n-1)
	}
	return w
}

// integer writes a number of n bits.
func (v *values) integer(i *btf.Int, w wide, n uint32) {
	switch {
	case i.Encoding&btf.IntBool != 0 && w.hi == 0 && w.lo <= 1:
		v.text(strconv.FormatBool(w.lo == 1))
	case n > 64 && w.hi != 0:
		v.text(fmt.Sprintf("0x%x%016x", w.hi, w.lo))
	case i.Name == "char" && n == 8 && w.lo < 0x80 && quote.Printable(rune(w.lo)):
		v.text(strconv.QuoteRune(rune(w.lo)))
	case i.Encoding&btf.IntSigned != 0 && n > 0 && n <= 64:
		v.digits(strconv.AppendInt(v.spare[:0], signed(w.lo, n), 10))
	default:
		v.digits(strconv.AppendUint(v.spare[:0], w.lo, 10))
	}
}

// signed extends the sign of a number of n bits.
func signed(u uint64, n uint32) int64 { return int64(u<<(64-n)) >> (64 - n) }

// enum writes the name of a value, or the value where none has it.
func (v *values) enum(e *btf.Enum, w wide, n uint32) {
	if n == 0 || n > 64 {
		v.text("?")
		return
	}
	u := w.lo
	if e.Signed {
		u = uint64(signed(u, n))
	}
	for _, x := range e.Values {
		if x.Value == u {
			v.text(identifier(x.Name))
			return
		}
	}
	if e.Signed {
		v.text(strconv.FormatInt(int64(u), 10))
	} else {
		v.text(strconv.FormatUint(u, 10))
	}
}

func (v *values) float(data []byte) {
	switch len(data) {
	case 4:
		v.text(strconv.FormatFloat(float64(math.Float32frombits(v.order.Uint32(data))), 'g', -1, 32))
	case 8:
		v.text(strconv.FormatFloat(math.Float64frombits(v.order.Uint64(data)), 'g', -1, 64))
	default:
		v.text(fmt.Sprintf("0x%x", data))
	}
}

// quote writes the bytes of a string.
func (v *values) quote(b []byte) {
	v.text(`"`)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == '"' || r == '\\':
			v.text(`\` + string(r))
		case r == utf8.RuneError && n == 1:
			v.text(fmt.Sprintf(`\x%02x`, b[0]))
		case quote.Printable(r):
			v.text(string(r))
		default:
			q := strconv.QuoteRune(r)
			v.text(q[1 : len(q)-1])
		}
		b = b[n:]
	}
	v.text(`"`)
}
