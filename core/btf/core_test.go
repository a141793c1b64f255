package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// scalars are the first types of every table that the CO-RE tests build.
type scalars struct {
	Builder
	char, short, int, u32, u64, ptr, long ID
}

func newScalars(order binary.ByteOrder) *scalars {
	s := &scalars{Builder: Builder{Order: order}}
	s.char = s.Add(&Int{Name: "char", Size: 1, Encoding: IntSigned})
	s.short = s.Add(&Int{Name: "short", Size: 2, Encoding: IntSigned})
	s.int = s.Add(&Int{Name: "int", Size: 4, Encoding: IntSigned})
	s.u32 = s.Add(&Int{Name: "unsigned int", Size: 4})
	s.u64 = s.Add(&Int{Name: "unsigned long long", Size: 8})
	s.long = s.Add(&Int{Name: "long", Size: 8, Encoding: IntSigned})
	s.ptr = s.Add(&Pointer{})
	return s
}

// coreLocal is what the program believes: struct task___local of testdata/kinds.c in short.
func coreLocal(t testing.TB, order binary.ByteOrder) *Types {
	s := newScalars(order)
	inner := s.Add(&Struct{Name: "inner", Size: 4, Members: []Member{{Name: "a", Type: s.char}, {Name: "b", Type: s.short, Offset: 16}}})
	pairs := s.Add(&Array{Type: inner, Index: s.int, Count: 4})
	tail := s.Add(&Array{Type: s.int, Index: s.int})
	union := s.Add(&Struct{Union: true, Size: 8, Members: []Member{{Name: "cookie", Type: s.u64}, {Name: "word", Type: s.u32}}})
	anon := s.Add(&Struct{Size: 8, Members: []Member{{Type: union}}})
	color := s.Add(&Enum{Name: "color", Size: 4, Values: []Enumerator{{"RED", 0}, {"GREEN___old", 5}}})
	s.Add(&Struct{Name: "task___local", Size: 48, Members: []Member{
		{Name: "pid", Type: s.int},                           // 0
		{Name: "flags", Type: s.u32, Offset: 32, BitSize: 3}, // 1
		{Name: "sign", Type: s.int, Offset: 35, BitSize: 5},  // 2
		{Type: anon, Offset: 64},                             // 3
		{Name: "pairs", Type: pairs, Offset: 128},            // 4
		{Name: "comm", Type: s.ptr, Offset: 256},             // 5
		{Name: "start", Type: s.u32, Offset: 320},            // 6
		{Name: "color", Type: color, Offset: 352},            // 7
		{Name: "tail", Type: tail, Offset: 384},              // 8
	}})
	s.Add(&Typedef{Name: "gone_t", Type: inner})
	s.Add(&Enum{Name: "negative", Size: 4, Values: []Enumerator{{"MINUS", 5}, {"LOW", 6}}})
	return build(t, &s.Builder)
}

// coreTarget is another kernel: struct task has grown, moved its fields and changed their widths.
func coreTarget(t testing.TB, order binary.ByteOrder) *Types {
	s := newScalars(order)
	s.Add(&Struct{Name: "unrelated", Size: 1, Members: []Member{{Name: "pid", Type: s.char}}})
	inner := s.Add(&Struct{Name: "inner", Size: 8, Members: []Member{{Name: "b", Type: s.short}, {Name: "a", Type: s.char, Offset: 32}}})
	pairs := s.Add(&Array{Type: inner, Index: s.int, Count: 3})
	tail := s.Add(&Array{Type: s.int, Index: s.int})
	s.Add(&Enum{Name: "negative", Size: 4, Values: []Enumerator{{"MINUS", 1<<32 - 1}, {"LOW", 1 << 31}}})
	anon := s.Add(&Struct{Size: 16, Members: []Member{{Name: "pad", Type: s.u64}, {Name: "cookie", Type: s.u64, Offset: 64}}})
	color := s.Add(&Enum{Name: "color", Size: 8, Wide: true, Values: []Enumerator{{"GREEN", 1 << 40}, {"RED", 1}}})
	s.Add(&Struct{Name: "task", Size: 88, Members: []Member{
		{Name: "state", Type: s.u64},
		{Name: "pid", Type: s.int, Offset: 64},
		{Name: "sign", Type: s.int, Offset: 92, BitSize: 7},
		{Name: "flags", Type: s.u64, Offset: 132, BitSize: 4},
		{Type: anon, Offset: 192},
		{Name: "pairs", Type: pairs, Offset: 320},
		{Name: "comm", Type: s.ptr, Offset: 512},
		{Name: "start", Type: s.u64, Offset: 576},
		{Name: "color", Type: color, Offset: 640},
		{Name: "tail", Type: tail, Offset: 704},
	}})
	return build(t, &s.Builder)
}

type coreCase struct {
	typ    string
	access string
	kind   CoreKind
	want   string
}

var coreCases = []coreCase{
	{"task___local", "0", CoreByteOffset, "0 size 48->88 no resize validate was 0"},
	{"task___local", "2", CoreByteOffset, "176 size 48->88 no resize validate was 96"},
	{"task___local", "0:0", CoreByteOffset, "8 size 4->4 validate was 0"},
	{"task___local", "1:0", CoreByteOffset, "96 size 4->4 validate was 48"},
	{"task___local", "0:3:0:0", CoreByteOffset, "32 size 8->8 validate was 8"},
	{"task___local", "0:3:0:1", CoreByteOffset, `poison: struct task___local in kernel has no "word" that fits validate was 8`},
	{"task___local", "0:4:2:1", CoreByteOffset, "56 size 2->2 validate was 26"},
	{"task___local", "0:4:2:0", CoreByteOffset, "60 size 1->1 validate was 24"},
	{"task___local", "0:4:2", CoreByteOffset, "56 size 4->8 no resize validate was 24"},
	{"task___local", "0:4:3", CoreByteOffset, `poison: struct task___local in kernel has no "pairs" that fits validate was 28`},
	{"task___local", "0:4:3", CoreExists, `0 (struct task___local in kernel has no "pairs" that fits) validate was 1`},
	{"task___local", "0:5", CoreByteOffset, "64 size 8->8 validate was 32"},
	{"task___local", "0:6", CoreByteOffset, "72 size 4->8 validate was 40"},
	{"task___local", "0:7", CoreByteOffset, "80 size 4->8 no resize validate was 44"},
	{"task___local", "0:8:7", CoreByteOffset, "116 size 4->4 validate was 76"},
	{"task___local", "0:2", CoreByteOffset, "8 was 4"},
	{"task___local", "0:2", CoreByteSize, "8 was 4"},
	{"task___local", "0:6", CoreByteSize, "8 validate was 4"},
	{"task___local", "0:6", CoreSigned, "0 validate was 0"},
	{"task___local", "0:0", CoreSigned, "1 validate was 1"},
	{"task___local", "0:2", CoreSigned, "1 validate was 1"},
	{"task___local", "0:1", CoreByteOffset, "16 was 4"},
	{"task___local", "0:1", CoreByteSize, "8 was 4"},
	{"task___local", "0:1", CoreLShift, "56 was 61"},
	{"task___local", "0:1", CoreRShift, "60 validate was 61"},
	{"task___local", "0:0", CoreLShift, "32 validate was 32"},
	{"task___local", "0:0", CoreRShift, "32 validate was 32"},
	{"task___local", "0:0", CoreExists, "1 validate was 1"},
	{"task___local", "0", CoreTypeIDLocal, "local id"},
	{"task___local", "0", CoreTypeIDTarget, "target id"},
	{"task___local", "0", CoreTypeExists, "1 validate was 1"},
	{"task___local", "0", CoreTypeSize, "88 validate was 48"},
	{"task___local", "0", CoreTypeMatches, "0 (struct task___local in kernel does not match) validate was 1"},
	{"inner", "0", CoreTypeMatches, "1 validate was 1"},
	{"gone_t", "0", CoreTypeExists, "0 (no gone_t in kernel) validate was 1"},
	{"gone_t", "0", CoreTypeSize, "0 (no gone_t in kernel) validate was 4"},
	{"gone_t", "0", CoreTypeIDTarget, "0 (no gone_t in kernel) local id"},
	{"gone_t", "0:1", CoreByteOffset, "poison: no gone_t in kernel validate was 2"},
	{"color", "1", CoreEnumvalExists, "1 validate was 1"},
	{"color", "1", CoreEnumvalValue, "1099511627776 validate was 5"},
	{"color", "0", CoreEnumvalValue, "1 validate was 0"},
	{"negative", "0", CoreEnumvalValue, "18446744073709551615 validate was 5"},
	{"negative", "1", CoreEnumvalValue, "18446744071562067968 validate was 6"},
}

// TestResolve goes through all kinds of relocation, one by one and with candidates looked up in
// advance.
func TestResolve(t *testing.T) {
	local, target := coreLocal(t, nil), coreTarget(t, nil)
	var relos []CoreRelo
	for _, c := range coreCases {
		relos = append(relos, CoreRelo{Type: find(t, local, c.typ, 0), Access: c.access, Kind: c.kind})
	}
	ready := NewResolver(local, Target{"kernel", target})
	ready.Prepare(relos)
	for i, c := range coreCases {
		one, err1 := Resolve(local, relos[i], Target{"kernel", target})
		got, err2 := ready.Resolve(relos[i])
		if err1 != nil || err2 != nil {
			t.Errorf("%v: %v, %v", c, err1, err2)
			continue
		}
		if a, b := fixupText(one), fixupText(got); a != b {
			t.Errorf("%v: %s alone, %s with others", c, a, b)
		}
		want := c.want
		switch want {
		case "local id":
			want = fmt.Sprintf("%[1]d was %[1]d", relos[i].Type)
		case "0 (no gone_t in kernel) local id":
			want = fmt.Sprintf("0 (no gone_t in kernel) was %d", relos[i].Type)
		case "target id":
			want = fmt.Sprintf("%d was %d", find(t, target, "task", KindStruct), relos[i].Type)
		}
		if s := fixupText(got); s != want {
			t.Errorf("%s:\n got %s\nwant %s", got.Text(), s, want)
		}
	}
}

// TestResolveWidths has fields of two widths: an access may follow only where the value is extended
// with zeroes.
func TestResolveWidths(t *testing.T) {
	for _, c := range []struct {
		name   string
		types  func(s *scalars) [2]ID
		refuse bool
	}{
		{"unsigned", func(s *scalars) [2]ID { return [2]ID{s.u32, s.u64} }, false},
		{"signed", func(s *scalars) [2]ID { return [2]ID{s.int, s.long} }, true},
		{"signed becomes unsigned", func(s *scalars) [2]ID { return [2]ID{s.int, s.u64} }, true},
		{"unsigned becomes signed", func(s *scalars) [2]ID { return [2]ID{s.u32, s.long} }, true},
		{"enums", func(s *scalars) [2]ID {
			return [2]ID{s.Add(&Enum{Name: "e", Size: 4}), s.Add(&Enum{Name: "e", Size: 8, Wide: true})}
		}, true},
		{"structs", func(s *scalars) [2]ID {
			return [2]ID{s.Add(&Struct{Name: "a", Size: 4}), s.Add(&Struct{Name: "b", Size: 8})}
		}, true},
		{"pointers", func(s *scalars) [2]ID { return [2]ID{s.ptr, s.Add(&Pointer{s.int})} }, false},
	} {
		s := newScalars(nil)
		two := c.types(s)
		id := s.Add(&Struct{Name: "s", Size: 8, Members: []Member{{Name: "x", Type: two[0]}}})
		local := build(t, &s.Builder)
		var target Builder
		for _, typ := range local.All() {
			if st, ok := typ.(*Struct); ok && st.Name == "s" {
				typ = &Struct{Name: "s", Size: 8, Members: []Member{{Name: "x", Type: two[1]}}}
			}
			target.Add(typ)
		}
		f, err := Resolve(local, CoreRelo{id, "0:0", CoreByteOffset}, Target{"kernel", build(t, &target)})
		if err != nil || f.Poison || f.NoResize != c.refuse || f.TargetSize != 8 {
			t.Errorf("%s: %s, %v", c.name, fixupText(f), err)
		}
	}
}

// TestResolveArrays holds that an access to an array is as wide as an element, however many there
// are: compilers load the first ones of an array by a relocation of the whole.
func TestResolveArrays(t *testing.T) {
	table := func(count uint32, long bool) *Types {
		s := newScalars(nil)
		elem := s.u32
		if long {
			elem = s.u64
		}
		row := s.Add(&Array{Type: s.Add(&Const{elem}), Index: s.int, Count: count})
		rows := s.Add(&Array{Type: s.Add(&Typedef{"row", row}), Index: s.int, Count: 2})
		s.Add(&Struct{Name: "s", Size: 512, Members: []Member{{Name: "row", Type: row, Offset: 32 * count}, {Name: "rows", Type: rows, Offset: 2048}}})
		return build(t, &s.Builder)
	}
	local := table(4, false)
	id := find(t, local, "s", KindStruct)
	for _, c := range []struct {
		access string
		to     *Types
		want   string
	}{
		{"0:0", table(8, false), "32 size 4->4 validate was 16"},
		{"0:1", table(8, false), "256 size 4->4 validate was 256"},
		{"0:1:1", table(8, false), "288 size 4->4 validate was 272"},
		{"0:1:1:2", table(8, false), "296 size 4->4 validate was 280"},
		{"0:0", table(4, true), "16 size 4->8 no resize validate was 16"}, // the program counts on the distance of elements
		{"0:0:1", table(4, true), "24 size 4->8 validate was 20"},
	} {
		f, err := Resolve(local, CoreRelo{id, c.access, CoreByteOffset}, Target{"kernel", c.to})
		if got := fixupText(f); err != nil || got != c.want {
			t.Errorf("%s: got %s, want %s, %v", f.Text(), got, c.want, err)
		}
	}
	f, err := Resolve(local, CoreRelo{id, "0:0", CoreByteSize}, Target{"kernel", table(8, false)})
	if err != nil || f.Value != 32 {
		t.Errorf("%s: %s, %v", f.Text(), fixupText(f), err)
	}
}

// fixupText writes the decision of a fixup.
func fixupText(f CoreResult) string {
	var b strings.Builder
	switch {
	case f.Poison:
		b.WriteString("poison: " + f.Reason)
	case f.Reason != "":
		fmt.Fprintf(&b, "%d (%s)", f.Value, f.Reason)
	default:
		fmt.Fprint(&b, f.Value)
	}
	if f.LocalSize != 0 {
		fmt.Fprintf(&b, " size %d->%d", f.LocalSize, f.TargetSize)
	}
	if f.NoResize {
		b.WriteString(" no resize")
	}
	if f.Validate {
		b.WriteString(" validate")
	}
	fmt.Fprintf(&b, " was %d", f.Local)
	return b.String()
}

// TestResolveBigEndian has other shifts than little endian; offsets are the same.
func TestResolveBigEndian(t *testing.T) {
	local, target := coreLocal(t, binary.BigEndian), coreTarget(t, binary.BigEndian)
	task := find(t, local, "task___local", 0)
	for kind, want := range map[CoreKind]uint64{CoreByteOffset: 16, CoreByteSize: 8, CoreLShift: 4, CoreRShift: 60} {
		f, err := Resolve(local, CoreRelo{task, "0:1", kind}, Target{"kernel", target})
		if err != nil || f.Value != want {
			t.Errorf("%v: %d, want %d, %v", kind, f.Value, want, err)
		}
	}
}

// TestResolveShifts reads each bit-field of a struct as a program would: load, shift left, shift
// right.
func TestResolveShifts(t *testing.T) {
	s := newScalars(nil)
	var members []Member
	at := uint32(0)
	for i, width := range []uint32{1, 7, 3, 5, 11, 4, 1, 31, 1, 18, 9, 6} {
		typ := s.u32
		if i%3 == 1 {
			typ = s.char
			width = min(width, 8)
		}
		members = append(members, Member{Name: fmt.Sprintf("f%d", i), Type: typ, Offset: at, BitSize: width})
		at += width
	}
	id := s.Add(&Struct{Name: "bits", Size: 24, Members: members})
	types := build(t, &s.Builder)
	mem := make([]byte, 24)
	for i := range mem {
		mem[i] = byte(i*37 + 11)
	}
	for i, m := range members {
		value := func(k CoreKind) uint64 {
			f, err := Resolve(types, CoreRelo{id, fmt.Sprintf("0:%d", i), k}, Target{"kernel", types})
			if err != nil || f.Poison {
				t.Fatalf("%s: %v %s", m.Name, err, f.Reason)
			}
			return f.Value
		}
		var word [8]byte
		off := value(CoreByteOffset)
		copy(word[:], mem[off:off+value(CoreByteSize)])
		got := binary.LittleEndian.Uint64(word[:]) << value(CoreLShift) >> value(CoreRShift)
		want := uint64(0)
		for bit := range m.BitSize {
			n := m.Offset + bit
			want |= uint64(mem[n/8]>>(n%8)&1) << bit
		}
		if got != want {
			t.Errorf("%s: %d bits at %d read as %#x, want %#x", m.Name, m.BitSize, m.Offset, got, want)
		}
	}
}

// TestResolveDeep has as many indexes as an access string may have, and one more.
func TestResolveDeep(t *testing.T) {
	s := newScalars(nil)
	deep := s.char
	for range maxAccess {
		deep = s.Add(&Array{Type: deep, Index: s.int, Count: 2})
	}
	id := s.Add(&Struct{Name: "s", Size: 1<<32 - 1, Members: []Member{{Name: "deep", Type: s.Add(&Typedef{"cube", deep})}}})
	types, err := Parse(must(s.Bytes()), Options{}) // it is larger than all that is valid
	if err != nil {
		t.Fatal(err)
	}
	for indexes, want := range map[int]error{maxAccess: nil, maxAccess + 1: ErrAccess} {
		relo := CoreRelo{id, "0" + strings.Repeat(":0", indexes-1), CoreByteOffset}
		if _, err := Resolve(types, relo, Target{"kernel", types}); !errors.Is(err, want) {
			t.Errorf("%d indexes: %v", indexes, err)
		}
	}
}

// B16, and what else is wrong with a relocation itself.
func TestResolveRefuses(t *testing.T) {
	local, target := coreLocal(t, nil), coreTarget(t, nil)
	task, color := find(t, local, "task___local", 0), find(t, local, "color", 0)
	long := strings.Repeat("0:", 10_000) + "0"
	many := NewResolver(local, Target{"kernel", target})
	for _, c := range []struct {
		typ    ID
		access string
		kind   CoreKind
		want   error
	}{
		{task, "", CoreByteOffset, ErrAccess},
		{task, "0:-1", CoreByteOffset, ErrAccess},
		{task, "0:+1", CoreByteOffset, ErrAccess},
		{task, "0:99999999999", CoreByteOffset, ErrAccess},
		{task, "2147483647:0", CoreByteOffset, ErrAccess},
		{find(t, local, "char", 0), "2147483648", CoreByteOffset, ErrAccess}, // an int in C
		{task, "a:b", CoreByteOffset, ErrAccess},
		{task, "0:", CoreByteOffset, ErrAccess},
		{task, ":0", CoreByteOffset, ErrAccess},
		{task, " 0", CoreByteOffset, ErrAccess},
		{task, long, CoreByteOffset, ErrAccess},
		{task, "0:9", CoreByteOffset, ErrAccess},
		{task, "0:3", CoreByteOffset, ErrAccess},   // an anonymous struct
		{task, "0:3:0", CoreByteOffset, ErrAccess}, // and an anonymous union in it
		{task, "0:0:0", CoreByteOffset, ErrAccess},
		{task, "0:4:4", CoreByteOffset, ErrAccess},
		{task, "0", CoreSigned, ErrAccess},
		{task, "1", CoreTypeSize, ErrAccess},
		{task, "0:1", CoreTypeExists, ErrAccess},
		{task, "0", CoreEnumvalValue, ErrAccess},
		{color, "2", CoreEnumvalValue, ErrAccess},
		{color, "0:0", CoreEnumvalValue, ErrAccess},
		{task, "0", lastCoreKind + 1, ErrCoreKind},
		{ID(local.Len()), "0", CoreTypeSize, ErrID},
		{0, "0", CoreTypeSize, ErrAccess},
		{find(t, local, "int", 0) + 4, "0", CoreTypeSize, ErrAccess}, // a pointer has no name
	} {
		f, err := Resolve(local, CoreRelo{c.typ, c.access, c.kind}, Target{"kernel", target})
		if _, again := many.Resolve(CoreRelo{c.typ, c.access, c.kind}); fmt.Sprint(again) != fmt.Sprint(err) {
			t.Errorf("type %d %.20q %v: %v alone, %v with others", c.typ, c.access, c.kind, err, again)
		}
		if !errors.Is(err, c.want) {
			t.Errorf("type %d %.20q %v: %v, want %v", c.typ, c.access, c.kind, err, c.want)
		} else if len(err.Error()) > 240 {
			t.Errorf("type %d %.20q: the error is %d bytes long", c.typ, c.access, len(err.Error()))
		} else if f.Target != -1 {
			t.Errorf("type %d %.20q: target %d of a failed fixup", c.typ, c.access, f.Target)
		}
	}
}
