package btf

import "fmt"

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
	e     *encoder
	t     *Types
	ids   []ID      // new ids by old ones
	some  *subset   // instead of ids
	strs  offsetMap // new offsets by old ones
	keep  uint32    // strings below this offset have the same one in both tables
	plain bool      // strings are copied as they are, without looking for equal ones
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
	var to uint32
	var err error
	switch {
	case len(b) == 0:
	case p.plain:
		to, err = appendString(p.e, b)
	default:
		to, err = p.e.bytes(b)
	}
	if err == nil {
		p.strs.put(off, to)
	}
	return to, err
}

// id gives the new id of a type.
func (p *transplant) id(old uint32) (uint32, error) {
	if uint64(old) >= uint64(p.t.Len()) {
		return 0, fmt.Errorf("%w: %d of %d", ErrID, old, p.t.Len())
	}
	return uint32(p.known(ID(old))), nil
}

// known is id for one that there is.
func (p *transplant) known(old ID) ID {
	if p.some != nil {
		return p.some.id(old)
	}
	return p.ids[old]
}

// copyAll writes some types.
func (p *transplant) copyAll(list []ID) error {
	p.strs.slots = make([]offsetSlot, tableSize(2*len(list)))
	for _, id := range list {
		if err := p.copy(id); err != nil {
			return fmt.Errorf("encode type %d: %w", p.known(id), err)
		}
	}
	return nil
}

// copy writes one type.
func (p *transplant) copy(id ID) error {
	t := p.t.owner(id)
	r, n := t.at(t.offset(id))
	if r.kind() > lastKind {
		return fmt.Errorf("copy type %d: %w: %v", id, ErrBuild, r.kind())
	}
	begin := len(p.e.out)
	out := p.e.room(int(n))
	err := p.head(r, out)
	if err == nil && n > 12 {
		err = p.body(r, out[12:])
	}
	if err != nil {
		p.e.out = p.e.out[:begin]
		return fmt.Errorf("copy type %d: %w", id, err)
	}
	return nil
}

// head writes the three words that each record begins with.
func (p *transplant) head(r record, out []byte) error {
	name, err := p.str(r.name)
	if err != nil {
		return fmt.Errorf("name: %w", err)
	}
	word := r.word
	if r.kind().refers() {
		if word, err = p.id(word); err != nil {
			return err
		}
	}
	p.e.put(out, name)
	p.e.put(out[4:], r.info)
	p.e.put(out[8:], word)
	return nil
}

// body writes what follows.
func (p *transplant) body(r record, out []byte) error {
	in := r.body
	if p.t.big == p.e.big {
		copy(out, in)
	} else {
		for i := 0; i < len(in); i += 4 {
			p.e.put(out[i:], p.t.u32(in[i:]))
		}
	}
	at := &partsOf[r.kind()]
	for i := range int(at.fixed) {
		id, err := p.id(p.t.u32(in[4*i:]))
		if err != nil {
			return fmt.Errorf("word %d: %w", i+3, err)
		}
		p.e.put(out[4*i:], id)
	}
	if at.step > 0 {
		return p.elements(at, in, out)
	}
	return nil
}

// elements writes the names and ids of elements.
func (p *transplant) elements(at *parts, in, out []byte) error {
	size, idAt := 4*int(at.step), 4*int(at.id)
	for i := 0; i < len(in); i += size {
		from, to := in[i:i+size], out[i:i+size]
		if at.name {
			name, err := p.str(p.t.u32(from))
			if err != nil {
				return fmt.Errorf("word %d: %w", i/4+3, err)
			}
			p.e.put(to, name)
		}
		if idAt >= 0 {
			id, err := p.id(p.t.u32(from[idAt:]))
			if err != nil {
				return fmt.Errorf("word %d: %w", (i+idAt)/4+3, err)
			}
			p.e.put(to[idAt:], id)
		}
	}
	return nil
}
