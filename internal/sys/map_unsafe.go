package sys

import "unsafe"

// elem runs one of the element commands. The caller has checked the lengths of key and value: the
// kernel does not know how long they are.
func elem(c cmd, f *FD, key, value []byte, flags uint64, fast bool) error {
	raw, err := f.Acquire()
	if err != nil {
		return err
	}
	a := mapElem{MapFD: uint32(raw), Key: BytesPointer(key), Value: BytesPointer(value), Flags: flags}
	if fast {
		e := bpfFast(c, unsafe.Pointer(&a), unsafe.Sizeof(a))
		f.Release()
		if e != 0 {
			return e
		}
		return nil
	}
	_, err = bpf(c, unsafe.Pointer(&a), unsafe.Sizeof(a))
	f.Release()
	return err
}

// LookupElem reads the value of key. fast says that the map's accesses never sleep.
func LookupElem(f *FD, key, value []byte, flags uint64, fast bool) error {
	return elem(cmdMapLookup, f, key, value, flags, fast)
}

// LookupDeleteElem reads the value of key and removes it.
func LookupDeleteElem(f *FD, key, value []byte, flags uint64) error {
	return elem(cmdMapLookupDelete, f, key, value, flags, false)
}

// UpdateElem sets the value of key. fast says that the map's accesses never sleep.
func UpdateElem(f *FD, key, value []byte, flags uint64, fast bool) error {
	return elem(cmdMapUpdate, f, key, value, flags, fast)
}

// DeleteElem removes key. fast says that the map's accesses never sleep.
func DeleteElem(f *FD, key []byte, fast bool) error {
	return elem(cmdMapDelete, f, key, nil, 0, fast)
}

// NextKey writes the key that follows key, or the first one when key is empty.
func NextKey(f *FD, key, next []byte, fast bool) error {
	return elem(cmdMapNextKey, f, key, next, 0, fast)
}

// Freeze makes a map read-only for user space.
func Freeze(f *FD) error { return elem(cmdMapFreeze, f, nil, nil, 0, false) }

// LookupBatch reads up to n entries from where in points, which is empty at the beginning. It
// writes the position to go on from to out and returns how many entries there were; ENOENT says
// that these were the last.
func LookupBatch(f *FD, in, out, keys, values []byte, n uint32) (uint32, error) {
	raw, err := f.Acquire()
	if err != nil {
		return 0, err
	}
	defer f.Release()
	a := mapBatch{
		In: BytesPointer(in), Out: BytesPointer(out), Keys: BytesPointer(keys), Values: BytesPointer(values),
		Count: n, MapFD: uint32(raw),
	}
	_, err = bpf(cmdMapLookupBatch, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return a.Count, err
}

// UpdateBatch sets n entries and returns how many were set.
func UpdateBatch(f *FD, keys, values []byte, n uint32, flags uint64) (uint32, error) {
	return batch(cmdMapUpdateBatch, f, keys, values, n, flags)
}

// DeleteBatch removes n keys and returns how many were removed.
func DeleteBatch(f *FD, keys []byte, n uint32) (uint32, error) {
	return batch(cmdMapDeleteBatch, f, keys, nil, n, 0)
}

func batch(c cmd, f *FD, keys, values []byte, n uint32, flags uint64) (uint32, error) {
	raw, err := f.Acquire()
	if err != nil {
		return 0, err
	}
	defer f.Release()
	a := mapBatch{
		Keys: BytesPointer(keys), Values: BytesPointer(values), Count: n, MapFD: uint32(raw), ElemFlags: flags,
	}
	_, err = bpf(c, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return a.Count, err
}
