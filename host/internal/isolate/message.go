package isolate

import (
	"encoding/binary"
	"errors"
)

// kind says what a message is.
type kind uint8

const (
	// From the parent.
	kindStart kind = iota + 1 // text: a config
	kindCall                  // number: index of the export; args: timeout in nanoseconds, arguments
	kindReply                 // number: result of the host function, or 1 when output was taken

	// From the child. The first of args is the size of the guest's memory.
	kindCompiled // number: of compiledFresh and compiledRoot
	kindReady
	kindHost   // number: index of the import; args: size, arguments
	kindOutput // number: stream; args: size, address, length
	kindDone   // number: result; args: size
	kindFailed // text: a failure
)

// What a child says when the module is compiled.
const (
	compiledFresh = 1 << iota // new code is in the file of code
	compiledRoot              // it has an empty root
)

// Bounds of a message.
const (
	maxArgs    = 16
	maxMessage = 64 << 10
	headSize   = 8
)

// message is one message, which says what its kind needs. Its slices are valid until the next one is
// read into the same buffer.
type message struct {
	kind   kind
	number uint32
	n      int // of args
	args   [maxArgs]uint64
	text   []byte
}

var errMessage = errors.New("malformed message")

// encode writes a message to the start of b, which holds any.
func (m *message) encode(b []byte) []byte {
	b[0], b[1], b[2], b[3] = byte(m.kind), byte(m.n), 0, 0
	binary.LittleEndian.PutUint32(b[4:], m.number)
	at := headSize
	for _, a := range m.args[:m.n] {
		binary.LittleEndian.PutUint64(b[at:], a)
		at += 8
	}
	at += copy(b[at:maxMessage], m.text)
	return b[:at]
}

// decode reads a message.
func (m *message) decode(b []byte) error {
	if len(b) < headSize || b[1] > maxArgs || len(b) < headSize+8*int(b[1]) {
		return errMessage
	}
	m.kind, m.n = kind(b[0]), int(b[1])
	m.number = binary.LittleEndian.Uint32(b[4:])
	for i := range m.n {
		m.args[i] = binary.LittleEndian.Uint64(b[headSize+8*i:])
	}
	m.text = b[headSize+8*m.n:]
	return nil
}
