package render

import (
	"encoding/binary"
	"errors"
	"go/format"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/core/btf"
)

// valueTypes has a type of each kind that values have, in a byte order. The last is the one that
// holds the others.
func valueTypes(t testing.TB, order binary.ByteOrder) (*btf.Types, btf.ID) {
	t.Helper()
	b := btf.Builder{Order: order}
	i32 := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	u16 := b.Add(&btf.Int{Name: "unsigned short", Size: 2})
	char := b.Add(&btf.Int{Name: "char", Size: 1, Encoding: btf.IntSigned})
	boolean := b.Add(&btf.Int{Name: "_Bool", Size: 1, Encoding: btf.IntBool})
	huge := b.Add(&btf.Int{Name: "unsigned __int128", Size: 16})
	f32 := b.Add(&btf.Float{Name: "float", Size: 4})
	f64 := b.Add(&btf.Float{Name: "double", Size: 8})
	ptr := b.Add(&btf.Pointer{Type: 0})
	color := b.Add(&btf.Enum{Name: "color", Size: 4, Signed: true, Values: []btf.Enumerator{{Name: "RED"}, {Name: "BLUE", Value: 1<<64 - 1}}})
	comm := b.Add(&btf.Array{Type: char, Index: i32, Count: 8})
	nums := b.Add(&btf.Array{Type: u16, Index: i32, Count: 4})
	union := b.Add(&btf.Struct{Union: true, Size: 4, Members: []btf.Member{{Name: "i", Type: i32}, {Name: "h", Type: u16}}})
	td := b.Add(&btf.Typedef{Name: "pid_t", Type: b.Add(&btf.Const{Type: i32})})
	m := func(name string, typ btf.ID, offset uint32) btf.Member {
		return btf.Member{Name: name, Type: typ, Offset: offset * 8}
	}
	all := b.Add(&btf.Struct{Name: "all", Size: 88, Members: []btf.Member{
		m("pid", td, 0), m("comm", comm, 4), m("ok", boolean, 12), m("c", char, 13), m("half", u16, 14),
		m("huge", huge, 16), m("f", f32, 32), m("color", color, 36), m("d", f64, 40), m("p", ptr, 48),
		m("nums", nums, 56), m("", union, 64),
		{Name: "b3", Type: i32, Offset: 68 * 8, BitSize: 3}, {Name: "b9", Type: u16, Offset: 68*8 + 3, BitSize: 9},
		{Name: "paint", Type: color, Offset: 68*8 + 12, BitSize: 2}, m("tail", u16, 72),
	}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types, all
}

// valueData is a value of that type.
func valueData(order binary.ByteOrder) []byte {
	d := make([]byte, 88)
	order.PutUint32(d, 12)
	copy(d[4:], "bash")
	d[12], d[13] = 1, 'x'
	order.PutUint16(d[14:], 515)
	d[16], d[31] = 1, 2
	order.PutUint32(d[32:], 0x3fc00000)
	order.PutUint32(d[36:], 0xffffffff)
	order.PutUint64(d[40:], 0xc000000000000000)
	order.PutUint64(d[48:], 0xffff888000001000)
	order.PutUint16(d[58:], 7)
	order.PutUint32(d[64:], 0x10002)
	if order == binary.LittleEndian {
		order.PutUint32(d[68:], 0b101|0b110000001<<3|0b11<<12) // counted from the lowest bit
	} else {
		order.PutUint32(d[68:], 0b101<<29|0b110000001<<20|0b11<<18) // from the highest
	}
	return d
}

func TestValue(t *testing.T) {
	for _, c := range []struct {
		order binary.ByteOrder
		want  string
	}{
		{binary.LittleEndian, `{.pid = 12, .comm = "bash", .ok = true, .c = 'x', .half = 515, .huge = 0x2000000000000000000000000000001, ` +
			`.f = 1.5, .color = BLUE, .d = -2, .p = 0xffff888000001000, .nums = {0, 7}, {.i = 65538, .h = 2}, ` +
			`.b3 = -3, .b9 = 385, .paint = BLUE}`},
		{binary.BigEndian, `{.pid = 12, .comm = "bash", .ok = true, .c = 'x', .half = 515, .huge = 0x1000000000000000000000000000002, ` +
			`.f = 1.5, .color = BLUE, .d = -2, .p = 0xffff888000001000, .nums = {0, 7}, {.i = 65538, .h = 1}, ` +
			`.b3 = -3, .b9 = 385, .paint = BLUE}`},
	} {
		types, id := valueTypes(t, c.order)
		got, err := Value([]byte("v: "), types, id, valueData(c.order), ValueOptions{})
		if err != nil || string(got) != "v: "+c.want {
			t.Errorf("%v: got\n%s, %v\nwant\n%s", c.order, got, err, c.want)
		}
	}
}

func TestValueOptions(t *testing.T) {
	types, id := valueTypes(t, binary.LittleEndian)
	d := valueData(binary.LittleEndian)
	for _, c := range []struct {
		name string
		o    ValueOptions
		data []byte
		want string
	}{
		{"nothing", ValueOptions{}, make([]byte, 88), "{}"},
		{"nothing, with zeros", ValueOptions{Zeros: true}, make([]byte, 88), `{.pid = 0, .comm = "", .ok = false, .c = 0, .half = 0, ` +
			`.huge = 0, .f = 0, .color = RED, .d = 0, .p = 0x0, .nums = {0, 0, 0, 0}, {.i = 0, .h = 0}, .b3 = 0, .b9 = 0, .paint = RED, .tail = 0}`},
		{"depth", ValueOptions{MaxDepth: 1}, d[:68], `{.pid = 12, .comm = "bash", .ok = true, .c = 'x', .half = 515, .huge = 0x2000000000000000000000000000001, ` +
			`.f = 1.5, .color = BLUE, .d = -2, .p = 0xffff888000001000, .nums = {...}, {...}, .b3 = ?, .b9 = ?, .paint = ?, .tail = ?}`},
		{"elements", ValueOptions{MaxElements: 1}, d[:16], `{.pid = 12, .comm = "bash", .ok = true, .c = 'x', .half = 515, .huge = ?, .f = ?, .color = ?, .d = ?, .p = ?, ` +
			`.nums = {?, ...}, {.i = ?, .h = ?}, .b3 = ?, .b9 = ?, .paint = ?, .tail = ?}`},
		{"bytes", ValueOptions{MaxBytes: 30}, d, `{.pid = 12, .comm = "bash", ...`},
		{"short", ValueOptions{}, nil, `{.pid = ?, .comm = {?, ...}, .ok = ?, .c = ?, .half = ?, .huge = ?, .f = ?, .color = ?, .d = ?, .p = ?, ` +
			`.nums = {?, ...}, {.i = ?, .h = ?}, .b3 = ?, .b9 = ?, .paint = ?, .tail = ?}`},
		{"lines", ValueOptions{Indent: "\t"}, append([]byte{1, 0, 0, 0, 'a', '"', 27, 0xff, 'b', 0, 0, 0}, make([]byte, 76)...),
			"{\n\t.pid = 1,\n\t.comm = \"a\\\"\\x1b\\xffb\"\n}"},
		{"no text", ValueOptions{}, append([]byte{0, 0, 0, 0, 'a', 0, 'b', 0}, make([]byte, 80)...), "{.comm = {'a', 0, 'b'}}"},
	} {
		got, err := Value(nil, types, id, c.data, c.o)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got\n%s, %v\nwant\n%s", c.name, got, err, c.want)
		}
	}
}

// TestValueFlexible writes what follows a struct that ends in a flexible array.
func TestValueFlexible(t *testing.T) {
	var b btf.Builder
	u16 := b.Add(&btf.Int{Name: "unsigned short", Size: 2})
	char := b.Add(&btf.Int{Name: "char", Size: 1, Encoding: btf.IntSigned})
	list := func(typ btf.ID) btf.ID { return b.Add(&btf.Array{Type: typ, Index: u16}) }
	record := func(typ btf.ID) btf.ID {
		return b.Add(&btf.Struct{Name: "record", Size: 4, Members: []btf.Member{
			{Name: "a", Type: u16}, {Name: "b", Type: char, Offset: 16}, {Name: "list", Type: list(typ), Offset: 32}}})
	}
	numbers, text, empty := record(u16), record(char), record(b.Add(&btf.Struct{Name: "empty"}))
	inner := b.Add(&btf.Struct{Name: "outer", Size: 4, Members: []btf.Member{{Name: "r", Type: text}}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id   btf.ID
		data string
		o    ValueOptions
		want string
	}{
		{numbers, "\x01\x00x\x00", ValueOptions{}, "{.a = 1, .b = 'x'}"},
		{numbers, "\x01\x00x\x00\x02\x00\x03\x00", ValueOptions{}, "{.a = 1, .b = 'x', .list = {2, 3}}"},
		{numbers, "\x01\x00x\x00\x02\x00\x03", ValueOptions{}, "{.a = 1, .b = 'x', .list = {2}}"},
		{numbers, "\x01\x00x\x00\x00\x00\x00\x00", ValueOptions{}, "{.a = 1, .b = 'x'}"},
		{numbers, "\x01\x00x\x00\x00\x00\x00\x00", ValueOptions{Zeros: true}, "{.a = 1, .b = 'x', .list = {0, 0}}"},
		{numbers, "\x01\x00x\x00\x02\x00\x03\x00\x04\x00", ValueOptions{MaxElements: 2}, "{.a = 1, .b = 'x', .list = {2, 3, ...}}"},
		{text, "\x01\x00x\x00hello\x00", ValueOptions{}, "{.a = 1, .b = 'x', .list = \"hello\"}"},
		{empty, "\x01\x00x\x00more", ValueOptions{}, "{.a = 1, .b = 'x'}"},
		{inner, "\x01\x00x\x00more", ValueOptions{}, "{.r = {.a = 1, .b = 'x'}}"},
		{numbers, "\x01", ValueOptions{}, "{.a = ?, .b = ?, .list = {}}"},
	} {
		got, err := Value(nil, types, c.id, []byte(c.data), c.o)
		if err != nil || string(got) != c.want {
			t.Errorf("%q: got %s, %v, want %s", c.data, got, err, c.want)
		}
	}
}

func TestValueErrors(t *testing.T) {
	types := fixture(t)
	if _, err := Value(nil, types, btf.ID(types.Len()), nil, ValueOptions{}); !errors.Is(err, btf.ErrID) {
		t.Error(err)
	}
	if _, err := Value(nil, types, 0, nil, ValueOptions{}); !errors.Is(err, btf.ErrNoSize) {
		t.Error(err)
	}
}

// TestValueBomb has a type with 2^60 values in 8 bytes.
func TestValueBomb(t *testing.T) {
	var b btf.Builder
	id := b.Add(&btf.Int{Name: "int", Size: 4})
	for range 60 {
		id = b.Add(&btf.Struct{Size: 4, Union: true, Members: []btf.Member{{Type: id}, {Type: id}}})
	}
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Value(nil, types, id, []byte{1, 0, 0, 0}, ValueOptions{MaxDepth: 1000})
	if err != nil || len(got) > 64<<10+3 || !strings.HasSuffix(string(got), "...") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// What one run of a fuzz target takes and makes at most, in bytes: it has to be quick, as a finding
// is made smaller by many runs.
const (
	fuzzInput  = 8 << 10
	fuzzOutput = 64 << 10
)

// FuzzValue writes memory as hostile types say.
func FuzzValue(f *testing.F) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		types, id := valueTypes(f, order)
		f.Add(types.Bytes(), uint32(id), valueData(order))
	}
	kinds := fixture(f)
	for id, typ := range kinds.All() {
		if typ.Kind().Composite() {
			f.Add(kinds.Bytes(), uint32(id), []byte("\x01\x02\x03\x04\x05\x06\x07\x08\x09 some text in it\x00\xff"))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, id uint32, data []byte) {
		types, err := btf.Parse(raw, btf.Options{})
		if err != nil || len(raw)+len(data) > fuzzInput {
			return
		}
		for _, o := range []ValueOptions{{}, {Zeros: true, MaxElements: 3, MaxBytes: 1000, Indent: " "}} {
			got, err := Value(nil, types, btf.ID(id), data, o)
			if err != nil {
				continue
			}
			if o.MaxBytes > 0 && len(got) > o.MaxBytes+3 {
				t.Errorf("%d bytes", len(got))
			}
			if !utf8.Valid(got) || strings.ContainsAny(string(got), "\x00\x1b\x7f") {
				t.Errorf("%q", got)
			}
		}
	})
}

// FuzzHeader writes a header and Go types of hostile types.
func FuzzHeader(f *testing.F) {
	f.Add(fixture(f).Bytes())
	f.Add(odd(f).Bytes())
	types, _ := valueTypes(f, binary.BigEndian)
	f.Add(types.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		types, err := btf.Parse(raw, btf.Options{})
		if err != nil || len(raw) > fuzzInput {
			return
		}
		if src, err := Go(nil, types, GoOptions{MaxBytes: fuzzOutput}); err == nil {
			if _, err := format.Source(src); err != nil {
				t.Errorf("no Go: %v", err)
			}
		}
		got, err := Header(nil, types, HeaderOptions{MaxBytes: fuzzOutput, Asserts: true})
		if err == nil && strings.ContainsAny(string(got), "\x00\x1b\x7f\"'\\@$`") && !strings.Contains(string(got), "btf_type_tag") && !strings.Contains(string(got), "_Static_assert") {
			t.Errorf("%q", got)
		}
	})
}
