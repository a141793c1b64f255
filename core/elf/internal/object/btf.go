package object

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/bpfhost/bpfhost/internal/wire"
)

// Limits of what ReadBTF reads, in bytes: a kernel image has fifty sections, and types of 10 MB.
const (
	maxHeaders = 64 << 20
	maxBTF     = 256 << 20
)

// ReadBTF returns the sections .BTF and .BTF.base of an ELF file for any machine: an eBPF object, a
// kernel image, a kernel module. What the file does not have is nil. base is the distilled base
// that the types of a module go on from which was built apart from its kernel. Nothing else of the
// file is read, so it may be of any size. The error wraps ErrNotObject when the input is not an ELF
// file, and is a format error with section and offset when it is malformed.
func ReadBTF(r io.ReaderAt) (types, base []byte, err error) {
	head, err := readPart(r, 0, identifySize, identifySize)
	if err != nil {
		return nil, nil, err
	}
	if err := identify(head); err != nil {
		return nil, nil, err
	}
	f := &File{Data: head, Order: binary.LittleEndian}
	if head[5] == 2 {
		f.Order = binary.BigEndian
	}
	h, err := f.readHeader()
	if err != nil {
		return nil, nil, err
	}
	sections, strings, err := f.readTable(r, h)
	if err != nil {
		return nil, nil, err
	}
	names, err := readPart(r, sections[strings].Offset, sections[strings].Size, maxHeaders)
	if err != nil {
		return nil, nil, fmt.Errorf("section names: %w", err)
	}
	for name, to := range map[string]*[]byte{".BTF": &types, ".BTF.base": &base} {
		for i := range sections {
			s := &sections[i]
			if uint64(s.nameAt) >= uint64(len(names)) || !bytes.HasPrefix(names[s.nameAt:], []byte(name+"\x00")) {
				continue
			}
			if s.Name = name; s.Flags&FlagCompressed != 0 {
				return nil, nil, &wire.Error{Section: name, Err: errCompressed}
			}
			if *to, err = readPart(r, s.Offset, s.Size, maxBTF); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", name, err)
			}
			break
		}
	}
	return types, base, nil
}

// readTable reads the section headers of a file that is not in memory, and says which section has
// their names.
func (f *File) readTable(r io.ReaderAt, h header) (list []Section, strings uint32, err error) {
	const table = "section headers"
	first, err := readPart(r, h.sectionOffset, sectionHeaderSize, sectionHeaderSize)
	if err != nil || len(first) < sectionHeaderSize {
		return nil, 0, Errorf("ELF header", 40, "section headers at %#x are outside the file", h.sectionOffset)
	}
	zero := f.readSection(wire.New(table, f.Order, first), 0)
	count := uint64(h.count)
	if count == 0 {
		count = zero.Size
	}
	if h.strings == indexExtended {
		h.strings = zero.Link
	}
	if uint64(h.strings) >= count || count > maxHeaders/sectionHeaderSize {
		return nil, 0, Errorf("ELF header", 62, "section %d of %d does not hold the section names", h.strings, count)
	}
	b, err := readPart(r, h.sectionOffset, count*sectionHeaderSize, maxHeaders)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", table, err)
	}
	c := wire.New(table, f.Order, b)
	list = make([]Section, count)
	for i := range list {
		list[i] = f.readSection(c, uint32(i))
	}
	return list, h.strings, c.Err()
}

// readPart reads up to size bytes, at most limit; memory grows with what there is. Less is an
// error, but at the start of the file.
func readPart(r io.ReaderAt, at, size, limit uint64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("%d bytes are more than the limit of %d", size, limit)
	}
	if at > 1<<62 {
		return nil, fmt.Errorf("offset %#x: %w", at, wire.ErrTruncated)
	}
	b, err := io.ReadAll(io.NewSectionReader(r, int64(at), int64(size)))
	if err == nil && uint64(len(b)) < size && at != 0 {
		err = fmt.Errorf("%d of %d bytes at %#x: %w", len(b), size, at, wire.ErrTruncated)
	}
	return b, err
}
