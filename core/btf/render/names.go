package render

import (
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

// names gives types names that C tells apart. Tags (struct, union, enum) and identifiers (typedefs, enumerators) do not meet.
type names struct {
	tags, idents taken
	given        map[btf.ID]string
	firsts       map[string]first // by keyword and name
}

// first is the name that the first struct of a name has, and forward declarations of it.
type first struct {
	name    string
	claimed bool // by a struct; until then only by forward declarations
}

// taken counts the uses of names.
type taken map[string]int

func newNames() names {
	return names{tags: taken{}, idents: taken{}, given: map[btf.ID]string{}, firsts: map[string]first{}}
}

// unique gives name, or name___2 and so on if it was given before.
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

// tag names a struct, union or enum.
func (n *names) tag(id btf.ID, keyword, name string) string {
	if s, ok := n.given[id]; ok {
		return s
	}
	key := keyword + " " + name
	f := n.firsts[key]
	if f.name == "" || f.claimed {
		f.name = n.tags.unique(identifier(name))
	}
	if _, ok := n.firsts[key]; !ok || !n.firsts[key].claimed {
		n.firsts[key] = first{f.name, true}
	}
	n.given[id] = f.name
	return f.name
}

func (n *names) structTag(id btf.ID, s *btf.Struct) string {
	return n.tag(id, s.Kind().String(), s.Name)
}

// fwdTag names a forward declaration as the first struct of its name.
func (n *names) fwdTag(keyword, name string) string {
	key := keyword + " " + name
	f, ok := n.firsts[key]
	if !ok {
		f = first{name: n.tags.unique(identifier(name))}
		n.firsts[key] = f
	}
	return f.name
}

// ident names a typedef, function or variable.
func (n *names) ident(id btf.ID, name string) string {
	s, ok := n.given[id]
	if !ok {
		s = n.idents.unique(identifier(name))
		n.given[id] = s
	}
	return s
}

// enumerator names a value.
func (n *names) enumerator(name string) string { return n.idents.unique(identifier(name)) }

// memberName is a name of a member, which meets no other names.
func memberName(name string) string { return identifier(name) }

// identifier makes a C identifier of a name.
func identifier(name string) string {
	ok := name != "" && !(name[0] >= '0' && name[0] <= '9')
	for i := 0; ok && i < len(name); i++ {
		ok = wordByte(name[i])
	}
	if ok && !keywords[name] {
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
	if keywords[name] {
		b.WriteByte('_')
	}
	return b.String()
}

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// keywords are the words of C, and what clang defines itself for BPF with another size.
var keywords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`auto break case char const continue default do double else enum extern float for goto if
		inline int long register restrict return short signed sizeof static struct switch typedef union unsigned
		void volatile while asm typeof _Bool _Complex _Imaginary _Alignas _Alignof _Atomic _Generic _Noreturn
		_Static_assert _Thread_local __int128 __builtin_va_list __builtin_offsetof __attribute__ __asm__ __volatile__`) {
		m[w] = true
	}
	return m
}()
