package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/internal/wire"
	"github.com/google/go-cmp/cmp"
)

// TestExtGolden writes what is known of the fixture's instructions.
func TestExtGolden(t *testing.T) {
	types := fixture(t)
	ext, err := ParseExt(fixtureBytes(t, "kinds.btfext"), types)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, s := range ext.Sections {
		fmt.Fprintf(&b, "section %s\n", s.Name)
		for _, f := range s.Funcs {
			fmt.Fprintf(&b, "%4d func %s %d\n", f.Slot, f.Name, f.Type)
		}
		for _, l := range s.Lines {
			fmt.Fprintf(&b, "%4d line %s:%d:%d %s\n", l.Slot, l.File(), l.LineInfo.Line, l.Col, l.Text())
		}
		for _, r := range s.Relos {
			fmt.Fprintf(&b, "%4d relo %v %s %s\n", r.Slot, r.Kind, types.TypeName(r.Type), r.Access)
		}
		if got := ext.Section(s.Name); got == nil || got.Name != s.Name {
			t.Errorf("section %q is not found", s.Name)
		}
	}
	if ext.Section("none") != nil {
		t.Error("a section that is not there is found")
	}
	if *update {
		if err := os.WriteFile("testdata/kinds.ext.golden", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	compareLines(t, b.Bytes(), fixtureBytes(t, "kinds.ext.golden"))
}

// extBlob makes .BTF.ext of three parts, each with its record size first.
func extBlob(order binary.AppendByteOrder, parts ...[]uint32) []byte {
	b := order.AppendUint16(nil, magic)
	b = append(b, 1, 0)
	b = order.AppendUint32(b, uint32(8+8*len(parts)))
	at := 0
	for _, p := range parts {
		b = order.AppendUint32(order.AppendUint32(b, uint32(at)), uint32(4*len(p)))
		at += 4 * len(p)
	}
	for _, p := range parts {
		for _, w := range p {
			b = order.AppendUint32(b, w)
		}
	}
	return b
}

// extTypes have a function as type 3, and the strings "int", "f", "text" and "0:1" at 1, 5, 7 and 12.
func extTypes(t testing.TB, order binary.ByteOrder) *Types {
	b := Builder{Order: order}
	b.Add(&Int{Name: "int", Size: 4})
	p := b.Add(&FuncProto{})
	b.Add(&Func{Name: "f", Type: p})
	b.Add(&DeclTag{Tag: "text", Type: 3, Component: -1})
	b.Add(&DeclTag{Tag: "0:1", Type: 3, Component: -1})
	return build(t, &b)
}

func TestExtOrders(t *testing.T) {
	for _, order := range []interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}{binary.LittleEndian, binary.BigEndian} {
		blob := extBlob(order,
			[]uint32{12, 7, 2, 0, 3, 99, 16, 3, 99},                                     // a longer record
			[]uint32{16, 7, 1, 8, 1, 5, 3<<10 | 4, 5, 1, 0, 5, 1, 1, 7, 1, 16, 0, 0, 0}, // "text" comes twice
			[]uint32{16, 5, 1, 24, 1, 12, 77})                                           // a kind of the future
		ext, err := ParseExt(blob, extTypes(t, order))
		if err != nil {
			t.Fatal(err)
		}
		if tails := ext.Sections[0].FuncTails; tails.Size != 4 || order.Uint32(tails.Bytes[4:]) != 99 {
			t.Errorf("tails %v", tails)
		}
		ext.Sections[0].FuncTails = Tails{}
		want := []ExtSection{
			{
				Name: "text", Funcs: []FuncInfoAt{{0, FuncInfo{"f", 3}}, {2, FuncInfo{"f", 3}}},
				Lines: []LineInfoAt{{1, *NewLineInfo("int", "f", 3, 4)}, {Slot: 2}},
			},
			{Name: "f", Lines: []LineInfoAt{{0, *NewLineInfo("f", "int", 0, 1)}}, Relos: []CoreReloAt{{3, CoreRelo{1, "0:1", 77}}}},
		}
		if d := cmp.Diff(want, ext.Sections); d != "" {
			t.Errorf("%v: %s", order, d)
		}
		old := extBlob(order, []uint32{8, 7, 1, 0, 3}, nil)
		if ext, err := ParseExt(old, extTypes(t, order)); err != nil || len(ext.Sections) != 1 {
			t.Errorf("header without CO-RE: %v", err)
		}
	}
}

// TestMalformedExt has the cases B14 and B15.
func TestMalformedExt(t *testing.T) {
	le := binary.LittleEndian
	ext := func(parts ...[]uint32) []byte { return extBlob(le, parts...) }
	good := ext([]uint32{8, 7, 1, 0, 3}, []uint32{16, 7, 1, 8, 1, 5, 1}, []uint32{16, 7, 1, 24, 1, 12, 0})
	types := extTypes(t, le)
	if _, err := ParseExt(good, types); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id   string
		blob []byte
		want error
		at   uint64
	}{
		{"B14 2^32-1 functions", patch(good, 40, 1<<32-1), wire.ErrCount, 44},
		{"B14 2^32-1 lines", patch(good, 60, 1<<32-1), wire.ErrCount, 64},
		{"B14 2^32-1 relocations", patch(good, 88, 1<<32-1), wire.ErrCount, 92},
		{"B14 one record too many", patch(good, 40, 2), wire.ErrCount, 44},
		{"B14 no records", patch(good, 40, 0), ErrExt, 40},
		{"B14 record size 0", patch(good, 32, 0), ErrExt, 32},
		{"B14 record size 4", patch(good, 32, 4), ErrExt, 32},
		{"B14 odd record size", patch(good, 32, 9), ErrExt, 32},
		{"B14 huge record size", patch(good, 32, 1<<32-4), wire.ErrCount, 44},
		{"B15 section name out of range", patch(good, 36, 1<<31), ErrString, 36},
		{"B15 section without a name", patch(good, 36, 0), ErrString, 36},
		{"B15 file name out of range", patch(good, 68, 99), ErrString, 68},
		{"B15 line out of range", patch(good, 72, 99), ErrString, 72},
		{"B15 access string out of range", patch(good, 100, 99), ErrString, 100},
		{"B15 slot inside an instruction", patch(good, 64, 12), ErrExt, 64},
		{"function id out of range", patch(good, 48, 6), ErrID, 48},
		{"function that is an int", patch(good, 48, 1), ErrExt, 48},
		{"relocation id out of range", patch(good, 96, 6), ErrID, 96},
		{"part into the next", patch(good, 12, 24), wire.ErrTruncated, 56},
		{"part past the end", patch(good, 12, 1<<20), wire.ErrTruncated, 32},
		{"part wraps", patch(good, 8, 1<<32-4), wire.ErrTruncated, 108},
		{"part not aligned", patch(good, 8, 2), ErrExt, 16},
		{"header too small", patch(good, 4, 16), ErrExt, 2},
		{"header too large", patch(good, 4, 1<<20), ErrExt, 2},
		{"magic", patch(good, 0, 0), ErrMagic, 0},
		{"version", patch(good, 0, magic|2<<16), ErrExt, 2},
		{"other byte order", extBlob(binary.BigEndian, nil, nil), ErrMagic, 0},
		{"empty", nil, wire.ErrTruncated, 0},
	} {
		_, err := ParseExt(c.blob, types)
		var where *FormatError
		if !errors.Is(err, c.want) || !errors.As(err, &where) {
			t.Errorf("%s: %v, want %v", c.id, err, c.want)
		} else if where.Section != ".BTF.ext" || where.Offset != c.at {
			t.Errorf("%s: at %s+%#x, want %#x: %v", c.id, where.Section, where.Offset, c.at, err)
		}
	}
	for i := range good {
		if ext, err := ParseExt(good[:i:i], types); err == nil && !slices.Contains([]int{32, 52, 80}, i) {
			t.Errorf("cut after %d bytes: %v", i, ext)
		}
	}
}

// TestExtWanted keeps only what is wanted, of sections in several parts too, and checks the rest.
func TestExtWanted(t *testing.T) {
	order := binary.LittleEndian
	lines := []uint32{16, 7, 1, 8, 1, 5, 1, 5, 2, 0, 5, 1, 2, 8, 5, 1, 3, 7, 1, 16, 1, 5, 4} // "text", "f", "text"
	blob := extBlob(order, []uint32{8, 5, 1, 0, 3, 7, 1, 0, 3}, lines)
	types := extTypes(t, order)
	all, err := ParseExt(blob, types)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"text", "f", "none"} {
		o := ExtOptions{Wanted: func(section string) bool { return section == name }}
		got, err := o.Parse(blob, types)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(all.Section(name), got.Section(name)); d != "" || name != "none" && len(got.Sections) != 1 || name == "none" && len(got.Sections) != 0 {
			t.Errorf("%s: %d sections, %s", name, len(got.Sections), d)
		}
		for _, word := range []int{3, 9, 19} { // the slot of a line of each part
			bad := slices.Clone(lines)
			bad[word]++
			if _, err := o.Parse(extBlob(order, nil, bad), types); !errors.Is(err, ErrExt) {
				t.Errorf("%s: a slot inside an instruction, word %d: %v", name, word, err)
			}
		}
	}
	if f := all.Section("f").Lines; len(f) != 2 || cap(f) != 2 {
		t.Errorf("there is room for %d of %d lines", cap(f), len(f))
	}
	if s := all.Section("text"); len(s.Lines) != 2 || s.Lines[1].Slot != 2 || s.Lines[1].LineInfo.Line != 0 || s.Lines[1].Col != 4 || cap(s.Lines) != 2 {
		t.Errorf("lines in two parts are %v", all.Sections)
	}
}

// Whoever has no time for many records can end their reading anywhere.
func TestParseExtWhile(t *testing.T) {
	const records = 3 * perCheck
	var types Builder
	types.Add(&Int{Name: "int", Size: 4, Bits: 32})
	word := binary.LittleEndian.AppendUint32
	b := []byte{0x9f, 0xeb, 1, 0}
	for _, v := range []uint32{24, 0, 0, 0, 12 + 16*records, 16, 1, records} {
		b = word(b, v)
	}
	for i := range uint32(records) {
		b = word(word(word(word(b, 8*i), 0), 0), 1<<10)
	}
	table := build(t, &types)
	for _, tt := range []struct {
		times int
		want  error
	}{{0, errEnough}, {2, errEnough}, {100, nil}} {
		ext, err := ExtOptions{Check: enough(tt.times)}.Parse(b, table)
		if err != tt.want || err == nil && len(ext.Sections[0].Lines) != records {
			t.Errorf("after %d times: %v, want %v", tt.times, err, tt.want)
		}
	}
}
