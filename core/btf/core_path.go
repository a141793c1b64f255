package btf

import (
	"fmt"
	"strconv"
	"strings"
)

// CorePath says what a CO-RE relocation is about, in the words of the program's own types: the root,
// "struct task_struct", and what of it, "comm[3]" or the name of an enumerator. The path is empty where the
// type itself is meant. The error wraps ErrCoreKind, ErrAccess or ErrID.
func (t *Types) CorePath(r CoreRelo) (root, path string, err error) {
	var a access
	if err := a.read(t, &r); err != nil {
		return "", "", err
	}
	return t.TypeName(r.Type), a.path(), nil
}

// path writes the access from the root as C does: "comm[3]", or the name of an enumerator.
func (a *access) path() string {
	var b strings.Builder
	for i, s := range a.steps {
		switch {
		case s.member:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(a.types.str(s.text))
		case i > 0 || s.index > 0:
			b.WriteString("[" + strconv.Itoa(int(s.index)) + "]")
		}
	}
	return b.String()
}

// location says where the access ends, "4 bytes at 16", of a bit-field "3 bits at 16:1".
func (s *accessSpec) location() string {
	switch at := s.bits + uint64(s.end.shift); {
	case s.last.member && s.end.width > 0:
		return fmt.Sprintf("%d bits at %d:%d", s.end.width, at/8, at%8)
	case s.end.err != nil:
		return fmt.Sprintf("at %d", s.bits/8)
	}
	return fmt.Sprintf("%d bytes at %d", s.end.size, s.bits/8)
}

// String writes the access with its root: "struct task_struct.comm[3]", "enum state::RUNNING".
func (a *access) String() string {
	root, path := a.types.TypeName(a.root), a.path()
	_, r := a.types.strip(a.root)
	switch {
	case path == "" || path[0] == '[':
		return root + path
	case r.kind().Enum():
		return root + "::" + path
	}
	return root + "." + path
}
