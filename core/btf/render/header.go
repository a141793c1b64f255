package render

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/btf"
)

// ErrLimit says that the output would exceed the limit of the options, or that types are nested too deeply.
var ErrLimit = errors.New("limit exceeded")

// maxNesting is how deep unnamed types may stand inside each other, and how deep functions call themselves at most.
const maxNesting = 64

// maxHeader is the default limit of a header or of Go source, in bytes; a kernel's header takes 4 MB.
const maxHeader = 128 << 20

// HeaderOptions say what to put into a C header. The zero value takes every type.
type HeaderOptions struct {
	// Roots limits the header to these types and what they need. A root may be a function or variable, which
	// is then declared. None stands for every type that is not in the base.
	Roots []btf.ID
	// Asserts adds static assertions of the size of every struct and the offset of every member.
	Asserts bool
	// MaxBytes limits the output; 0 is 128 MiB.
	MaxBytes int
}

// Header appends a C header that defines types, and at the end declares the kernel functions that programs may call. It compiles
// for BPF with clang, and there sizes and offsets are those of the table. Types that C cannot lay out, as enums of Rust with overlapping members, become arrays of bytes. Two types of
// one name are told apart by a suffix: the second struct foo is foo___2, which CO-RE takes for foo.
// Errors wrap ErrLimit, btf.ErrCycle for a type that contains itself, btf.ErrID, or are a *btf.FormatError.
func Header(dst []byte, t *btf.Types, o HeaderOptions) ([]byte, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = maxHeader
	}
	h := &header{
		t: t, out: dst, limit: len(dst) + o.MaxBytes, asserts: o.Asserts,
		walker: newWalker(t), names: newNames(), shapes: make([]shape, t.Len()),
		ints: map[btf.ID]string{}, helpers: map[string]bool{},
	}
	h.enter = h.emit
	h.text(headerTop)
	err := h.roots(o.Roots)
	h.prototypes()
	if err == nil && h.asserts {
		h.check()
	}
	h.text(headerEnd)
	if err == nil {
		err = h.err
	}
	if err != nil {
		return dst, fmt.Errorf("write header: %w", err)
	}
	return h.out, nil
}

const headerTop = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

`

const headerEnd = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`

// header writes a C header.
type header struct {
	*walker
	names
	t       *btf.Types
	out     []byte
	limit   int // of len(out)
	err     error
	asserts bool
	defined []btf.ID // structs, in the order of their definitions; only for asserts
	shapes  []shape  // of structs, by id
	ints    map[btf.ID]string
	helpers map[string]bool // types for numbers that C does not have
	pads    int             // in the struct that is being written
	kfuncs  map[btf.ID]kfunc
	protos  []btf.ID // of kernel functions, to be written at the end
}

// roots writes what was asked for.
func (h *header) roots(ids []btf.ID) error {
	if ids != nil {
		if slices.ContainsFunc(ids, func(id btf.ID) bool { return h.t.Kind(id) == btf.KindFunc }) {
			for t := h.t; t != nil; t = t.Base() {
				h.findKfuncs(t)
			}
		}
		for _, id := range ids {
			if err := h.walk(id, whole); err != nil {
				return err
			}
		}
		return h.err
	}
	used := usedEnums(h.t)
	for id := h.t.First(); int(id) < h.t.Len() && h.err == nil; id++ {
		var err error
		switch k := h.t.Kind(id); {
		case k.Enum() && h.t.Name(id) == "" && !used[id]:
			err = h.looseEnum(id)
		case k == btf.KindTypedef || k == btf.KindFwd:
			err = h.walk(id, declared)
		case (k.Composite() || k.Enum()) && h.t.Name(id) != "":
			err = h.walk(id, whole)
		}
		if err != nil {
			return err
		}
	}
	return h.allKfuncs()
}

// usedEnums finds the enums without a name that something refers to: they are written there.
func usedEnums(t *btf.Types) map[btf.ID]bool {
	used := map[btf.ID]bool{}
	for id := t.First(); int(id) < t.Len(); id++ {
		if t.Kind(id) == btf.KindDeclTag {
			continue
		}
		for to := range t.Refs(id) {
			if to != 0 && t.Kind(to).Enum() && t.Name(to) == "" {
				used[to] = true
			}
		}
	}
	return used
}

// looseEnum writes an enum that has no name and belongs to nothing.
func (h *header) looseEnum(id btf.ID) error {
	typ, err := h.t.Type(id)
	if err != nil {
		return err
	}
	e := typ.(*btf.Enum)
	if len(e.Values) == 0 {
		return nil
	}
	guard := isBool(e)
	if guard {
		h.text(beforeC23)
	}
	h.enum(e, "", 0)
	h.text(";\n\n")
	if guard {
		h.text("#endif\n\n")
	}
	return nil
}

// beforeC23 stands before definitions of what C23 has as keywords.
const beforeC23 = "#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L\n"

// isBool says whether an enum is the kernel's false and true.
func isBool(e *btf.Enum) bool {
	for _, v := range e.Values {
		if v.Name != "false" && v.Name != "true" {
			return false
		}
	}
	return true
}

// emit writes a type after everything that it needs.
func (h *header) emit(id btf.ID, typ btf.Type, s stage) error {
	switch typ := typ.(type) {
	case *btf.Struct:
		if typ.Name != "" && s == declared {
			h.text(h.keyword(typ) + " " + h.structTag(id, typ) + ";\n\n")
			return nil
		}
		h.shapes[id] = h.shape(typ)
		if typ.Name != "" {
			h.define(id, typ)
		}
	case *btf.Fwd:
		h.forward(typ)
	case *btf.Enum:
		if typ.Name != "" {
			h.enum(typ, " "+h.tag(id, "enum", typ.Name), 0)
			h.text(";\n\n")
		}
	case *btf.Typedef:
		if s == declared {
			h.typedef(id, typ)
		}
	case *btf.Int, *btf.Float:
		h.helper(typ)
	case *btf.Function:
		if h.kfuncs[id] != 0 {
			h.protos = append(h.protos, id)
			break
		}
		h.text("extern ")
		h.declare(typ.Type, h.ident(id, typ.Name), 0)
		h.text(";\n\n")
	case *btf.Var:
		h.text("extern ")
		h.declare(typ.Type, h.ident(id, typ.Name), 0)
		h.text(";\n\n")
	}
	return h.err
}

func (h *header) forward(f *btf.Fwd) {
	keyword := "struct"
	if f.Union {
		keyword = "union"
	}
	if f.Name != "" {
		h.text(keyword + " " + h.fwdTag(keyword, f.Name) + ";\n\n")
	}
}

func (h *header) typedef(id btf.ID, typ *btf.Typedef) {
	guard := typ.Name == "bool"
	if guard {
		h.text(beforeC23)
	}
	h.text("typedef ")
	h.pads = 0
	h.declare(typ.Type, h.ident(id, typ.Name), 0)
	h.text(";\n\n")
	if guard {
		h.text("#endif\n\n")
	}
}

// define writes a struct or union.
func (h *header) define(id btf.ID, s *btf.Struct) {
	h.pads = 0
	h.body(id, s, " "+h.structTag(id, s), 0)
	h.text(";\n\n")
	if h.asserts {
		h.defined = append(h.defined, id)
	}
}

// check writes the assertions.
func (h *header) check() {
	for _, id := range h.defined {
		typ, err := h.t.Type(id)
		s, ok := typ.(*btf.Struct)
		if err != nil || !ok {
			continue
		}
		name := h.keyword(s) + " " + h.structTag(id, s)
		h.text("_Static_assert(sizeof(" + name + ") == " + strconv.Itoa(int(s.Size)) + ", \"size\");\n")
		if h.shapes[id].bytes {
			continue
		}
		for i := range s.Members {
			m := &s.Members[i]
			if f := fieldOf(h.t, m); m.Name != "" && f.width == 0 {
				h.text("_Static_assert(__builtin_offsetof(" + name + ", " + memberName(m.Name) + ") == " +
					strconv.FormatUint(f.at/8, 10) + ", \"" + memberName(m.Name) + "\");\n")
			}
		}
	}
	h.text("\n")
}

// text appends to the header until the limit is reached.
func (h *header) text(s string) {
	if h.err != nil {
		return
	}
	if len(h.out)+len(s) > h.limit {
		h.err = fmt.Errorf("%w: the output exceeds %d bytes", ErrLimit, h.limit)
		return
	}
	h.out = append(h.out, s...)
}

func (h *header) keyword(s *btf.Struct) string { return s.Kind().String() }
