package guest

import (
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/events"
	"github.com/bpfhost/bpfhost/host/policy"
)

// Live is what a guest may use once its objects are loaded.
type Live struct {
	Backend backend.Backend
	Events  *events.Loop
	Maps    []*LiveMap
}

// LiveMap is a loaded map of the plugin's own objects. A guest gets no other.
type LiveMap struct {
	Object string // name of the object
	Map    backend.Map
}

// mapCalls are the functions of the group maps.
type mapCalls struct {
	*state
	scratch []byte
}

// findMap finds a loaded map by its name, or by object/name.
func (l *Live) findMap(name string) (*LiveMap, error) {
	var found []*LiveMap
	for _, m := range l.Maps {
		if m.Map.Name() == name || m.Object+"/"+m.Map.Name() == name {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		return nil, failf(abi.ErrNoent, "no object of the plugin has a map %q", name)
	case 1:
		return found[0], nil
	}
	var which []string
	for _, m := range found {
		which = append(which, m.Object+"/"+name)
	}
	return nil, failf(abi.ErrInval, "several objects have a map %q; say %s", name, strings.Join(which, " or "))
}

// MapOpen opens a loaded map.
func (x *mapCalls) MapOpen(name []byte) int32 {
	m, err := x.live.findMap(string(name))
	if err == nil {
		err = x.mayUse(m)
	}
	return x.replyHandle(abi.FuncMapOpen, abi.KindLiveMap, m, err)
}

// mayUse tells whether a guest may read and write a map.
func (x *mapCalls) mayUse(m *LiveMap) error {
	if !m.Map.Type().PlainData() {
		if m.Map.Type() == spec.MapRingbuf {
			return failf(abi.ErrNosup, "map %q is a ring buffer; source_open reads it", m.Map.Name())
		}
		return failf(abi.ErrNosup, "entries of a %s map are not plain data", m.Map.Type())
	}
	return x.rights.allow(policy.MapRW(m.Map.Name()))
}

// mapByHandle returns the map that a handle names, and checks the key's length.
func (x *mapCalls) mapByHandle(h uint32, key []byte) (backend.Map, error) {
	obj, err := x.handles.get(h, abi.KindLiveMap)
	if err != nil {
		return nil, err
	}
	m := obj.(*LiveMap).Map
	if len(key) != m.KeySize() {
		return nil, failf(abi.ErrInval, "a key of map %q has %d bytes, not %d", m.Name(), m.KeySize(), len(key))
	}
	return m, nil
}

// buffer is memory of the host for one value: what the kernel writes goes to the guest in one
// piece.
func (x *mapCalls) buffer(n int) []byte {
	x.scratch = slices.Grow(x.scratch[:0], n)[:n]
	return x.scratch
}

// MapGet returns the value of a key.
func (x *mapCalls) MapGet(h uint32, key, value []byte) int32 {
	m, err := x.mapByHandle(h, key)
	if err != nil {
		return x.reply(abi.FuncMapGet, 0, err)
	}
	b := x.buffer(m.ValueBufferSize())
	if err := m.Lookup(key, b); err != nil {
		return x.reply(abi.FuncMapGet, 0, err)
	}
	return abi.CopyOut(value, b)
}

// MapPut sets the value of a key.
func (x *mapCalls) MapPut(h uint32, key, value []byte, flags uint64) int32 {
	m, err := x.mapByHandle(h, key)
	switch {
	case err != nil:
	case len(value) != m.ValueBufferSize():
		err = failf(abi.ErrInval, "a value of map %q has %d bytes, not %d", m.Name(), m.ValueBufferSize(), len(value))
	case flags > uint64(backend.UpdateExist):
		err = failf(abi.ErrInval, "flags %#x are not known", flags)
	default:
		err = m.Update(key, value, backend.UpdateFlags(flags))
	}
	return x.reply(abi.FuncMapPut, 0, err)
}

// MapDel deletes a key.
func (x *mapCalls) MapDel(h uint32, key []byte) int32 {
	m, err := x.mapByHandle(h, key)
	if err == nil {
		err = m.Delete(key)
	}
	return x.reply(abi.FuncMapDel, 0, err)
}

// MapNext returns the key after another one.
func (x *mapCalls) MapNext(h uint32, key, next []byte) int32 {
	obj, err := x.handles.get(h, abi.KindLiveMap)
	if err != nil {
		return x.reply(abi.FuncMapNext, 0, err)
	}
	m := obj.(*LiveMap).Map
	if len(key) != 0 && len(key) != m.KeySize() {
		return x.reply(abi.FuncMapNext, 0, failf(abi.ErrInval, "a key of map %q has %d bytes, not %d", m.Name(), m.KeySize(), len(key)))
	}
	b := x.buffer(m.KeySize())
	if err := m.NextKey(key, b); err != nil {
		return x.reply(abi.FuncMapNext, 0, err)
	}
	return abi.CopyOut(next, b)
}

// cpus is how many values a key has.
func (m *LiveMap) cpus() uint64 {
	if !m.Map.Type().PerCPU() {
		return 1
	}
	return uint64(m.Map.ValueBufferSize() / ((m.Map.ValueSize() + 7) &^ 7))
}

// liveMapProperties are the properties of live maps.
var liveMapProperties = map[abi.Prop]property{
	abi.PropLiveMapName:       text(func(m *LiveMap) string { return m.Map.Name() }, nil),
	abi.PropLiveMapType:       number(func(m *LiveMap) uint64 { return uint64(m.Map.Type()) }, nil),
	abi.PropLiveMapKeySize:    number(func(m *LiveMap) uint64 { return uint64(m.Map.KeySize()) }, nil),
	abi.PropLiveMapValueSize:  number(func(m *LiveMap) uint64 { return uint64(m.Map.ValueSize()) }, nil),
	abi.PropLiveMapMaxEntries: number(func(m *LiveMap) uint64 { return uint64(m.Map.MaxEntries()) }, nil),
	abi.PropLiveMapCPUs:       number(func(m *LiveMap) uint64 { return m.cpus() }, nil),
	abi.PropLiveMapValueLen:   number(func(m *LiveMap) uint64 { return uint64(m.Map.ValueBufferSize()) }, nil),
}
