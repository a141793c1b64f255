package btf

import "fmt"

// Tails are what records have after the fields that this package knows: as many bytes for each
// record of a section.
type Tails struct {
	Size  uint32 // bytes per record, a multiple of 4
	Bytes []byte // of all records, in their order
}

// of returns the tail of the nth record, zeroes if it has none.
func (t Tails) of(n int, size uint32) []byte {
	tail := make([]byte, size)
	if at := n * int(t.Size); at < len(t.Bytes) {
		copy(tail, t.Bytes[at:min(at+int(t.Size), len(t.Bytes))])
	}
	return tail
}

// Remap puts new ids in the place of old ones, as Builder.AddAll, Merge and Dedup return them. The
// error wraps ErrID.
func (e *Ext) Remap(ids []ID) error {
	for i := range e.Sections {
		s := &e.Sections[i]
		for j := range s.Funcs {
			if err := remap(&s.Funcs[j].Type, ids); err != nil {
				return fmt.Errorf("section %q: function %d: %w", s.Name, j, err)
			}
		}
		for j := range s.Relos {
			if err := remap(&s.Relos[j].Type, ids); err != nil {
				return fmt.Errorf("section %q: relocation %d: %w", s.Name, j, err)
			}
		}
	}
	return nil
}

func remap(id *ID, ids []ID) error {
	if int(*id) >= len(ids) {
		return fmt.Errorf("%w: %d of %d", ErrID, *id, len(ids))
	}
	*id = ids[*id]
	return nil
}

// BytesExt writes the types as Bytes does, and the .BTF.ext that belongs to them: strings of both
// are in the .BTF. Ids in e are those of this Builder (see Remap). Tails of records are kept as
// they are. The error wraps ErrBuild.
func (b *Builder) BytesExt(e *Ext) (types, ext []byte, err error) {
	enc, err := b.encode(false)
	if err != nil {
		return nil, nil, err
	}
	w := extWriter{e: enc, out: &encoder{big: enc.big}}
	for i, part := range extParts {
		size := part.size + uint64(tailSize(e, i))
		begin := len(w.out.out)
		w.out.words(uint32(size))
		for j := range e.Sections {
			if err := w.section(&e.Sections[j], i, uint32(size-part.size)); err != nil {
				return nil, nil, fmt.Errorf("write %s of %q: %w", part.name, e.Sections[j].Name, err)
			}
		}
		if len(w.out.out) == begin+4 {
			w.out.out = w.out.out[:begin] // nothing of this kind
		}
		w.bounds = append(w.bounds, uint32(begin), uint32(len(w.out.out)-begin))
	}
	head := &encoder{big: enc.big}
	head.words(enc.magic())
	head.words(append([]uint32{extHeaderSize}, w.bounds...)...)
	return enc.blob(nil), append(head.out, w.out.out...), nil
}

// extHeaderSize is the size of struct btf_ext_header with the part of CO-RE, in bytes.
const extHeaderSize = 32

// tailSize is how long the tails of one kind of records are, which is the same for all sections.
func tailSize(e *Ext, part int) uint32 {
	n := uint32(0)
	for i := range e.Sections {
		n = max(n, e.Sections[i].tails(part).Size)
	}
	return n
}

// tails returns the tails of one kind of records.
func (s *ExtSection) tails(part int) *Tails {
	return [...]*Tails{&s.FuncTails, &s.LineTails, &s.ReloTails}[part]
}

// extWriter writes the records of sections.
type extWriter struct {
	e      *encoder // has the strings
	out    *encoder // has the records
	bounds []uint32
}

// section writes the records of one kind of a section.
func (w *extWriter) section(s *ExtSection, part int, tail uint32) error {
	n := [...]int{len(s.Funcs), len(s.Lines), len(s.Relos)}[part]
	if n == 0 {
		return nil
	}
	name, err := w.e.str(s.Name)
	if err != nil {
		return err
	}
	if tail%4 != 0 || name == 0 {
		return fmt.Errorf("%w: tails of %d bytes", ErrBuild, tail)
	}
	w.out.words(name, uint32(n))
	for i := range n {
		switch part {
		case 0:
			w.out.words(s.Funcs[i].Slot*8, uint32(s.Funcs[i].Type))
		case 1:
			err = w.line(&s.Lines[i])
		case 2:
			var access uint32
			access, err = w.e.str(s.Relos[i].Access)
			w.out.words(s.Relos[i].Slot*8, uint32(s.Relos[i].Type), access, uint32(s.Relos[i].Kind))
		}
		if err != nil {
			return err
		}
		if tail > 0 {
			w.out.out = append(w.out.out, s.tails(part).of(i, tail)...)
		}
	}
	return nil
}

func (w *extWriter) line(l *LineInfoAt) error {
	file, err := w.e.str(l.File())
	if err != nil {
		return err
	}
	text, err := w.e.str(l.Text())
	if err != nil {
		return err
	}
	if l.LineInfo.Line >= 1<<22 || l.Col >= 1<<10 {
		return fmt.Errorf("%w: line %d, column %d", ErrBuild, l.LineInfo.Line, l.Col)
	}
	w.out.words(l.Slot*8, file, text, l.LineInfo.Line<<10|l.Col)
	return nil
}
