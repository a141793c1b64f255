package asm

import "strconv"

// Error says which instruction could not be decoded or encoded, and why.
type Error struct {
	Verb  string // "decode" or "encode"
	Index int    // decode: the slot, counted from 0; encode: the index of the instruction
	Err   error
}

// Error returns for example "encode insn 3: label L7 is not defined".
func (e *Error) Error() string {
	return e.Verb + " insn " + strconv.Itoa(e.Index) + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
