package render

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/btf"
)

// ErrLimit says that the output would exceed the limit of the options, or that types are nested too
// deeply.
var ErrLimit = errors.New("limit exceeded")

// maxNesting is how deep unnamed types may be nested, and how deep functions call
// themselves at most.
const maxNesting = 64

// The default limit of a header or of Go source, in bytes: unnamed types are written wherever they
// are used, so what is read bounds what is written. A kernel's header takes 4 MiB for 6 MiB of
// types.
const (
	maxHeader   = 128 << 20
	freeHeader  = 64 << 10
	headerRatio = 64
)

// textLimit returns the limit of text for types; most is what the caller set.
func textLimit(t *btf.Types, most int) int {
	if most > 0 {
		return most
	}
	size := freeHeader
	for ; t != nil; t = t.Base() {
		size += min(len(t.Bytes()), maxHeader/headerRatio) * headerRatio
	}
	return min(size, maxHeader)
}

// HeaderOptions say what to put into a C header. The zero value takes every type.
type HeaderOptions struct {
	// Roots limits the header to these types and what they need. A root may be a function or
	// variable, which is then declared. None means every type that is not in the base.
	Roots []btf.ID
	// Asserts adds static assertions of the size of every struct and the offset of every member.
	Asserts bool
	// MaxBytes limits the output; 0 is 64 KiB and 64 times the bytes of the types, at most 128 MiB.
	MaxBytes int
}

// Header appends a C header that defines types, and at the end declares the kernel functions that
// programs may call. It compiles for BPF with clang, and there sizes and offsets are those of the
// table. Types that C cannot lay out, as enums of Rust with overlapping members, become arrays of
// bytes. Two types of one name are told apart by a suffix: the second struct foo is foo___2, which
// CO-RE takes for foo. Errors wrap ErrLimit, btf.ErrCycle for a type that contains itself,
// btf.ErrID, or are a *btf.FormatError.
func Header(dst []byte, t *btf.Types, o HeaderOptions) ([]byte, error) {
	h := newHeader(t, o)
	h.sink = newSink(dst, h.limit)
	if err := h.write(o.Roots); err != nil {
		return dst, err
	}
	return h.out, nil
}

// WriteHeader writes what Header appends, in chunks. After an error w has the part that was done,
// and of the errors some are those of w.
func WriteHeader(w io.Writer, t *btf.Types, o HeaderOptions) error {
	h := newHeader(t, o)
	h.sink = writing(w, h.limit)
	return h.write(o.Roots)
}

// newHeader makes a header that is empty.
func newHeader(t *btf.Types, o HeaderOptions) *header {
	tags, idents := 0, 0
	if o.Roots == nil { // room for the names of all
		for _, k := range t.Kinds() {
			switch {
			case k.Composite() || k.Enum():
				tags++
			case k == btf.KindTypedef:
				idents++
			}
		}
	}
	h := &header{
		walker: newWalker(t), layouts: newLayouts(t), names: newNames(t, tags, tags+idents), t: t, asserts: o.Asserts,
		bytesTypes: map[string]bool{},
	}
	h.limit = textLimit(t, o.MaxBytes)
	h.visit = h.emit
	return h
}

// write writes the header to its sink.
func (h *header) write(roots []btf.ID) error {
	records, err := hasRecords(h.t, roots)
	if err == nil {
		h.text(headerTop)
		if records {
			h.text(recordsTop)
		}
		err = h.roots(roots)
	}
	if err == nil {
		h.end(records)
		err = h.err
	}
	if err != nil {
		return fmt.Errorf("write header: %w", err)
	}
	return nil
}

// end writes what follows the types.
func (h *header) end(records bool) {
	h.prototypes()
	if h.asserts {
		h.check()
	}
	if records {
		h.text(recordsEnd)
	}
	h.text(headerEnd)
	h.full()
	h.flush(0)
}

const headerTop = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

`

const headerEnd = `#endif /* __VMLINUX_H__ */
`

// What is around structs, so that programs access them as CO-RE asks for. Clang warns when
// there are none.
const (
	recordsTop = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

`
	recordsEnd = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

`
)

// header writes a C header.
type header struct {
	*walker
	layouts
	names
	sink
	t          *btf.Types
	asserts    bool
	defined    []btf.ID        // structs, in the order of their definitions; only for asserts
	bytesTypes map[string]bool // types for numbers that C does not have
	pads       int             // in the struct that is being written
	kfuncs     map[btf.ID]kfunc
	protos     []btf.ID // of kernel functions, to be written at the end

	derivations []derivation // of the declarations that are being written
	quals       []byte       // of them
	begun       int          // where in out the outermost of them begins
	levels      []*btf.Scratch
	small       btf.Scratch // for types that are left at once
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
			if err := h.walk(id, defined); err != nil {
				return err
			}
		}
		return h.err
	}
	loose := looseEnums(h.t)
	for id := h.t.First(); int(id) < h.t.Len() && h.err == nil; id++ {
		var err error
		switch k := h.t.Kind(id); {
		case loose[id]:
			err = h.looseEnum(id)
		case k == btf.KindTypedef || k == btf.KindFwd:
			err = h.walk(id, declared)
		case (k.Composite() || k.Enum()) && h.t.Name(id) != "":
			err = h.walk(id, defined)
		}
		if err != nil {
			return err
		}
	}
	return h.allKfuncs()
}

// looseEnums finds the enums without a name that nothing refers to: the others are written where
// they are used.
func looseEnums(t *btf.Types) []bool {
	loose := make([]bool, t.Len())
	for id, k := range t.Kinds() {
		loose[id] = k.Enum() && t.Name(id) == ""
	}
	for id, k := range t.Kinds() {
		if k == btf.KindDeclTag || k == btf.KindInt || k == btf.KindFunc {
			continue
		}
		for to := range t.Refs(id) {
			if int(to) < len(loose) {
				loose[to] = false
			}
		}
	}
	return loose
}

// looseEnum writes an enum that has no name and belongs to nothing.
func (h *header) looseEnum(id btf.ID) error {
	typ, err := h.t.Read(id, &h.small)
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
	h.enum(id, "", 0)
	h.text(";\n\n")
	if guard {
		h.text("#endif\n\n")
	}
	return nil
}

// beforeC23 comes before definitions of what C23 has as keywords.
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
func (h *header) emit(id btf.ID, s stage) error {
	switch k := h.t.Kind(id); k {
	case btf.KindStruct, btf.KindUnion:
		h.structure(id, k, s)
	case btf.KindFwd:
		if name := h.t.Name(id); name != "" {
			keyword := h.fwdKeyword(id)
			h.texts(keyword, " ", h.fwdTag(keyword, name), ";\n\n")
		}
	case btf.KindEnum, btf.KindEnum64:
		if name := h.t.Name(id); name != "" {
			h.enum(id, h.tag(id, "enum", name), 0)
			h.text(";\n\n")
		}
	case btf.KindTypedef:
		if s == declared {
			h.typedef(id)
		}
	case btf.KindInt, btf.KindFloat:
		h.bytesType(id)
	case btf.KindFunc, btf.KindVar:
		if h.kfuncs[id] != 0 {
			h.protos = append(h.protos, id)
			break
		}
		h.text("extern ")
		h.object(id)
		h.text(";\n\n")
	}
	h.full()
	h.flush(chunkBytes)
	return h.err
}

// structure lays out a struct or union, and writes it if it has a name.
func (h *header) structure(id btf.ID, k btf.Kind, s stage) {
	name := h.t.Name(id)
	if name != "" && s == declared {
		h.texts(k.String(), " ", h.tag(id, k.String(), name), ";\n\n")
		return
	}
	typ := h.structAt(id, 0)
	if typ == nil {
		return
	}
	*h.structs.at(id) = h.structLayout(typ)
	if name == "" {
		return
	}
	h.pads = 0
	h.body(id, typ, " "+h.structTag(id, typ), 0)
	h.text(";\n\n")
	if h.asserts {
		h.defined = append(h.defined, id)
	}
}

// object declares a function or variable.
func (h *header) object(id btf.ID) {
	to, _ := h.t.Ref(id, 0)
	h.declare(to, h.ident(id, h.t.Name(id)), 0)
}

func (h *header) typedef(id btf.ID) {
	name := h.t.Name(id)
	guard := name == "bool"
	if guard {
		h.text(beforeC23)
	}
	h.text("typedef ")
	h.pads = 0
	h.object(id)
	h.text(";\n\n")
	if guard {
		h.text("#endif\n\n")
	}
}

// check writes the assertions.
func (h *header) check() {
	for _, id := range h.defined {
		s := h.structAt(id, 0)
		if s == nil || h.full() {
			return
		}
		name := h.keyword(s) + " " + h.structTag(id, s)
		h.texts("_Static_assert(sizeof(", name, ") == ", strconv.Itoa(int(s.Size)), ", \"size\");\n")
		if h.structs.at(id).asBytes {
			continue
		}
		for i := range s.Members {
			m := &s.Members[i]
			if f := h.memberLayout(m); m.Name != "" && f.width == 0 {
				member := identifier(m.Name)
				h.texts("_Static_assert(__builtin_offsetof(", name, ", ", member, ") == ", strconv.FormatUint(f.offset/8, 10), ", \"", member, "\");\n")
			}
		}
		h.flush(chunkBytes)
	}
	h.text("\n")
}

func (h *header) keyword(s *btf.Struct) string { return s.Kind().String() }

func (h *header) structTag(id btf.ID, s *btf.Struct) string { return h.tag(id, h.keyword(s), s.Name) }
