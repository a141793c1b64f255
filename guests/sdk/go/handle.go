package sdk

import "unsafe"

// Handle names something of the host: kind, generation and index in one number. Zero is none. The
// typed handles of this package convert to and from it.
type Handle uint32

// Kind says what the handle names.
func (h Handle) Kind() Kind { return Kind(h >> 27) }

// Close releases the handle. What it names stays.
func (h Handle) Close() error { return check(hostHandleClose(uint32(h))) }

// data is where a slice starts, for calls that take a pointer and a length.
func data(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// handle makes a typed handle of a call's result.
func handle[T ~uint32](rc int32) (T, error) {
	if rc < 0 {
		return 0, check(rc)
	}
	return T(rc), nil
}

func number(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

func getU(h Handle, p Prop) (uint64, error) {
	var v uint64
	err := check(hostGetU(uint32(h), uint32(p), &v))
	return v, err
}

func setU(h Handle, p Prop, v uint64) error {
	return check(hostSetU(uint32(h), uint32(p), v))
}

func getB(h Handle, p Prop) ([]byte, error) {
	return fetch(func(out unsafe.Pointer, n uint32) int32 {
		return hostGetB(uint32(h), uint32(p), out, n)
	})
}

func setB(h Handle, p Prop, v []byte) error {
	return check(hostSetB(uint32(h), uint32(p), data(v), uint32(len(v))))
}

func setS(h Handle, p Prop, v string) error {
	return check(hostSetB(uint32(h), uint32(p), unsafe.Pointer(unsafe.StringData(v)), uint32(len(v))))
}

// fetch makes a call that answers with the length it needs, again with a larger buffer if it must.
func fetch(call func(out unsafe.Pointer, n uint32) int32) ([]byte, error) {
	b := make([]byte, 128)
	for {
		n := call(data(b), uint32(len(b)))
		if n < 0 {
			return nil, check(n)
		}
		if int(n) <= len(b) {
			return b[:n], nil
		}
		b = make([]byte, n)
	}
}
