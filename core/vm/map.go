package vm

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
)

// Update flags (include/uapi/linux/bpf.h).
const (
	Any     uint64 = 0 // BPF_ANY: create or replace
	NoExist uint64 = 1 // BPF_NOEXIST: create only
	Exist   uint64 = 2 // BPF_EXIST: replace only; for a queue or stack, drop the oldest if it is full
)

// Map is a map of a machine. What it reads is copied, so it stays as it was.
type Map struct {
	machine *Machine
	spec    *spec.Map
	handle  uint64 // the pointer that programs have
	table   table
	queue   queue // of maps without keys, which have no table
	ring    *Ring // of a ring buffer, which has no table
}

// table is what a map has in its entries, those with keys. Addresses are of values in memory.
type table interface {
	// lookup returns the address of a value as the CPU sees it, 0 if there is none.
	lookup(cpu int, key []byte) uint64
	// update and remove return 0 or an error number.
	update(cpu int, key, value []byte, flags uint64) int
	remove(key []byte) int
	// slots and slot go through the entries: slot returns the key of one that is in use.
	slots() int
	slot(i int) (key []byte, ok bool)
	// find returns the slot of a key that is in use, or -1.
	find(key []byte) int
	// keyAddr returns where slot i has its key in memory, 0 if nowhere.
	keyAddr(i int) uint64
}

// Map returns the map of that name, or nil.
func (m *Machine) Map(name string) *Map { return m.maps[name] }

// Spec returns what the map was made from, which must not be changed.
func (mp *Map) Spec() *spec.Map { return mp.spec }

// values is how many values an entry has.
func (mp *Map) values() int {
	if mp.spec.Type.PerCPU() {
		return mp.machine.options.CPUs
	}
	return 1
}

// stride is the distance of the values of an entry, as bpf(2) has them.
func (mp *Map) stride() int { return int(mp.spec.ValueSize+7) &^ 7 }

// size is how many bytes the values of an entry have together.
func (mp *Map) size() int {
	if mp.spec.Type.PerCPU() {
		return mp.stride() * mp.values()
	}
	return int(mp.spec.ValueSize)
}

// keyed checks that a map has entries with keys, and the size of a key.
func (mp *Map) keyed(verb string, key []byte) error {
	switch {
	case mp.table == nil, mp.spec.Type == spec.MapProgArray, mp.spec.Type == spec.MapCgroupArray, mp.spec.Type.HoldsMaps():
		return fmt.Errorf("%s map %q: type %v has no keys and values", verb, mp.spec.Name, mp.spec.Type)
	case len(key) != int(mp.spec.KeySize):
		return fmt.Errorf("%s map %q: the key has %d bytes, not %d", verb, mp.spec.Name, len(key), mp.spec.KeySize)
	}
	return nil
}

// Lookup returns the value of a key, of a map with a value for each CPU all of them one after the
// other, each filled up to a multiple of 8 bytes. ok is false if there is none.
func (mp *Map) Lookup(key []byte) (value []byte, ok bool, err error) {
	if err := mp.keyed("look up in", key); err != nil {
		return nil, false, err
	}
	value = make([]byte, mp.size())
	for cpu := range mp.values() {
		addr := mp.table.lookup(cpu, key)
		if addr == 0 {
			return nil, false, nil
		}
		copy(value[cpu*mp.stride():], mp.machine.mem.at(addr, uint64(mp.spec.ValueSize)))
	}
	return value, true, nil
}

// Update sets the value of a key, in the layout of Lookup.
func (mp *Map) Update(key, value []byte, flags uint64) error {
	if err := mp.keyed("update", key); err != nil {
		return err
	}
	if len(value) != mp.size() {
		return fmt.Errorf("update map %q: the value has %d bytes, not %d", mp.spec.Name, len(value), mp.size())
	}
	for cpu := range mp.values() {
		v := value[cpu*mp.stride():][:mp.spec.ValueSize]
		if err := asError(mp.table.update(cpu, key, v, flags)); err != nil {
			return fmt.Errorf("update map %q: %w", mp.spec.Name, err)
		}
		flags = Any // the first value made the entry
	}
	return nil
}

// Delete removes an entry.
func (mp *Map) Delete(key []byte) error {
	if err := mp.keyed("delete from", key); err != nil {
		return err
	}
	if err := asError(mp.table.remove(key)); err != nil {
		return fmt.Errorf("delete from map %q: %w", mp.spec.Name, err)
	}
	return nil
}

// All yields the entries, values in the layout of Lookup, in an order that is the same each time.
func (mp *Map) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		if mp.table == nil || mp.keyed("read", make([]byte, mp.spec.KeySize)) != nil {
			return
		}
		for i := range mp.table.slots() {
			k, ok := mp.table.slot(i)
			if !ok {
				continue
			}
			key := append([]byte(nil), k...)
			if value, ok, _ := mp.Lookup(key); ok && !yield(key, value) {
				return
			}
		}
	}
}

// NextKey returns the key after another one in the order of All, the first one after a key that is not
// there. ok is false after the last.
func (mp *Map) NextKey(key []byte) (next []byte, ok bool, err error) {
	from := 0
	if len(key) > 0 {
		if err := mp.keyed("read", key); err != nil {
			return nil, false, err
		}
		from = mp.table.find(key) + 1
	} else if err := mp.keyed("read", make([]byte, mp.spec.KeySize)); err != nil {
		return nil, false, err
	}
	for i := from; i < mp.table.slots(); i++ {
		if k, ok := mp.table.slot(i); ok {
			return append([]byte(nil), k...), true, nil
		}
	}
	return nil, false, nil
}

// maker makes what a map has in its entries.
type maker func(m *Machine, s *spec.Map, data []byte) (table, error)

// makers has the types of maps that are simulated.
var makers = map[spec.MapType]maker{
	spec.MapArray:          newArray,
	spec.MapPerCPUArray:    newArray,
	spec.MapHash:           newHash,
	spec.MapPerCPUHash:     newHash,
	spec.MapLRUHash:        newHash,
	spec.MapLRUPerCPUHash:  newHash,
	spec.MapProgArray:      newProgArray,
	spec.MapLPMTrie:        newLPM,
	spec.MapArrayOfMaps:    newOuter,
	spec.MapHashOfMaps:     newOuter,
	spec.MapPerfEventArray: newPerf,
	spec.MapRingbuf:        newRing,
	spec.MapQueue:          keyless(newQueue),
	spec.MapStack:          keyless(newQueue),
	spec.MapBloomFilter:    keyless(newBloom),
	spec.MapStackTrace:     newStacks,
	spec.MapCgroupArray:    newCgroups,
	spec.MapDevmap:         newDevices,
	spec.MapDevmapHash:     newDevices,
	spec.MapCpumap:         newDevices,
	spec.MapXskmap:         newDevices,
	spec.MapSkStorage:      newStorage,
	spec.MapTaskStorage:    newStorage,
	spec.MapInodeStorage:   newStorage,
	spec.MapCgrpStorage:    newStorage,
}

// MapTypes returns the types of maps that are simulated, by their numbers.
func MapTypes() []spec.MapType { return slices.Sorted(maps.Keys(makers)) }

// keyless makes a map without keys.
func keyless(newQueue func(*Machine, *spec.Map) (queue, error)) maker {
	return func(m *Machine, s *spec.Map, _ []byte) (table, error) {
		q, err := newQueue(m, s)
		m.queues[s.Name] = q
		return nil, err
	}
}

// addMaps makes the maps of the collection.
func (m *builder) addMaps(list []*spec.Map, b *bind.Binder) error {
	n := uint64(len(list)) * 8
	var err error
	if m.handles, err = m.mem.alloc(n, FaultHandle, ""); err != nil {
		return fmt.Errorf("make machine: %w", err)
	}
	for i, s := range list {
		mp := &Map{machine: m.Machine, spec: s, handle: m.handles + uint64(i)*8}
		newTable, ok := makers[s.Type]
		if !ok {
			return fmt.Errorf("make map %q: %w: maps of type %v are not simulated", s.Name, ErrNotSupported, s.Type)
		}
		data := b.Data(s.Name)
		if data == nil {
			data = s.Data
		}
		if mp.table, err = newTable(m.Machine, s, data); err != nil {
			return fmt.Errorf("make map %q: %w", s.Name, err)
		}
		mp.ring, mp.queue = m.rings[s.Name], m.queues[s.Name]
		m.maps[s.Name] = mp
		m.ordered = append(m.ordered, mp)
	}
	return nil
}

// byHandle returns the map that a pointer of a program is for, or nil.
func (m *Machine) byHandle(p uint64) *Map {
	i := (p - m.handles) / 8
	if p < m.handles || p%8 != 0 || i >= uint64(len(m.ordered)) {
		return nil
	}
	return m.ordered[i]
}
