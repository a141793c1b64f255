package render

import (
	"fmt"
	"strconv"

	"github.com/bpfhost/bpfhost/core/btf"
)

// shape finds out how Go lays out a struct: as bytes if members overlap.
func (g *goWriter) shape(s *btf.Struct) shape {
	out := shape{align: 1, bytes: s.Union}
	end := uint64(0)
	for i := range s.Members {
		m := &s.Members[i]
		f := fieldOf(g.t, m)
		if f.at < end || f.at+f.size > uint64(s.Size)*8 {
			out.bytes = true
		}
		end = f.at + f.size
		if f.width > 0 {
			continue
		}
		if a := g.alignOf(m.Type); f.at%(8*a) == 0 && uint64(s.Size)%a == 0 {
			out.align = max(out.align, uint8(a))
		}
	}
	return out
}

// alignOf gives the alignment in Go of a type whose structs are laid out.
func (g *goWriter) alignOf(id btf.ID) uint64 {
	h := header{t: g.t, shapes: g.shapes}
	return min(h.alignOf(id), 8)
}

// structWriter writes one struct.
type structWriter struct {
	*goWriter
	name  string
	names taken  // fields and methods
	end   uint64 // bytes that have been written
	views []func()
}

// structure writes a struct or union with its methods.
func (g *goWriter) structure(id btf.ID, s *btf.Struct) {
	w := &structWriter{goWriter: g, name: g.named[id], names: taken{"Data": 1}}
	fmt.Fprintf(&g.out, "// %s is %s.\ntype %s struct {\n", w.name, remark(g.t.TypeName(id)), w.name)
	shape := g.shapes[id]
	if shape.bytes {
		fmt.Fprintf(&g.out, "_ [0]uint%d\nData [%d]byte\n", 8*max(shape.align, 1), s.Size)
	}
	for i := 0; i < len(s.Members); i++ {
		m := &s.Members[i]
		f := fieldOf(g.t, m)
		switch {
		case f.at+f.size > uint64(s.Size)*8:
		case shape.bytes && f.width > 0:
			w.bitMethods(m, "Data", f.at, f)
		case shape.bytes:
			w.view(m, f, uint64(shape.align))
		case f.width > 0:
			i = w.bitFields(s, i) - 1
		default:
			w.field(m, f, uint64(s.Size))
		}
	}
	if !shape.bytes {
		w.pad(uint64(s.Size))
	}
	g.out.WriteString("}\n\n")
	for _, v := range w.views {
		v()
	}
	fmt.Fprintf(&g.asserts, "_ = [1]struct{}{}[unsafe.Sizeof(%s{})-%d]\n", w.name, s.Size)
}

func (w *structWriter) pad(to uint64) {
	if to > w.end {
		fmt.Fprintf(&w.out, "_ [%d]byte\n", to-w.end)
		w.end = to
	}
}

// memberGo names a member: those without a name by where they are.
func (w *structWriter) memberGo(m *btf.Member, f field) (name, typ string, size, align uint64) {
	c := m.Name
	if c == "" {
		c = "anon" + strconv.FormatUint(f.at/8, 10)
	}
	name = w.names.unique(goName(c))
	typ, size, align = w.goType(m.Type, w.name+"_"+goName(c))
	return name, typ, size, align
}

// field writes a member that is no bit-field.
func (w *structWriter) field(m *btf.Member, f field, total uint64) {
	name, typ, size, align := w.memberGo(m, f)
	at := f.at / 8
	w.pad(at)
	comment := remark(w.t.Declare(m.Type, m.Name))
	if size == 0 {
		fmt.Fprintf(&w.out, "// %s at %d\n", comment, at)
		return
	}
	w.end = at + size
	if at%align == 0 && total%align == 0 {
		fmt.Fprintf(&w.out, "%s %s // %s\n", name, typ, comment)
		fmt.Fprintf(&w.asserts, "_ = [1]struct{}{}[unsafe.Offsetof(%s{}.%s)-%d]\n", w.name, name, at)
		return
	}
	raw := w.names.unique("raw" + name)
	fmt.Fprintf(&w.out, "%s [%d]byte // %s\n", raw, size, comment)
	w.views = append(w.views, func() { w.copies(name, typ, raw+"[:]", size) })
}

// copies writes methods for a member that Go would align.
func (w *structWriter) copies(name, typ, data string, size uint64) {
	fmt.Fprintf(&w.out, "// %s reads a member without alignment.\nfunc (s *%s) %s() (v %s) {\ncopy((*[%d]byte)(unsafe.Pointer(&v))[:], s.%s)\nreturn v\n}\n\n",
		name, w.name, name, typ, size, data)
	set := w.names.unique("Set" + name)
	fmt.Fprintf(&w.out, "// %s sets it.\nfunc (s *%s) %s(v %s) { copy(s.%s, (*[%d]byte)(unsafe.Pointer(&v))[:]) }\n\n",
		set, w.name, set, typ, data, size)
}

// view writes the method for a member of a union.
func (w *structWriter) view(m *btf.Member, f field, have uint64) {
	name, typ, size, align := w.memberGo(m, f)
	if size == 0 {
		return
	}
	at := f.at / 8
	comment := remark(w.t.Declare(m.Type, m.Name))
	w.views = append(w.views, func() {
		if align > have || at%align != 0 {
			w.copies(name, typ, fmt.Sprintf("Data[%d:%d]", at, at+size), size)
			return
		}
		fmt.Fprintf(&w.out, "// %s views the bytes as %s.\nfunc (s *%s) %s() *%s { return (*%s)(unsafe.Pointer(&s.Data[%d])) }\n\n",
			name, comment, w.name, name, typ, typ, at)
	})
}

// bitFields writes the bytes of the bit-fields from the ith member on, and gives the next member.
func (w *structWriter) bitFields(s *btf.Struct, i int) int {
	first := fieldOf(w.t, &s.Members[i]).at / 8
	w.pad(first)
	first = max(first, w.end)
	data := w.names.unique("bits" + strconv.FormatUint(first, 10))
	for ; i < len(s.Members); i++ {
		f := fieldOf(w.t, &s.Members[i])
		if f.width == 0 || f.at/8 > w.end { // another gap
			break
		}
		w.end = max(w.end, (f.at+f.size+7)/8)
		w.bitMethods(&s.Members[i], data, f.at-first*8, f)
	}
	fmt.Fprintf(&w.out, "%s [%d]byte\n", data, w.end-first)
	return i
}

// bitMethods writes the methods of a bit-field that begins at a bit of data.
func (w *structWriter) bitMethods(m *btf.Member, data string, at uint64, f field) {
	if m.Name == "" || f.width > 64 {
		return
	}
	name, typ, _, _ := w.memberGo(m, f)
	set := w.names.unique("Set" + name)
	w.bits = true
	read := fmt.Sprintf("btfBits(s.%s[:], %d, %d)", data, at, f.width)
	get, put := typ+"("+read+")", "uint64(v)"
	switch {
	case typ == "bool":
		get, put = read+" != 0", "n"
	case typ[0] == '[':
		get, typ = read, "uint64"
	case w.signed(m.Type):
		get = fmt.Sprintf("%s(int64(%s<<%d) >> %d)", typ, read, 64-f.width, 64-f.width)
	}
	w.views = append(w.views, func() {
		fmt.Fprintf(&w.out, "// %s reads a bit-field of %d bits.\nfunc (s *%s) %s() %s { return %s }\n\n", name, f.width, w.name, name, typ, get)
		body := fmt.Sprintf("setBTFBits(s.%s[:], %d, %d, %s)", data, at, f.width, put)
		if typ == "bool" {
			body = "n := uint64(0)\nif v {\nn = 1\n}\n" + body
		}
		fmt.Fprintf(&w.out, "// %s sets it.\nfunc (s *%s) %s(v %s) {\n%s\n}\n\n", set, w.name, set, typ, body)
	})
}

func (w *structWriter) signed(id btf.ID) bool {
	switch typ, _ := w.t.Type(w.t.Strip(id)); typ := typ.(type) {
	case *btf.Int:
		return typ.Encoding&btf.IntSigned != 0
	case *btf.Enum:
		return typ.Signed
	}
	return false
}
