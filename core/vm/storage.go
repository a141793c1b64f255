package vm

import (
	"encoding/binary"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// maxStorage is how many objects can have storage in one map.
const maxStorage = 1 << 16

// storage is what programs keep with sockets, tasks, inodes or control groups. It is a hash map by the
// address of the object; the current task is known by its pid, and keeps what it has from run to run.
// What is kept with an object that Machine.Clear takes away goes with it.
type storage struct {
	*hash
	placed [][]byte // keys that are addresses
}

func newStorage(m *Machine, s *spec.Map, _ []byte) (table, error) {
	like := *s
	like.MaxEntries, like.Flags = maxStorage, 0
	t, err := newHash(m, &like, nil)
	if err != nil {
		return nil, err
	}
	return &storage{hash: t.(*hash)}, nil
}

// forget drops what is kept with objects that are taken away.
func (s *storage) forget() {
	for _, key := range s.placed {
		s.hash.remove(key)
	}
	s.placed = s.placed[:0]
}

// key returns the key of an object. tasks says that it is one.
func (s *storage) key(m *Machine, object uint64, tasks bool) []byte {
	if tasks && object == currentTask(m, 0, 0, 0, 0, 0) {
		return binary.LittleEndian.AppendUint32(nil, m.input.Process.PID)
	}
	key := binary.LittleEndian.AppendUint32(nil, uint32(object))
	if !slices.ContainsFunc(s.placed, func(k []byte) bool { return string(k) == string(key) }) {
		s.placed = append(s.placed, key)
	}
	return key
}

var storageHelpers = []helper{
	{asm.HelperSkStorageGet, storageGet}, {asm.HelperSkStorageDelete, storageDelete},
	{asm.HelperTaskStorageGet, storageGet}, {asm.HelperTaskStorageDelete, storageDelete},
	{asm.HelperInodeStorageGet, storageGet}, {asm.HelperInodeStorageDelete, storageDelete},
	{asm.HelperCgrpStorageGet, storageGet}, {asm.HelperCgrpStorageDelete, storageDelete},
}

// storageOf returns the storage of a helper's argument, or ends the run.
func storageOf(m *Machine, p uint64) (s *storage, tasks bool) {
	mp := m.byHandle(p)
	if mp != nil {
		s, _ = mp.table.(*storage)
	}
	if s == nil {
		m.stopf("%#x is not a map that keeps something with objects", p)
		return nil, false
	}
	return s, mp.spec.Type == spec.MapTaskStorage
}

// storageGet returns what is kept with an object, which is made if the flags say so.
func storageGet(m *Machine, p, object, value, flags, _ uint64) uint64 {
	const create = 1 // BPF_LOCAL_STORAGE_GET_F_CREATE
	s, tasks := storageOf(m, p)
	if s == nil || object == 0 || flags > create {
		return 0
	}
	key := s.key(m, object, tasks)
	if addr := s.lookup(0, key); addr != 0 || flags != create {
		return addr
	}
	first := make([]byte, s.valueSize)
	if value != 0 {
		b := m.read(value, s.valueSize)
		if b == nil {
			return 0
		}
		copy(first, b)
	}
	if s.update(0, key, first, NoExist) != errnoNone {
		return 0
	}
	return s.lookup(0, key)
}

func storageDelete(m *Machine, p, object, _, _, _ uint64) uint64 {
	s, tasks := storageOf(m, p)
	switch {
	case s == nil:
		return 0
	case object == 0:
		return errno(eINVAL)
	}
	return errno(s.remove(s.key(m, object, tasks)))
}
