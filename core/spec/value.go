package spec

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// maxShown is how many bytes of a value are written out; of a longer one the rest is only summed
// up.
const maxShown = 64

// formatValue returns the value of a variable as text: a number where it is one, otherwise its
// bytes.
func formatValue(c *Collection, v *Var, b []byte) string {
	isNumber, signed := v.number(c)
	if !isNumber {
		return hexBytes(b)
	}
	var wide [8]byte
	if c.Order == asm.BigEndian {
		copy(wide[8-len(b):], b)
	} else {
		copy(wide[:], b)
	}
	x := binary.LittleEndian.Uint64(wide[:])
	if c.Order == asm.BigEndian {
		x = binary.BigEndian.Uint64(wide[:])
	}
	if shift := 64 - 8*len(b); signed {
		return strconv.FormatInt(int64(x<<shift)>>shift, 10)
	}
	return strconv.FormatUint(x, 10)
}

// number reports whether the variable is one number, going by its type or else by its size, and
// whether it can be negative.
func (v *Var) number(c *Collection) (is, signed bool) {
	if v.checkScalar() != nil {
		return false, false
	}
	if c.BTF == nil || v.Type == 0 {
		return true, false
	}
	t, err := c.BTF.Type(c.BTF.Strip(v.Type))
	if err != nil {
		return true, false
	}
	switch t := t.(type) {
	case *btf.Int:
		return true, t.Encoding&btf.IntSigned != 0
	case *btf.Enum:
		return true, t.Signed
	case *btf.Pointer:
		return true, false
	}
	return false, false
}

// hexBytes returns bytes as text. Of long data it returns the beginning and a SHA-256 sum, so that
// different data never look the same.
func hexBytes(b []byte) string {
	if len(b) <= maxShown {
		return spacedHex(b)
	}
	sum := sha256.Sum256(b)
	return spacedHex(b[:16]) + " … " + strconv.Itoa(len(b)) + " bytes, sha256 " + hex.EncodeToString(sum[:])
}

func spacedHex(b []byte) string {
	out := make([]byte, 0, 3*len(b))
	for i, x := range b {
		if i > 0 {
			out = append(out, ' ')
		}
		out = hex.AppendEncode(out, []byte{x})
	}
	return string(out)
}
