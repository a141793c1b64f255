package loader

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
)

// native is the byte order of this machine.
var native = binary.NativeEndian

// nativeOrder is the same as package asm names it.
func nativeOrder() asm.ByteOrder {
	if native.Uint16([]byte{0, 1}) == 1 {
		return asm.BigEndian
	}
	return asm.LittleEndian
}
