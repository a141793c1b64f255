package sdk

// OpenMap opens a loaded map of this plugin's objects by its name, or by object/name.
func OpenMap(name string) (LoadedMap, error) { return handle[LoadedMap](hostMapOpen(name)) }

// Get fills value with the value of key and reports whether there is one. A value longer than the
// slice is ErrRange; see ValueLen.
func (h LoadedMap) Get(key, value []byte) (bool, error) {
	n := hostMapGet(uint32(h), data(key), uint32(len(key)), data(value), uint32(len(value)))
	return found(n, len(value), "map_get")
}

// Put sets the value of key; flags is PutAny, PutNoexist or PutExist.
func (h LoadedMap) Put(key, value []byte, flags uint32) error {
	return check(hostMapPut(uint32(h), data(key), uint32(len(key)), data(value), uint32(len(value)), uint64(flags)))
}

// Delete deletes key and reports whether it was there.
func (h LoadedMap) Delete(key []byte) (bool, error) {
	return found(hostMapDel(uint32(h), data(key), uint32(len(key))), 0, "map_del")
}

// Next fills next with the key after key, or with the first if key is empty, and reports whether
// there is one. Both may be the same slice.
func (h LoadedMap) Next(key, next []byte) (bool, error) {
	n := hostMapNext(uint32(h), data(key), uint32(len(key)), data(next), uint32(len(next)))
	return found(n, len(next), "map_next")
}

// found judges the result of a call that fills room bytes or answers that there is nothing.
func found(n int32, room int, fn string) (bool, error) {
	switch {
	case n == -int32(ErrNoent):
		return false, nil
	case n < 0:
		return false, check(n)
	case int(n) > room:
		return false, &Error{Func: fn, Code: ErrRange, Insn: -1, Text: "the buffer is too small"}
	}
	return true, nil
}
