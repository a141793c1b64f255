package asm

import "encoding/binary"

// ByteOrder is the byte order of a program: that of the machine it runs on.
type ByteOrder uint8

// The byte orders.
const (
	LittleEndian ByteOrder = 0
	BigEndian    ByteOrder = 1
)

// String returns "little" or "big".
func (b ByteOrder) String() string {
	if b == BigEndian {
		return "big"
	}
	return "little"
}

// Slot counts instruction slots of 8 bytes: the unit of jump displacements and of the kernel's
// instruction numbers. A 64-bit load fills two.
type Slot uint32

// SlotSize is the size of a slot in bytes.
const SlotSize = 8

// Bytes returns the offset in bytes at which the slot starts.
func (s Slot) Bytes() uint64 { return uint64(s) * SlotSize }

// word is one slot as a number: opcode in the lowest byte, then dst, src, off and imm, whatever the
// byte order of the program is.
type word uint64

func makeWord(op Op, dst, src Reg, off int16, imm int32) word {
	return word(op) | word(dst&15)<<8 | word(src&15)<<12 | word(uint16(off))<<16 | word(uint32(imm))<<32
}

func (w word) op() Op     { return Op(w) }
func (w word) dst() Reg   { return Reg(w >> 8 & 15) }
func (w word) src() Reg   { return Reg(w >> 12 & 15) }
func (w word) off() int16 { return int16(w >> 16) }
func (w word) imm() int64 { return int64(int32(w >> 32)) }

// readWord reads the first slot of b.
func readWord(b []byte, o ByteOrder) word {
	if o == LittleEndian {
		return word(binary.LittleEndian.Uint64(b))
	}
	v := word(binary.BigEndian.Uint64(b))
	return v>>56 | (v>>52&15)<<8 | (v>>48&15)<<12 | (v>>32&0xffff)<<16 | v<<32
}

// put writes the word to the first slot of b.
func (w word) put(b []byte, o ByteOrder) {
	if o == LittleEndian {
		binary.LittleEndian.PutUint64(b, uint64(w))
		return
	}
	binary.BigEndian.PutUint64(b, uint64(w<<56|(w>>8&15)<<52|(w>>12&15)<<48|(w>>16&0xffff)<<32|w>>32))
}
