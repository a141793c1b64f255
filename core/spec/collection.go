package spec

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// Collection is everything that one object file or one plugin describes. Slices are in object
// order and names are unique within each, so text made from it is the same on every machine.
type Collection struct {
	Order         asm.ByteOrder
	License       string
	KernelVersion uint32 // from a "version" section; 0 is none
	Programs      []*Program
	Maps          []*Map
	Vars          []*Var
	Externs       []Extern
	Attach        []Attach
	BTF           *btf.Types // types that everything above refers to; nil is none
	Notes         []Note
}

// Note is something odd about an input that did not stop it from being read.
type Note struct {
	Code string // stable, e.g. "N07"
	Text string
}
