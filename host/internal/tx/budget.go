package tx

import (
	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
)

// MaxMemory bounds what a plugin's objects hold, in bytes, beyond what the operator's have.
const MaxMemory = 256 << 20

// What is held in memory, in bytes. Copies count in full, though they share what was not edited.
const (
	insnBytes   = 24
	objectBytes = 512 // of a program or map, besides its instructions and data
)

// hold counts bytes that the plugin's objects will hold, negative for what they no longer do. It
// refuses what would be too much.
func (t *Transaction) hold(n int) error {
	if n > 0 && t.held+n > t.maxHeld {
		return failf(abi.ErrLimit, "the programs and maps of the plugin would take %d bytes of the host's memory; the limit is %d", t.held+n, t.maxHeld)
	}
	t.held = max(0, t.held+n)
	return nil
}

// hold is Transaction.hold of the transaction that the object is in.
func (o *Object) hold(n int) error {
	if o.tx == nil {
		return nil
	}
	return o.tx.hold(n)
}

// programBytes and mapBytes return what one of them holds.
func programBytes(p *spec.Program) int { return objectBytes + len(p.Name) + p.Insns.Len()*insnBytes }

func mapBytes(m *spec.Map) int { return objectBytes + len(m.Name) + len(m.Data) }

// collectionBytes returns what a collection holds.
func collectionBytes(c *spec.Collection) int {
	n := 0
	for _, p := range c.Programs {
		n += programBytes(p)
	}
	for _, m := range c.Maps {
		n += mapBytes(m)
	}
	return n
}
