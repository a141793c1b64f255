package elflink

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
)

// renumber returns a copy of a type whose references went through id. Kinds that are not known come
// back as nil.
func renumber(t btf.Type, id func(btf.ID) btf.ID) btf.Type {
	switch t := t.(type) {
	case *btf.Int, *btf.Enum, *btf.Fwd, *btf.Float:
		return t
	case *btf.Pointer:
		return &btf.Pointer{Type: id(t.Type)}
	case *btf.Array:
		return &btf.Array{Type: id(t.Type), Index: id(t.Index), Count: t.Count}
	case *btf.Struct:
		c := *t
		c.Members = slices.Clone(t.Members)
		for i := range c.Members {
			c.Members[i].Type = id(c.Members[i].Type)
		}
		return &c
	case *btf.FuncProto:
		c := btf.FuncProto{Return: id(t.Return), Params: slices.Clone(t.Params)}
		for i := range c.Params {
			c.Params[i].Type = id(c.Params[i].Type)
		}
		return &c
	case *btf.Datasec:
		c := *t
		c.Vars = slices.Clone(t.Vars)
		for i := range c.Vars {
			c.Vars[i].Type = id(c.Vars[i].Type)
		}
		return &c
	}
	return renumberOne(t, id)
}

// renumberOne is renumber for types that refer to one other.
func renumberOne(t btf.Type, id func(btf.ID) btf.ID) btf.Type {
	switch t := t.(type) {
	case *btf.Typedef:
		return &btf.Typedef{Name: t.Name, Type: id(t.Type)}
	case *btf.Volatile:
		return &btf.Volatile{Type: id(t.Type)}
	case *btf.Const:
		return &btf.Const{Type: id(t.Type)}
	case *btf.Restrict:
		return &btf.Restrict{Type: id(t.Type)}
	case *btf.Func:
		return &btf.Func{Name: t.Name, Type: id(t.Type), Linkage: t.Linkage}
	case *btf.Var:
		return &btf.Var{Name: t.Name, Type: id(t.Type), Linkage: t.Linkage}
	case *btf.DeclTag:
		c := *t
		c.Type = id(t.Type)
		return &c
	case *btf.TypeTag:
		c := *t
		c.Type = id(t.Type)
		return &c
	}
	return nil
}
