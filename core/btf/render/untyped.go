package render

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
)

// dropUntyped removes from a struct, which the caller may change, the members that have no type in
// C.
func (l *layouts) dropUntyped(s *btf.Struct) {
	s.Members = slices.DeleteFunc(s.Members, func(m btf.Member) bool {
		return l.typeLayout(m.Type).size == 0 && isVoid(l.t, m.Type)
	})
}

// isVoid reports whether a member has no type, as methods of C++ have none (see btf.Types.Untyped).
func isVoid(t *btf.Types, id btf.ID) bool {
	for range maxNesting {
		if id = t.Strip(id); t.Kind(id) != btf.KindArray {
			return id == 0
		}
		id, _ = t.Ref(id, 0)
	}
	return false
}
