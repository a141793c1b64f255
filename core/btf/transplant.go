package btf

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// parts says where the records of a kind have names and ids, besides the first word, which is a name, and
// the third, of which Kind.refers tells.
type parts struct {
	fixed uint8 // how many words behind the third are ids
	step  uint8 // words per element, 0 if elements have neither names nor ids
	name  bool  // the first word of an element is a name
	id    int8  // which word of an element is an id, -1 for none
}

// partsOf has the kinds that this package knows. It is never changed.
var partsOf = [lastKind + 1]parts{
	KindArray:     {fixed: 2},
	KindStruct:    {step: 3, name: true, id: 1},
	KindUnion:     {step: 3, name: true, id: 1},
	KindEnum:      {step: 2, name: true, id: -1},
	KindFuncProto: {step: 2, name: true, id: 1},
	KindDatasec:   {step: 3, id: 0},
	KindEnum64:    {step: 3, name: true, id: -1},
}

// transplant writes records of one table for another, with other ids and strings.
type transplant struct {
	e    *encoder
	t    *Types
	ids  []ID      // new ids by old ones
	strs offsetMap // new offsets by old ones
	keep uint32    // strings below this offset have the same one in both tables
}

// str gives the new offset of a string.
func (p *transplant) str(off uint32) (uint32, error) {
	if off < p.keep || off == 0 {
		return off, nil
	}
	if to, ok := p.strs.get(off); ok {
		return to, nil
	}
	b, ok := p.t.nameBytes(off)
	if !ok {
		return 0, fmt.Errorf("%w (%#x)", ErrString, off)
	}
	to, err := p.e.bytes(b)
	if err == nil {
		p.strs.put(off, to)
	}
	return to, err
}

// id gives the new id of a type.
func (p *transplant) id(old uint32) (uint32, error) {
	if uint64(old) >= uint64(len(p.ids)) {
		return 0, fmt.Errorf("%w: %d of %d", ErrID, old, len(p.ids))
	}
	return uint32(p.ids[old]), nil
}

// copy writes one type.
func (p *transplant) copy(id ID) error {
	t := p.t.owner(id)
	r, _ := t.at(t.offset(id))
	k := r.kind()
	if k > lastKind {
		return fmt.Errorf("copy type %d: %w: %v", id, ErrBuild, k)
	}
	name, err := p.str(r.name)
	if err != nil {
		return fmt.Errorf("copy type %d: name: %w", id, err)
	}
	word := r.word
	if k.refers() {
		if word, err = p.id(word); err != nil {
			return fmt.Errorf("copy type %d: %w", id, err)
		}
	}
	begin := len(p.e.out)
	p.e.words(name, r.info, word)
	if err := p.body(r); err != nil {
		p.e.out = p.e.out[:begin]
		return fmt.Errorf("copy type %d: %w", id, err)
	}
	return nil
}

// body writes what follows the three words that each record begins with.
func (p *transplant) body(r record) error {
	at, w := partsOf[r.kind()], len(r.body)/4
	begin := len(p.e.out)
	p.e.out = append(p.e.out, r.body...)
	out := p.e.out[begin:]
	swap := p.t.big != p.e.big
	if at == (parts{}) && !swap {
		return nil
	}
	for i, in := 0, 0; i < w; i++ {
		var err error
		v := p.t.word(r, i)
		switch {
		case i < int(at.fixed), at.step != 0 && in == int(at.id):
			v, err = p.id(v)
		case at.name && in == 0:
			v, err = p.str(v)
		case !swap:
			if in++; in >= int(at.step) {
				in = 0
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("word %d: %w", i+3, err)
		}
		if in++; in >= int(at.step) {
			in = 0
		}
		if p.e.big {
			v = bits.ReverseBytes32(v)
		}
		binary.LittleEndian.PutUint32(out[4*i:], v)
	}
	return nil
}
