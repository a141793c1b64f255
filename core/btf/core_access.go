package btf

import (
	"fmt"
	"strconv"
)

// maxAccess is how many indexes an access string may have.
const maxAccess = 64

// parseAccess reads "0:1:2" and appends the indexes.
func parseAccess(indexes []uint32, s string) ([]uint32, error) {
	n, digits := uint64(0), 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i < len(s) && s[i] >= '0' && s[i] <= '9':
			n = min(n*10+uint64(s[i]-'0'), 1<<31)
			digits++
		case digits == 0 || n == 1<<31 || i < len(s) && s[i] != ':':
			return nil, fmt.Errorf("%w: %.64q", ErrAccess, s)
		case len(indexes) == maxAccess:
			return nil, fmt.Errorf("%w: more than %d indexes", ErrAccess, maxAccess)
		default:
			indexes = append(indexes, uint32(n))
			n, digits = 0, 0
		}
	}
	return indexes, nil
}

// access is the access spec of a relocation within the program's own types, with the steps from the
// root type to a field or to one enumerator of an enum; a type alone has none.
type access struct {
	accessSpec
	steps []namedStep
}

// namedStep is a step with the name that targets have it under: of a member all of it, of an
// enumerator the essential part.
type namedStep struct {
	step
	name string
	text uint32 // where the whole name is among the strings
	to   *field // of a member
}

// read understands a relocation.
func (a *access) read(t *Types, r *CoreRelo) error {
	if r.Kind > lastCoreKind {
		return fmt.Errorf("%w: %d", ErrCoreKind, uint32(r.Kind))
	}
	var memory [maxAccess]uint32
	indexes, err := parseAccess(memory[:0], r.Access)
	if err != nil {
		return err
	}
	if err := t.checkID(uint32(r.Type)); err != nil {
		return err
	}
	a.accessSpec = accessSpec{types: t, root: r.Type}
	switch {
	case r.Kind.Field():
		return a.field(indexes)
	case len(indexes) != 1:
		return fmt.Errorf("%w: %q has too many indexes for %v", ErrAccess, r.Access, r.Kind)
	case r.Kind.Enumval():
		return a.enumerator(indexes[0])
	case indexes[0] != 0:
		return fmt.Errorf("%w: %q is not 0, which %v has", ErrAccess, r.Access, r.Kind)
	}
	return nil
}

// enumerator takes an enumerator of the root by index.
func (a *access) enumerator(n uint32) error {
	id, r := a.types.strip(a.root)
	if !r.kind().Enum() || n >= uint32(r.vlen()) {
		return fmt.Errorf("%w: value %d of %s", ErrAccess, n, a.types.TypeName(a.root))
	}
	name := a.types.enumName(r, int(n))
	a.last = step{in: id, index: n, member: true}
	a.bits = a.types.coreEnumValue(r, int(n))
	a.steps = []namedStep{{step: a.last, name: Essential(a.types.str(name)), text: name}}
	return nil
}

// field goes to a field by the indexes of members and elements.
func (a *access) field(indexes []uint32) error {
	a.steps = make([]namedStep, 0, len(indexes))
	if err := a.index(newMemberField(a.types, member{typ: a.root}), indexes[0]); err != nil {
		return err
	}
	named := true // what the last index led to
	for _, n := range indexes[1:] {
		named = true
		switch r := a.end.typ; {
		case r.kind().Composite() && n < uint32(r.vlen()):
			m := a.types.member(r, int(n))
			if err := a.types.checkName(m.name); err != nil {
				return fmt.Errorf("name of a member: %w", err)
			}
			to := newMemberField(a.types, m)
			if named = !a.types.nameless(m.name); named {
				a.last = step{in: a.end.id, index: n, member: true}
				a.steps = append(a.steps, namedStep{a.last, a.types.str(m.name), m.name, to})
			}
			a.bits += uint64(m.offset)
			a.end = to
		case a.has(n):
			if err := a.index(a.end.element(a.types), n); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: index %d of %s", ErrAccess, n, a.types.TypeName(a.end.id))
		}
	}
	if !named {
		return fmt.Errorf("%w: it ends at a member without a name", ErrAccess)
	}
	return nil
}

// index steps to the nth element.
func (a *access) index(to *field, n uint32) error {
	err := a.element(to, n)
	a.steps = append(a.steps, namedStep{step: a.last})
	return err
}

// lastName names what the access ends at.
func (a *access) lastName() string {
	for i := len(a.steps) - 1; i >= 0; i-- {
		if s := &a.steps[i]; s.member {
			return strconv.Quote(a.types.str(s.text))
		}
	}
	return "element"
}
