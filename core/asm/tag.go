package asm

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
)

// TagHash is the hash function that tags are made with.
type TagHash uint8

// The hash functions.
const (
	TagSHA256 TagHash = iota // Linux 6.18 and newer
	TagSHA1                  // before
)

// Tag is the kernel's short name of a program: the first bytes of the hash of its instructions, in
// which what names a map is zero.
type Tag [8]byte

// TagOptions says how to make a tag. The zero value is right for a little-endian machine with Linux
// 6.18 or newer.
type TagOptions struct {
	Order   ByteOrder
	Hash    TagHash
	NoGotol bool // as in EncodeOptions, for kernels before 6.6
}

// ProgramTag returns the tag that the kernel computes for a program (bpf_prog_tag of
// bpf_prog_info). References to maps and variables need not be resolved, for the tag does not
// depend on them; all others must be, as in AppendEncode, whose errors it returns.
func ProgramTag(insns []Insn, o TagOptions) (Tag, error) {
	s := getScratch()
	defer s.release()
	code, err := AppendEncode(s.code[:0], insns, EncodeOptions{Order: o.Order, NoGotol: o.NoGotol, anyMap: true})
	if err != nil {
		return Tag{}, err
	}
	s.code = code
	return tag(code, o), nil
}

// CodeTag is ProgramTag for encoded instructions, whose bytes it does not change. The error is an
// *Error: the bytes are not a multiple of eight.
func CodeTag(code []byte, o TagOptions) (Tag, error) {
	if n := len(code) % SlotSize; n != 0 {
		return Tag{}, decodeError(len(code)/SlotSize, errLeft(n))
	}
	return tag(append([]byte(nil), code...), o), nil
}

// tag hashes the code and overwrites in it what names a map (bpf_prog_calc_tag, kernel/bpf/core.c).
func tag(code []byte, o TagOptions) Tag {
	load := false // the slot before was the first half of the load of a map
	for at := 0; at < len(code); at += SlotSize {
		slot := code[at : at+SlotSize]
		switch op := Op(slot[0]); {
		case !load && op == OpLoadImm64:
			if src := readWord(slot, o.Order).src(); src == PseudoMapFD || src == PseudoMapValue {
				load = true
				binary.LittleEndian.PutUint32(slot[4:], 0)
			}
		case load:
			load = false
			if binary.LittleEndian.Uint32(slot) == 0 {
				binary.LittleEndian.PutUint32(slot[4:], 0)
			}
		}
	}
	var t Tag
	if o.Hash == TagSHA1 {
		sum := sha1.Sum(code)
		copy(t[:], sum[:])
		return t
	}
	sum := sha256.Sum256(code)
	copy(t[:], sum[:])
	return t
}
