package btf

import (
	"encoding/binary"
	"fmt"
)

// references says where the records of a kind refer to names and types, besides the first word,
// which is a name, and the third, of which Kind.refers tells.
type references struct {
	fixed uint8 // how many words after the third are ids
	step  uint8 // words per element, 0 if elements have neither names nor ids
	name  bool  // the first word of an element is a name
	id    int8  // which word of an element is an id, -1 for none
}

// referencesOf has the kinds that this package knows. It is never changed.
var referencesOf = [lastKind + 1]references{
	KindArray:     {fixed: 2},
	KindStruct:    {step: 3, name: true, id: 1},
	KindUnion:     {step: 3, name: true, id: 1},
	KindEnum:      {step: 2, name: true, id: -1},
	KindFuncProto: {step: 2, name: true, id: 1},
	KindDatasec:   {step: 3, id: 0},
	KindEnum64:    {step: 3, name: true, id: -1},
}

// recordCopier writes records of one table for another, with other ids and strings.
type recordCopier struct {
	e    *encoder
	t    *Types
	ids  []ID    // new ids by old ones
	some *subset // instead of ids
	strs *stringMap
}

// known returns the new id of a type that there is.
func (p *recordCopier) known(old ID) ID {
	if p.some != nil {
		return p.some.id(old)
	}
	return p.ids[old]
}

// copyAll writes some types, of which the strings are marked. Strings are not held against others
// if they are plain.
func (p *recordCopier) copyAll(list []ID, plain bool) error {
	if err := p.strs.copy(p.e, plain); err != nil {
		return err
	}
	for _, id := range list {
		if err := p.copy(id); err != nil {
			return fmt.Errorf("encode type %d: copy type %d: %w", p.known(id), id, err)
		}
	}
	return nil
}

// copy writes one type. The words are copied as they are, and then changed where they stand.
func (p *recordCopier) copy(id ID) error {
	t := p.t.owner(id)
	in, k := t.rawRecord(id)
	if k > lastKind {
		return fmt.Errorf("%w: %v", ErrBuild, k)
	}
	begin := len(p.e.out)
	out := p.e.room(len(in))
	copy(out, in)
	if t.big {
		swapWords(out)
	}
	if n, err := p.change(k, out); err != nil {
		p.e.out = p.e.out[:begin]
		return fmt.Errorf("word %d: %w", n, err)
	}
	if p.e.big {
		swapWords(out)
	}
	return nil
}

// swapWords changes the byte order of words.
func swapWords(b []byte) {
	for ; len(b) >= 4; b = b[4:] {
		binary.BigEndian.PutUint32(b, binary.LittleEndian.Uint32(b))
	}
}

// change writes new names and ids into a record of little-endian words. With an error it returns
// the number of the word.
func (p *recordCopier) change(k Kind, b []byte) (int, error) {
	if err := p.name(b); err != nil {
		return 0, err
	}
	if k.refers() {
		if err := p.id(b[8:]); err != nil {
			return 2, err
		}
	}
	at := &referencesOf[k]
	for i := 3; i < 3+int(at.fixed); i++ {
		if err := p.id(b[4*i:]); err != nil {
			return i, err
		}
	}
	if at.step == 0 {
		return 0, nil
	}
	size, idAt := 4*int(at.step), 4*int(at.id)
	for i := 12; i < len(b); i += size {
		w := b[i : i+size]
		if at.name {
			if err := p.name(w); err != nil {
				return i / 4, err
			}
		}
		if idAt >= 0 {
			if err := p.id(w[idAt:]); err != nil {
				return (i + idAt) / 4, err
			}
		}
	}
	return 0, nil
}

// name changes the offset of a string.
func (p *recordCopier) name(b []byte) error {
	off := binary.LittleEndian.Uint32(b)
	to, ok := p.strs.get(off)
	if !ok {
		return fmt.Errorf("%w (%#x)", ErrString, off)
	}
	binary.LittleEndian.PutUint32(b, to)
	return nil
}

// id changes the id of a type.
func (p *recordCopier) id(b []byte) error {
	old := binary.LittleEndian.Uint32(b)
	if uint64(old) >= uint64(p.t.Len()) {
		return fmt.Errorf("%w: %d of %d", ErrID, old, p.t.Len())
	}
	binary.LittleEndian.PutUint32(b, uint32(p.known(ID(old))))
	return nil
}
