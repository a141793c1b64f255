package object

import (
	"fmt"
	"strings"
)

// stringTable is a section of NUL-terminated strings. Names that it returns share its memory, and
// finding the end of one takes constant time: many symbols may share one very long name.
type stringTable struct {
	text   string
	next   []uint32 // by block: where the first NUL at or after the block's start is
	budget uint64   // name bytes that may still be returned
}

const stringBlock = 256

// stringTable copies a string table. Its budget bounds the work that aliased names can cause to a
// multiple of its size.
func (f *File) stringTable(s *Section) (*stringTable, error) {
	if t := f.names[s.Index]; t != nil {
		return t, nil
	}
	b, err := f.Bytes(s)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || b[len(b)-1] != 0 {
		return nil, s.Errorf(uint64(len(b)), "string table does not end with a NUL")
	}
	t := &stringTable{text: string(b), budget: 1<<20 + 32*uint64(len(b))}
	t.next = make([]uint32, (len(b)+stringBlock-1)/stringBlock)
	end := len(b)
	for i := len(t.next) - 1; i >= 0; i-- {
		from := i * stringBlock
		if n := strings.IndexByte(t.text[from:min(from+stringBlock, end)], 0); n >= 0 {
			t.next[i] = uint32(from + n)
		} else {
			t.next[i] = t.next[i+1]
		}
	}
	if f.names == nil {
		f.names = make(map[uint32]*stringTable)
	}
	f.names[s.Index] = t
	return t, nil
}

// at returns the string that starts at an offset.
func (t *stringTable) at(off uint32) (string, error) {
	if uint64(off) >= uint64(len(t.text)) {
		return "", fmt.Errorf("offset %#x is outside the string table of %d bytes", off, len(t.text))
	}
	block := int(off) / stringBlock
	end := int(t.next[block])
	if end < int(off) {
		if n := strings.IndexByte(t.text[off:min((block+1)*stringBlock, len(t.text))], 0); n >= 0 {
			end = int(off) + n
		} else {
			end = int(t.next[block+1])
		}
	}
	n := uint64(end) - uint64(off)
	if n > t.budget {
		return "", fmt.Errorf("names overlap too much")
	}
	t.budget -= n
	return t.text[off:end], nil
}
