package spec

import "github.com/bpfhost/bpfhost/core/btf"

// ContextType returns the struct that a program's only parameter points to, and its name without a
// flavour; 0 if that is not known.
func ContextType(t *btf.Types, p *Program) (btf.ID, string) {
	if t == nil || p.Insns.Len() == 0 {
		return 0, ""
	}
	f := p.Insns.At(0).Func
	if f == nil {
		return 0, ""
	}
	fn, _ := typeOf[*btf.Func](t, f.Type)
	if fn == nil {
		return 0, ""
	}
	proto, _ := typeOf[*btf.FuncProto](t, fn.Type)
	if proto == nil || len(proto.Params) == 0 {
		return 0, ""
	}
	ptr, _ := typeOf[*btf.Pointer](t, t.Strip(proto.Params[0].Type))
	if ptr == nil {
		return 0, ""
	}
	id := t.Strip(ptr.Type)
	s, _ := typeOf[*btf.Struct](t, id)
	if s == nil {
		return 0, ""
	}
	return id, btf.Essential(s.Name)
}

// typeOf returns a type of that Go type, or false.
func typeOf[T btf.Type](t *btf.Types, id btf.ID) (T, bool) {
	typ, err := t.Type(id)
	var none T
	if err != nil {
		return none, false
	}
	v, ok := typ.(T)
	return v, ok
}
