package render

import (
	"fmt"
	"strconv"

	"github.com/bpfhost/bpfhost/core/btf"
)

// goLayout finds out how Go lays out a struct: as bytes if members overlap.
func (g *goWriter) goLayout(s *btf.Struct) structLayout {
	out := structLayout{align: 1, asBytes: s.Union}
	end := uint64(0)
	for i := range s.Members {
		m := &s.Members[i]
		f := g.memberLayout(m)
		if f.offset < end || f.offset+f.size > uint64(s.Size)*8 {
			out.asBytes = true
		}
		end = f.offset + f.size
		if f.width > 0 {
			continue
		}
		if a := g.goAlign(m.Type); f.offset%(8*a) == 0 && uint64(s.Size)%a == 0 {
			out.align = max(out.align, uint8(a))
		}
	}
	return out
}

// goAlign returns the alignment in Go of a type whose structs are laid out.
func (g *goWriter) goAlign(id btf.ID) uint64 {
	return min(uint64(g.typeLayout(id).align), 8)
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
	clear(g.members)
	g.fields = g.fields[:0]
	w := &structWriter{goWriter: g, name: g.named[id], names: g.members}
	layout := *g.structs.at(id)
	if layout.asBytes {
		g.members["Data"] = 1
		g.fields.add("_", fmt.Sprintf("[0]uint%d", 8*max(layout.align, 1)), "")
		g.fields.add("Data", bytesOf(uint64(s.Size)), "")
	}
	for i := 0; i < len(s.Members); i++ {
		m := &s.Members[i]
		f := w.memberLayout(m)
		switch {
		case f.offset+f.size > uint64(s.Size)*8:
		case layout.asBytes && f.width > 0:
			w.bitMethods(m, "Data", f.offset, f)
		case layout.asBytes:
			w.view(m, f, uint64(layout.align))
		case f.width > 0:
			i = w.bitFields(s, i) - 1
		default:
			w.field(m, f, uint64(s.Size))
		}
	}
	if !layout.asBytes {
		w.pad(uint64(s.Size))
	}
	g.texts("\n// ", w.name, " is ", commentText(g.t.TypeName(id)), ".\ntype ", w.name, " struct {\n")
	g.writeRows(g.fields)
	g.text("}\n")
	for _, v := range w.views {
		v()
	}
	g.assert("Sizeof", w.name, "", uint64(s.Size))
}

// bytesOf is the type of n bytes.
func bytesOf(n uint64) string { return "[" + strconv.FormatUint(n, 10) + "]byte" }

func (w *structWriter) pad(to uint64) {
	if to > w.end {
		w.fields.add("_", bytesOf(to-w.end), "")
		w.end = to
	}
}

// goMember names a member: those without a name by where they are.
func (w *structWriter) goMember(m *btf.Member, f memberLayout) (name, typ string, size, align uint64) {
	c := m.Name
	if c == "" {
		c = "anon" + strconv.FormatUint(f.offset/8, 10)
	}
	plain := goName(c)
	name = w.names.unique(plain)
	typ, size, align = w.goType(m.Type, w.name+"_"+plain)
	return name, typ, size, align
}

// field writes a member that is not a bit-field.
func (w *structWriter) field(m *btf.Member, f memberLayout, total uint64) {
	name, typ, size, align := w.goMember(m, f)
	at := f.offset / 8
	w.pad(at)
	comment := commentText(w.t.Declare(m.Type, m.Name))
	if size == 0 {
		w.fields.add("", "", comment+" at "+strconv.FormatUint(at, 10))
		return
	}
	w.end = at + size
	if at%align == 0 && total%align == 0 {
		w.fields.add(name, typ, comment)
		w.assert("Offsetof", w.name, "."+name, at)
		return
	}
	raw := w.names.unique("raw" + name)
	w.fields.add(raw, bytesOf(size), comment)
	w.views = append(w.views, func() { w.copies(name, typ, raw+"[:]", size) })
}

// method writes a comment and the head of a method.
func (w *structWriter) method(comment, name, rest string) string {
	w.texts("\n// ", name, comment, "\n")
	return "func (s *" + w.name + ") " + name + rest
}

// copies writes methods for a member that Go would align.
func (w *structWriter) copies(name, typ, data string, size uint64) {
	value := "(*" + bytesOf(size) + ")(unsafe.Pointer(&v))[:]"
	head := w.method(" reads a member without alignment.", name, "() (v "+typ+")")
	w.texts(head, " {\n\tcopy(", value, ", s.", data, ")\n\treturn v\n}\n")
	set := w.names.unique("Set" + name)
	w.function(w.method(" sets it.", set, "(v "+typ+")"), "copy(s."+data+", "+value+")")
}

// view writes the method for a member of a union.
func (w *structWriter) view(m *btf.Member, f memberLayout, have uint64) {
	name, typ, size, align := w.goMember(m, f)
	if size == 0 {
		return
	}
	at := f.offset / 8
	comment := commentText(w.t.Declare(m.Type, m.Name))
	w.views = append(w.views, func() {
		if align > have || at%align != 0 {
			w.copies(name, typ, fmt.Sprintf("Data[%d:%d]", at, at+size), size)
			return
		}
		head := w.method(" views the bytes as "+comment+".", name, "() *"+typ)
		w.function(head, "return (*"+typ+")(unsafe.Pointer(&s.Data["+strconv.FormatUint(at, 10)+"]))")
	})
}

// bitFields writes the bytes of the bit-fields from the ith member on, and returns the next member.
func (w *structWriter) bitFields(s *btf.Struct, i int) int {
	first := w.memberLayout(&s.Members[i]).offset / 8
	w.pad(first)
	first = max(first, w.end)
	data := w.names.unique("bits" + strconv.FormatUint(first, 10))
	for ; i < len(s.Members); i++ {
		f := w.memberLayout(&s.Members[i])
		if f.width == 0 || f.offset/8 > w.end { // another gap
			break
		}
		w.end = max(w.end, (f.offset+f.size+7)/8)
		w.bitMethods(&s.Members[i], data, f.offset-first*8, f)
	}
	w.fields.add(data, bytesOf(w.end-first), "")
	return i
}

// bitMethods writes the methods of a bit-field that begins at a bit of data.
func (w *structWriter) bitMethods(m *btf.Member, data string, at uint64, f memberLayout) {
	if m.Name == "" || f.width > 64 {
		return
	}
	name, typ, _, _ := w.goMember(m, f)
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
		w.function(w.method(fmt.Sprintf(" reads a bit-field of %d bits.", f.width), name, "() "+typ), "return "+get)
		head := w.method(" sets it.", set, "(v "+typ+")")
		body := fmt.Sprintf("setBTFBits(s.%s[:], %d, %d, %s)", data, at, f.width, put)
		if typ == "bool" {
			body = "n := uint64(0)\n\tif v {\n\t\tn = 1\n\t}\n\t" + body
		}
		w.texts(head, " {\n\t", body, "\n}\n")
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
