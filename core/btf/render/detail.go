package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

// detail is a type taken apart into texts that can be compared.
type detail struct{ parts []part }

// part is one thing that there is to say of a type.
type part struct{ part, name, text string }

// brief says what a type is in a few words.
func (d detail) brief() string {
	if len(d.parts) == 0 {
		return ""
	}
	return d.parts[0].text
}

// String is equal for types that are equal.
func (d detail) String() string {
	var b strings.Builder
	for _, p := range d.parts {
		b.WriteString(p.part + "\x00" + p.name + "\x00" + p.text + "\x00")
	}
	return b.String()
}

// maxCompared is how many parts of types a comparison may have; two kernels have 2 million.
const maxCompared = 32 << 20

// differ takes types apart.
type differ struct {
	left int   // parts
	err  error // the first one
}

func (d *differ) details(t *btf.Types, ids []btf.ID) []detail {
	list := make([]detail, 0, len(ids))
	for _, id := range ids {
		if typ, err := t.Type(id); err == nil && d.err == nil {
			list = append(list, detail{d.parts(t, typ)})
		}
	}
	return list
}

// parts takes a type apart.
func (d *differ) parts(t *btf.Types, typ btf.Type) []part {
	list := parts(t, typ)
	if s, ok := typ.(*btf.Struct); ok {
		inner, err := members(t, s)
		if err != nil && d.err == nil {
			d.err = fmt.Errorf("compare %s %s: %w", s.Kind(), s.Name, err)
		}
		list = append(list, inner...)
	}
	if d.left -= len(list) + 1; d.left < 0 && d.err == nil {
		d.err = fmt.Errorf("compare types: %w: there are more than %d members and values", ErrLimit, maxCompared)
	}
	return list
}

// parts takes a type apart, but for the members of structs.
func parts(t *btf.Types, typ btf.Type) []part {
	switch typ := typ.(type) {
	case *btf.Struct:
		return []part{{"size", "", bytesText(typ.Size)}}
	case *btf.Enum:
		list := []part{{"size", "", bytesText(typ.Size)}}
		for _, v := range typ.Values {
			text := strconv.FormatUint(v.Value, 10)
			if typ.Signed {
				text = strconv.FormatInt(int64(v.Value), 10)
			}
			list = append(list, part{"value", v.Name, text})
		}
		return list
	case *btf.Int:
		return []part{{"size", "", bytesText(typ.Size)}, {"encoding", "", typ.Encoding.String()}}
	case *btf.Float:
		return []part{{"size", "", bytesText(typ.Size)}}
	case *btf.Typedef:
		return []part{{"target", "", t.TypeName(typ.Type)}}
	case *btf.Func:
		return []part{{"signature", "", t.Declare(typ.Type, typ.Name)}}
	case *btf.Var:
		return []part{{"target", "", t.TypeName(typ.Type)}}
	}
	return nil
}

// maxParts is how many members of unnamed structs inside each other are told apart.
const maxParts = 1 << 16

// members lists the members of a struct and of the unnamed structs inside it, in the order of the
// text. The error wraps ErrLimit.
func members(t *btf.Types, s *btf.Struct) ([]part, error) {
	type frame struct {
		s      *btf.Struct
		next   int
		at     uint64 // bits
		prefix string
	}
	var list []part
	stack := []frame{{s: s}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(top.s.Members) {
			stack = stack[:len(stack)-1]
			continue
		}
		m := &top.s.Members[top.next]
		top.next++
		f := memberLayoutOf(t, m)
		at, name := top.at+f.offset, top.prefix+m.Name
		typ, _ := t.Type(t.Strip(m.Type))
		inner, _ := typ.(*btf.Struct)
		if m.Name != "" || inner == nil {
			list = append(list, part{"member", name, memberText(t, m, f, at)})
		}
		if len(list) > maxParts {
			return nil, fmt.Errorf("%w: it has more than %d members", ErrLimit, maxParts)
		}
		if inner != nil && (inner.Name == "" || m.Name == "") {
			if len(stack) == maxNesting {
				return nil, fmt.Errorf("%w: unnamed types are nested more than %d deep", ErrLimit, maxNesting)
			}
			prefix := top.prefix
			if m.Name != "" {
				prefix = name + "."
			}
			stack = append(stack, frame{s: inner, at: top.at + uint64(m.Offset), prefix: prefix})
		}
	}
	return list, nil
}

// memberText says what a member is and where: "u32 at 4", "u32 at 4 bits 3 to 11".
func memberText(t *btf.Types, m *btf.Member, f memberLayout, at uint64) string {
	text := t.TypeName(m.Type) + " at " + strconv.FormatUint(at/8, 10)
	if f.width > 0 {
		first := at % 8
		bit := strconv.FormatUint(first, 10)
		if f.width == 1 {
			return text + " bit " + bit
		}
		text += " bits " + bit + " to " + strconv.FormatUint(first+f.size-1, 10)
	}
	return text
}
