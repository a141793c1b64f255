package vm

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
)

// outer is a map of maps: its values are handles.
type outer struct{ table }

func newOuter(m *Machine, s *spec.Map, _ []byte) (table, error) {
	values := *s
	values.ValueSize = 8
	newTable := newArray
	if s.Type == spec.MapHashOfMaps {
		newTable = newHash
	}
	t, err := newTable(m, &values, nil)
	return outer{t}, err
}

// handle returns where the handle of a key is, 0 if nowhere.
func (o outer) handle(key []byte) uint64 { return o.table.lookup(0, key) }

// Programs can only look up: what they get is the inner map.

func (o outer) update(int, []byte, []byte, uint64) int { return eINVAL }
func (o outer) remove([]byte) int                      { return eINVAL }

// innerOf is the lookup of a map of maps.
func innerOf(m *Machine, o outer, key []byte) uint64 {
	at := o.handle(key)
	if at == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(m.mem.at(at, 8))
}

// SetMap sets the map of a key of a map of maps, by its name; an empty name removes it.
func (mp *Map) SetMap(key []byte, name string) error {
	o, ok := mp.table.(outer)
	switch {
	case !ok:
		return fmt.Errorf("set map of map %q: type %v holds no maps", mp.spec.Name, mp.spec.Type)
	case len(key) != int(mp.spec.KeySize):
		return fmt.Errorf("set map of map %q: the key has %d bytes, not %d", mp.spec.Name, len(key), mp.spec.KeySize)
	}
	handle, err := uint64(0), errnoNone
	if name != "" {
		inner := mp.machine.maps[name]
		if err := mp.fits(inner); err != nil {
			return fmt.Errorf("set map of map %q to %q: %w", mp.spec.Name, name, err)
		}
		handle = inner.handle
	}
	if handle == 0 && mp.spec.Type == spec.MapHashOfMaps {
		err = o.table.remove(key)
	} else {
		err = o.table.update(0, key, binary.LittleEndian.AppendUint64(nil, handle), Any)
	}
	if err := asError(err); err != nil {
		return fmt.Errorf("set map of map %q: %w", mp.spec.Name, err)
	}
	return nil
}

// fits checks that an inner map is like the template (bpf_map_meta_equal, kernel/bpf/map_in_map.c).
func (mp *Map) fits(inner *Map) error {
	if inner == nil {
		return fmt.Errorf("the machine has no such map")
	}
	a, b := mp.spec.Inner, inner.spec
	if a.Type != b.Type || a.KeySize != b.KeySize || a.ValueSize != b.ValueSize || a.Flags != b.Flags {
		return fmt.Errorf("it is not like the template: type %v, key of %d bytes, value of %d", a.Type, a.KeySize, a.ValueSize)
	}
	return nil
}
