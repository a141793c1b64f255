package agree

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/randprog"
)

// engine is something that runs programs.
type engine interface {
	name() string
	load(c *spec.Collection) (instance, error)
}

// instance is a collection that an engine has loaded.
type instance interface {
	run(program string, in randprog.Input) outcome
	put(m string, key, value []byte) error
	entries() (contents, error) // of all maps; it empties queues and stacks
	close()
}

// outcome is how a run ended.
type outcome struct {
	fault           string // why the program was stopped
	ret             uint32
	packet, context []byte
	records         [][]byte // of all rings, by their names
}

// contents is what is in maps: by their names, a text for each entry, sorted. Of a map with a value
// for each CPU it is the value of the CPU that programs run on.
type contents map[string][]string

// entry returns the text of an entry.
func entry(m *spec.Map, key, value []byte) string {
	if m.Type == spec.MapLPMTrie {
		key = masked(key)
	}
	return fmt.Sprintf("%x: %x", key, value)
}

// masked returns the key of a trie without the bits that do not count: which there are, machines may
// differ in.
func masked(key []byte) []byte {
	key = bytes.Clone(key)
	n := binary.LittleEndian.Uint32(key)
	for i := range key[4:] {
		if keep := int(n) - 8*i; keep < 8 {
			key[4+i] &= ^byte(0xff >> max(keep, 0))
		}
	}
	return key
}

// differs says in one line how two outcomes differ, or nothing.
func (o outcome) differs(p outcome) string {
	switch {
	case o.fault != p.fault:
		return fmt.Sprintf("fault %q, not %q", o.fault, p.fault)
	case o.ret != p.ret:
		return fmt.Sprintf("return value %#x, not %#x", o.ret, p.ret)
	case !bytes.Equal(o.packet, p.packet):
		return fmt.Sprintf("packet %x, not %x", o.packet, p.packet)
	case !bytes.Equal(o.context, p.context):
		return fmt.Sprintf("context %x, not %x", o.context, p.context)
	case !slices.EqualFunc(o.records, p.records, bytes.Equal):
		return fmt.Sprintf("ring records %x, not %x", o.records, p.records)
	}
	return ""
}

// differs says in one line how the contents of maps differ, or nothing.
func (c contents) differs(d contents) string {
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if !slices.Equal(c[name], d[name]) {
			return fmt.Sprintf("map %q has %v, not %v", name, c[name], d[name])
		}
	}
	return ""
}

// account is all that can be seen of a case: what came of its inputs, and what is in the maps in the
// end.
type account struct {
	outcomes []outcome
	maps     contents
}

// runCase runs a case on an engine.
func runCase(e engine, c *randprog.Case) (account, error) {
	var a account
	i, err := e.load(c.Collection)
	if err != nil {
		return a, err
	}
	defer i.close()
	for _, in := range c.Inputs {
		a.outcomes = append(a.outcomes, i.run(randprog.Main, in))
	}
	a.maps, err = i.entries()
	return a, err
}

// differs says in one line how two accounts differ, or nothing.
func (a account) differs(b account) string {
	for i := range a.outcomes {
		if d := a.outcomes[i].differs(b.outcomes[i]); d != "" {
			return fmt.Sprintf("input %d: %s", i, d)
		}
	}
	return a.maps.differs(b.maps)
}
