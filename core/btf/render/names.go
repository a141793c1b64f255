package render

import (
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

// names assigns types names that C tells apart. Tags (struct, union, enum) and identifiers
// (typedefs, enumerators) do not meet.
type names struct {
	tags, idents taken
	assigned     byID[uint32] // 0 for none yet, 1 for the name as it is written, others are an index in changed + 2
	changed      []string
	firsts       map[tagKey]first
}

// tagKey is the keyword and name of a struct, union or enum.
type tagKey struct{ keyword, name string }

// first is the name that the first struct of a name has, and forward declarations of it.
type first struct {
	name    string
	claimed bool // by a struct; until then only by forward declarations
}

// taken counts the uses of names.
type taken map[string]int

// newNames makes names for a table. Tags and identifiers are how many there may be.
func newNames(t *btf.Types, tags, idents int) names {
	return names{
		tags: make(taken, tags), idents: make(taken, idents),
		assigned: newByID[uint32](t), firsts: make(map[tagKey]first, tags),
	}
}

// unique returns name, or name___2 and so on if it was returned before.
func (t taken) unique(name string) string {
	n := t[name]
	t[name] = n + 1
	if n == 0 {
		return name
	}
	for n++; ; n++ {
		if next := name + "___" + strconv.Itoa(n); t[next] == 0 {
			t[next], t[name] = 1, n
			return next
		}
	}
}

// lookup returns the name of a type, if it has one.
func (n *names) lookup(id btf.ID, name string) (string, bool) {
	switch g := *n.assigned.at(id); g {
	case 0:
		return "", false
	case 1:
		return name, true
	default:
		return n.changed[g-2], true
	}
}

// assign remembers the name of a type.
func (n *names) assign(id btf.ID, name, given string) {
	if name == given {
		*n.assigned.at(id) = 1
		return
	}
	n.changed = append(n.changed, given)
	*n.assigned.at(id) = uint32(len(n.changed)) + 1
}

// tag names a struct, union or enum.
func (n *names) tag(id btf.ID, keyword, name string) string {
	if s, ok := n.lookup(id, name); ok {
		return s
	}
	key := tagKey{keyword, name}
	f, ok := n.firsts[key]
	s := f.name
	if !ok || f.claimed {
		s = n.tags.unique(identifier(name))
	}
	if !f.claimed {
		n.firsts[key] = first{s, true}
	}
	n.assign(id, name, s)
	return s
}

// fwdTag names a forward declaration as the first struct of its name.
func (n *names) fwdTag(keyword, name string) string {
	key := tagKey{keyword, name}
	f, ok := n.firsts[key]
	if !ok {
		f = first{name: n.tags.unique(identifier(name))}
		n.firsts[key] = f
	}
	return f.name
}

// ident names a typedef, function or variable.
func (n *names) ident(id btf.ID, name string) string {
	s, ok := n.lookup(id, name)
	if !ok {
		s = n.idents.unique(identifier(name))
		n.assign(id, name, s)
	}
	return s
}

// enumerator names a value.
func (n *names) enumerator(name string) string { return n.idents.unique(identifier(name)) }

// identifier makes a C identifier of a name.
func identifier(name string) string {
	ok := name != "" && !(name[0] >= '0' && name[0] <= '9')
	for i := 0; ok && i < len(name); i++ {
		ok = wordByte(name[i])
	}
	if ok && !keyword(name) {
		return name
	}
	var b strings.Builder
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		b.WriteByte('_')
	}
	for i := range len(name) {
		if wordByte(name[i]) {
			b.WriteByte(name[i])
		} else {
			b.WriteByte('_')
		}
	}
	if keyword(name) {
		b.WriteByte('_')
	}
	return b.String()
}

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// keyword says whether a name is a word of C, or something that clang defines itself for BPF with
// another size.
func keyword(name string) bool {
	switch name {
	case "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern", "float", "for",
		"goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof", "static", "struct",
		"switch", "typedef", "union", "unsigned", "void", "volatile", "while", "asm", "typeof", "_Bool", "_Complex", "_Imaginary",
		"_Alignas", "_Alignof", "_Atomic", "_Generic", "_Noreturn", "_Static_assert", "_Thread_local", "__int128",
		"__builtin_va_list", "__builtin_offsetof", "__attribute__", "__asm__", "__volatile__":
		return true
	}
	return false
}
