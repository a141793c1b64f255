package btf

import (
	"bytes"
	"sync/atomic"
)

// smallTable is the size in bytes up to which a string table is converted at the first request;
// manyNames the number of names after which a larger one is.
const (
	smallTable = 64 << 10
	manyNames  = 2048
)

// table is the string section: names that end in NUL, referred to by offset. After many requests it
// is converted as a whole, so that names cost nothing more.
type table struct {
	data  []byte
	text  atomic.Pointer[string]
	asked atomic.Uint32
}

// bytes returns the name at off, without its NUL. The last byte of data is a NUL: Parse has seen to
// it.
func (s *table) bytes(off uint32) ([]byte, bool) {
	if uint64(off) >= uint64(len(s.data)) {
		return nil, false
	}
	b := s.data[off:]
	n := bytes.IndexByte(b, 0)
	if n < 0 {
		return nil, false
	}
	return b[:n:n], true
}

// string is bytes as a string.
func (s *table) string(off uint32) (string, bool) {
	b, ok := s.bytes(off)
	if !ok || len(b) == 0 {
		return "", ok
	}
	if text := s.text.Load(); text != nil {
		return (*text)[off : int(off)+len(b)], true
	}
	if len(s.data) > smallTable && s.asked.Add(1) < manyNames {
		return string(b), true
	}
	text := string(s.data)
	s.text.Store(&text)
	return text[off : int(off)+len(b)], true
}

// nameBytes returns the name at an offset into the strings of the base followed by those of t.
func (t *Types) nameBytes(off uint32) ([]byte, bool) {
	for off < t.strBase {
		t = t.base
	}
	return t.strs.bytes(off - t.strBase)
}

// String returns the string at an offset as it appears in type and .BTF.ext records: offsets of a
// split table go on where those of its base end. It returns false if that string does not exist.
func (t *Types) String(off uint32) (string, bool) {
	for off < t.strBase {
		t = t.base
	}
	return t.strs.string(off - t.strBase)
}

// hasString reports whether there is a string at an offset. The last byte of every table is a NUL.
func (t *Types) hasString(off uint32) bool {
	for off < t.strBase {
		t = t.base
	}
	return uint64(off-t.strBase) < uint64(len(t.strs.data))
}

// str is String for offsets that were checked.
func (t *Types) str(off uint32) string {
	s, _ := t.String(off)
	return s
}

// nameless says whether the string at off is empty.
func (t *Types) nameless(off uint32) bool {
	for off < t.strBase {
		t = t.base
	}
	at := uint64(off - t.strBase)
	return at < uint64(len(t.strs.data)) && t.strs.data[at] == 0
}

// named says whether the string at off is name; no string is an empty name.
func (t *Types) named(off uint32, name string) bool {
	for off < t.strBase {
		t = t.base
	}
	b, at, n := t.strs.data, uint64(off-t.strBase), uint64(len(name))
	return n > 0 && at+n < uint64(len(b)) && b[at+n] == 0 && b[at] == name[0] && string(b[at:at+n]) == name
}

// namedEssential says whether the essential part of the string at off is name, which may be empty.
func (t *Types) namedEssential(off uint32, name string) bool {
	for off < t.strBase {
		t = t.base
	}
	b, at, n := t.strs.data, uint64(off-t.strBase), uint64(len(name))
	if at+n >= uint64(len(b)) || string(b[at:at+n]) != name {
		return false
	}
	if b[at+n] == 0 && len(Essential(name)) == len(name) {
		return true // as nearly always
	}
	whole, _ := t.strs.bytes(uint32(at))
	return string(essential(whole)) == name
}

// begins says whether the string at off, which there is, begins with name.
func (t *Types) begins(off uint32, name string) bool {
	for off < t.strBase {
		t = t.base
	}
	b, at := t.strs.data, uint64(off-t.strBase)
	return at+uint64(len(name)) <= uint64(len(b)) && string(b[at:at+uint64(len(name))]) == name
}
