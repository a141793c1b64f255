package elflink

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
)

// agree checks that two mentions of a name in different objects mean the same, by the rules of libbpf's
// linker: a variable is in one section, and types have the same shape. Typedefs, modifiers, signs of integers,
// values of enums and lengths of arrays do not count; of what pointers lead to only the names do.
func agree(a, b *global) error {
	if a.decl == 0 || b.decl == 0 {
		return nil
	}
	x, err := a.in.types.Type(a.decl)
	if err != nil {
		return err
	}
	y, err := b.in.types.Type(b.decl)
	if err != nil {
		return err
	}
	if x.Kind() != y.Kind() {
		return linkError("%q is a %v here and a %v in %s", object.Show(b.name), y.Kind(), x.Kind(), a.in.name)
	}
	if a.in.isMap(a.decl) || b.in.isMap(b.decl) {
		return agreeMaps(a, b)
	}
	if s, t := b.in.sectionOf[b.decl], a.in.sectionOf[a.decl]; s != t && s != "" && t != "" {
		return linkError("%q is in section %s here and in %s in %s", object.Show(b.name), object.Show(s), object.Show(t), a.in.name)
	}
	same, err := sameShape(a.in.types, a.decl, b.in.types, b.decl)
	if err != nil {
		return linkError("%q, also in %s: %w", object.Show(b.name), a.in.name, err)
	}
	if !same {
		return linkError("%q is %s here and %s in %s", object.Show(b.name), object.Show(b.in.declared(y)), object.Show(a.in.declared(x)), a.in.name)
	}
	return nil
}

// declared returns the type of a function or variable as text.
func (in *input) declared(t btf.Type) string {
	switch t := t.(type) {
	case *btf.Var:
		return in.types.TypeName(in.types.Strip(t.Type))
	case *btf.Func:
		return in.types.TypeName(t.Type)
	}
	return ""
}

// shapes compares types of two tables.
type shapes struct {
	a, b *btf.Types
	work []shapePair
	seen map[shapePair]bool
}

// shapePair are two types that have to have the same shape; exact says that members count.
type shapePair struct {
	a, b  btf.ID
	exact bool
}

// maxShapes bounds the pairs of types of one comparison.
const maxShapes = 1 << 16

// sameShape compares two variables or functions. It does not recurse, whatever the types.
func sameShape(a *btf.Types, x btf.ID, b *btf.Types, y btf.ID) (bool, error) {
	s := shapes{a: a, b: b, work: []shapePair{{x, y, true}}, seen: make(map[shapePair]bool)}
	for len(s.work) > 0 {
		p := s.work[len(s.work)-1]
		s.work = s.work[:len(s.work)-1]
		p.a, p.b = a.Strip(p.a), b.Strip(p.b)
		if s.seen[p] {
			continue
		}
		s.seen[p] = true
		if len(s.seen) > maxShapes {
			return false, fmt.Errorf("its types are made of more than %d others and cannot be compared", maxShapes)
		}
		if !s.step(p) {
			return false, nil
		}
	}
	return true, nil
}

func (s *shapes) add(a, b btf.ID, exact bool) bool {
	s.work = append(s.work, shapePair{a, b, exact})
	return true
}

// step compares one pair and adds what it is made of.
func (s *shapes) step(p shapePair) bool {
	x, err := s.a.Type(p.a)
	if err != nil {
		return false
	}
	y, err := s.b.Type(p.b)
	if err != nil || !named(p, s) {
		return false
	}
	if x.Kind() != y.Kind() {
		return !p.exact && (isForward(x, y) || isForward(y, x))
	}
	switch x := x.(type) {
	case *btf.Int:
		return x.Size == y.(*btf.Int).Size
	case *btf.Float:
		return x.Size == y.(*btf.Float).Size
	case *btf.Enum:
		return x.Size == y.(*btf.Enum).Size
	case *btf.Pointer:
		return s.add(x.Type, y.(*btf.Pointer).Type, false)
	case *btf.Array:
		return s.add(x.Type, y.(*btf.Array).Type, p.exact)
	case *btf.Var:
		return s.add(x.Type, y.(*btf.Var).Type, p.exact)
	case *btf.Func:
		return s.add(x.Type, y.(*btf.Func).Type, p.exact)
	case *btf.FuncProto:
		return s.protos(x, y.(*btf.FuncProto), p.exact)
	case *btf.Struct:
		return !p.exact || s.members(x, y.(*btf.Struct))
	}
	return true
}

// named compares the names of types that have one that counts.
func named(p shapePair, s *shapes) bool {
	switch s.a.Kind(p.a) {
	case btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64, btf.KindFwd, btf.KindFunc, btf.KindVar:
		return s.a.Name(p.a) == s.b.Name(p.b)
	}
	return true
}

// isForward reports whether x declares what y is.
func isForward(x, y btf.Type) bool {
	f, ok := x.(*btf.Fwd)
	s, full := y.(*btf.Struct)
	return ok && full && f.Union == s.Union
}

func (s *shapes) protos(x, y *btf.FuncProto, exact bool) bool {
	if len(x.Params) != len(y.Params) {
		return false
	}
	for i := range x.Params {
		s.add(x.Params[i].Type, y.Params[i].Type, exact)
	}
	return s.add(x.Return, y.Return, exact)
}

func (s *shapes) members(x, y *btf.Struct) bool {
	if x.Size != y.Size || len(x.Members) != len(y.Members) {
		return false
	}
	for i, m := range x.Members {
		o := y.Members[i]
		if m.Name != o.Name || m.Offset != o.Offset || m.BitSize != o.BitSize {
			return false
		}
		s.add(m.Type, o.Type, true)
	}
	return true
}
