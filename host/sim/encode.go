package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/nearest"
	"github.com/bpfhost/bpfhost/internal/record"
)

// encoder makes bytes of JSON, as types lay them out. What pointers point to is placed in the machine.
type encoder struct {
	types   *btf.Types // nil is none
	machine *vm.Machine
}

// Bounds of values.
const (
	maxNesting = 64
	maxObject  = 1 << 20 // bytes
)

var (
	errNesting = fmt.Errorf("more than %d levels", maxNesting)
	errOutside = errors.New("the field is outside of its struct")
)

// has reports whether there is a struct of that name.
func (e encoder) has(name string) bool {
	if e.types == nil {
		return false
	}
	_, err := e.types.Find(name, btf.KindStruct)
	return err == nil
}

// argument returns a number, or the address of what is placed.
func (e encoder) argument(v json.RawMessage) (uint64, error) { return e.pointer(v, 0, 0) }

// object places a struct, union or typedef and returns its address.
func (e encoder) object(name string, v json.RawMessage) (uint64, error) {
	id, err := e.named(name)
	if err != nil {
		return 0, err
	}
	return e.place(v, id, 0)
}

// named returns the type of a name, or else the first that has it with a flavor.
func (e encoder) named(name string) (btf.ID, error) {
	if e.types == nil {
		return 0, fmt.Errorf("there are no types, so no %q", name)
	}
	for _, kind := range []btf.Kind{btf.KindStruct, btf.KindUnion, btf.KindTypedef, btf.KindInt} {
		if id, err := e.types.Find(name, kind); err == nil {
			return id, nil
		}
	}
	var names []string
	for id := btf.ID(1); int(id) < e.types.Len(); id++ {
		s, ok := typeOf[*btf.Struct](e.types, id)
		switch {
		case !ok || s.Name == "":
		case btf.Essential(s.Name) == name:
			return id, nil
		default:
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return 0, fmt.Errorf("there is no type %q%s", name, nearest.Hint(name, slices.Compact(names)))
}

// pointer returns the value of a pointer to a type, 0 if that is not known.
func (e encoder) pointer(v json.RawMessage, to btf.ID, depth int) (uint64, error) {
	v = bytes.TrimSpace(v)
	switch {
	case depth > maxNesting:
		return 0, errNesting
	case len(v) == 0, string(v) == "null":
		return 0, nil
	case v[0] == '"':
		var text string
		if err := json.Unmarshal(v, &text); err != nil {
			return 0, notJSON(err)
		}
		return e.machine.Place(append([]byte(text), 0))
	case v[0] == '[':
		if to == 0 {
			return 0, errors.New("a list needs a type that the pointer is to")
		}
		return e.list(v, to, depth)
	case v[0] != '{':
		return address(v)
	case e.known(to):
		return e.place(v, to, depth)
	}
	return e.tagged(v, depth)
}

// known reports whether values of a type can be made.
func (e encoder) known(id btf.ID) bool {
	if e.types == nil || id == 0 {
		return false
	}
	size, err := e.types.Size(id)
	return err == nil && size > 0
}

// tagged places the value of {"TYPE": VALUE}.
func (e encoder) tagged(v json.RawMessage, depth int) (uint64, error) {
	fields, err := objectOf(v)
	if err != nil {
		return 0, err
	}
	if len(fields) != 1 {
		return 0, fmt.Errorf(`what is pointed to needs its type, {"TYPE": …}; there are %d keys`, len(fields))
	}
	for name, value := range fields {
		id, err := e.named(name)
		if err != nil {
			return 0, err
		}
		addr, err := e.place(value, id, depth)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		return addr, nil
	}
	return 0, nil
}

// place makes a value and places it.
func (e encoder) place(v json.RawMessage, id btf.ID, depth int) (uint64, error) {
	size, err := e.types.Size(id)
	if err != nil {
		return 0, err
	}
	if size > maxObject {
		return 0, fmt.Errorf("a type of %d bytes is larger than %d", size, maxObject)
	}
	b := make([]byte, size)
	if err := e.value(v, id, b, depth+1); err != nil {
		return 0, err
	}
	return e.machine.Place(b)
}

// list places the elements of a list, one after the other.
func (e encoder) list(v json.RawMessage, of btf.ID, depth int) (uint64, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(v, &list); err != nil {
		return 0, notJSON(err)
	}
	size, err := e.types.Size(of)
	if err != nil {
		return 0, err
	}
	if uint64(size)*uint64(len(list)) > maxObject {
		return 0, fmt.Errorf("a list of %d values of %d bytes is larger than %d", len(list), size, maxObject)
	}
	b := make([]byte, int(size)*len(list))
	if err := e.elements(list, of, b, int(size), depth); err != nil {
		return 0, err
	}
	return e.machine.Place(b)
}

func (e encoder) elements(list []json.RawMessage, of btf.ID, dst []byte, size, depth int) error {
	for i, v := range list {
		if err := e.value(v, of, dst[i*size:][:size], depth+1); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

// value writes a value of a type. dst has its size.
func (e encoder) value(v json.RawMessage, id btf.ID, dst []byte, depth int) error {
	if depth > maxNesting {
		return errNesting
	}
	v = bytes.TrimSpace(v)
	typ, err := e.types.Type(e.types.Strip(id))
	if err != nil {
		return err
	}
	switch typ := typ.(type) {
	case *btf.Int, *btf.Enum:
		return e.number(v, btf.Field{Type: id}, dst)
	case *btf.Pointer:
		n, err := e.pointer(v, e.types.Strip(typ.Type), depth)
		putUint(dst, n)
		return err
	case *btf.Array:
		return e.array(v, typ, dst, depth)
	case *btf.Struct:
		return e.structure(v, typ, dst, depth)
	}
	return fmt.Errorf("values of kind %v cannot be given", typ.Kind())
}

// array writes a list, or text into an array of characters.
func (e encoder) array(v json.RawMessage, a *btf.Array, dst []byte, depth int) error {
	size, err := e.types.Size(a.Type)
	if err != nil {
		return err
	}
	if len(v) > 0 && v[0] == '"' && size == 1 {
		var text string
		if err := json.Unmarshal(v, &text); err != nil {
			return notJSON(err)
		}
		if len(text) > len(dst) {
			return fmt.Errorf("text of %d bytes does not fit into %d", len(text), len(dst))
		}
		copy(dst, text)
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(v, &list); err != nil {
		return notJSON(err)
	}
	if len(list) > int(a.Count) {
		return fmt.Errorf("%d values do not fit into an array of %d", len(list), a.Count)
	}
	return e.elements(list, a.Type, dst, int(size), depth)
}

// structure writes the fields that an object names.
func (e encoder) structure(v json.RawMessage, s *btf.Struct, dst []byte, depth int) error {
	fields, err := objectOf(v)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		m, at, ok := e.member(s, name, 0, 0)
		if !ok {
			return fmt.Errorf("struct %s has no field %q%s", s.Name, name, nearest.Hint(name, e.memberNames(s, 0)))
		}
		if m.BitSize != 0 {
			err = e.number(fields[name], btf.Field{Type: m.Type, Offset: at / 8, Bit: at % 8, BitSize: m.BitSize}, dst)
		} else {
			err = e.field(fields[name], m.Type, dst, at/8, depth)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// field writes a member that is no bit-field.
func (e encoder) field(v json.RawMessage, id btf.ID, dst []byte, at uint32, depth int) error {
	size, err := e.types.Size(id)
	if err != nil {
		return err
	}
	if uint64(at)+uint64(size) > uint64(len(dst)) {
		return errOutside
	}
	return e.value(v, id, dst[at:at+size], depth+1)
}

// member finds a field, also in structs and unions without a name, and where it is in bits.
func (e encoder) member(s *btf.Struct, name string, at uint32, depth int) (btf.Member, uint32, bool) {
	for _, m := range s.Members {
		if m.Name == name {
			return m, at + m.Offset, true
		}
		inner, ok := typeOf[*btf.Struct](e.types, e.types.Strip(m.Type))
		if m.Name != "" || !ok || depth > maxNesting {
			continue
		}
		if m, at, ok := e.member(inner, name, at+m.Offset, depth+1); ok {
			return m, at, true
		}
	}
	return btf.Member{}, 0, false
}

func (e encoder) memberNames(s *btf.Struct, depth int) (names []string) {
	for _, m := range s.Members {
		if m.Name != "" {
			names = append(names, m.Name)
		} else if inner, ok := typeOf[*btf.Struct](e.types, e.types.Strip(m.Type)); ok && depth < maxNesting {
			names = append(names, e.memberNames(inner, depth+1)...)
		}
	}
	return names
}

// objectOf reads the fields of an object.
func objectOf(v json.RawMessage) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(v, &fields); err != nil {
		return nil, notJSON(err)
	}
	return fields, nil
}

// number writes a number at a place of dst, as package record reads it. Where a type has 4 bytes it also
// takes an IPv4 address, which contexts keep in a __u32.
func (e encoder) number(v json.RawMessage, at btf.Field, dst []byte) error {
	f := record.NewField(e.types, "the value", at)
	if uint64(f.Offset)+uint64(f.Size) > uint64(len(dst)) {
		return errOutside
	}
	text, err := numberText(v)
	if err != nil {
		return err
	}
	dst = dst[f.Offset:]
	if a, err := netip.ParseAddr(text); err == nil && a.Is4() && f.Size == 4 && at.BitSize == 0 {
		b := a.As4()
		copy(dst, b[:])
		return nil
	}
	if f.Kind != record.KindBool && f.Kind != record.KindEnum {
		switch text {
		case "true":
			text = "1"
		case "false":
			text = "0"
		}
	}
	x, err := f.Parse(text)
	if err != nil {
		return err
	}
	f.Put(dst, x)
	return nil
}

// numberText returns what is written of a number, which may be a text; null is 0.
func numberText(v json.RawMessage) (string, error) {
	text := string(v)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(v, &text); err != nil {
			return "", notJSON(err)
		}
	}
	if text == "null" {
		text = "0"
	}
	return text, nil
}

// address reads the value of a pointer, or an argument without type.
func address(v json.RawMessage) (uint64, error) {
	switch string(v) {
	case "true":
		return 1, nil
	case "false":
		return 0, nil
	}
	if n, err := strconv.ParseUint(string(v), 0, 64); err == nil {
		return n, nil
	}
	n, err := strconv.ParseInt(string(v), 0, 64)
	if err != nil {
		return 0, fmt.Errorf("%.60q is not an integer of 64 bits", v)
	}
	return uint64(n), nil
}

// putUint writes the low bytes of a number.
func putUint(dst []byte, v uint64) {
	for i := range dst {
		dst[i] = byte(v)
		v >>= 8
	}
}
