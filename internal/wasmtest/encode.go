package wasmtest

import "slices"

// Instructions that tests use.
var (
	Unreachable = []byte{0x00}
	Loop        = []byte{0x03, 0x40, 0x0c, 0x00, 0x0b} // loop br 0 end
	Return      = []byte{0x0f}
	Drop        = []byte{0x1a}
	Grow        = []byte{0x40, 0x00} // memory.grow
)

// Op encodes an instruction with one number after it.
func Op(code byte, arg int) []byte { return append([]byte{code}, ULEB(arg)...) }

// Const is i32.const.
func Const(v int) []byte { return append([]byte{0x41}, SLEB(int64(v))...) }

// Const64 is i64.const.
func Const64(v int64) []byte { return append([]byte{0x42}, SLEB(v)...) }

// Call is a call of a function by index.
func Call(i int) []byte { return Op(0x10, i) }

// Get is local.get.
func Get(i int) []byte { return Op(0x20, i) }

// Tee is local.tee.
func Tee(i int) []byte { return Op(0x22, i) }

// Load is i32.load with an offset.
func Load(off int) []byte { return append([]byte{0x28, 0x02}, ULEB(off)...) }

// Store is i32.store with an offset.
func Store(off int) []byte { return append([]byte{0x36, 0x02}, ULEB(off)...) }

// Cat joins pieces.
func Cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

// Vec encodes a vector of n items.
func Vec(n int, items ...byte) []byte { return append(ULEB(n), items...) }

// Str encodes a name.
func Str(s string) []byte { return append(ULEB(len(s)), s...) }

// Section encodes a section.
func Section(id byte, body ...[]byte) []byte {
	b := Cat(body...)
	return Cat([]byte{id}, ULEB(len(b)), b)
}

// ULEB encodes a number that is not negative.
func ULEB(v int) []byte {
	var b []byte
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// SLEB encodes a signed number.
func SLEB(v int64) []byte {
	var b []byte
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
