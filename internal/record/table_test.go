package record

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
)

// packet is a record of struct packet.
func packet(tag string) []byte {
	b := []byte{10, 0, 0, 1, 192, 168, 0, 1, 0, 53, 0, 0}
	b = binary.LittleEndian.AppendUint16(b, 60)
	b = append(b, 17, 1|5<<1, 1, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, 2)
	var text [8]byte
	copy(text[:], tag)
	b = append(b, text[:]...)
	b = binary.LittleEndian.AppendUint32(b, 0xfffffffd)
	b = append(b, 2, 0, 0, 0, 0, 1)
	b = append(b, 1, 0, 2, 0)
	b = append(b, make([]byte, 48-len(b))...)
	return binary.LittleEndian.AppendUint64(b, 1<<63)
}

func TestTable(t *testing.T) {
	typ := packetType(t)
	fields, err := typ.Select([]string{"flow.source", "flow.port", "verdict", "tag", "delta", "mac", "ports"})
	if err != nil {
		t.Fatal(err)
	}
	table := NewTable(fields)
	out := table.AppendHeader(nil)
	for _, tag := range []string{"hello", "", "\x1b[2Jx", "äöü"} {
		out = table.AppendRow(out, packet(tag))
	}
	out = table.AppendRow(out, packet("short")[:16])
	want := `
flow.source      flow.port  verdict  tag         delta  mac           ports
10.0.0.1                53  SEEN     hello          -3  020000000001  {1, 2}
10.0.0.1                53  SEEN     -              -3  020000000001  {1, 2}
10.0.0.1                53  SEEN     \x1b[2Jx       -3  020000000001  {1, 2}
10.0.0.1                53  SEEN     äöü            -3  020000000001  {1, 2}
10.0.0.1                53  ?        ?               ?  ?             ?
`
	if got := "\n" + string(out); got != want {
		t.Errorf("got%swant%s", got, want)
	}
}

// Whatever a record has in it, a line is one line of printable text.
func TestTableSafe(t *testing.T) {
	typ := packetType(t)
	table, object := NewTable(typ.Fields()), NewObject(typ.Fields())
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		rec := make([]byte, random.IntN(70))
		for i := range rec {
			rec[i] = byte(random.Uint32())
		}
		line := string(table.AppendRow(nil, rec))
		if strings.Count(line, "\n") != 1 || strings.ContainsFunc(line[:len(line)-1], func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
			t.Fatalf("%x makes %q", rec, line)
		}
		checkJSON(t, append(append([]byte{'{'}, object.AppendFields(nil, rec)...), '}'))
	}
}

func BenchmarkTable(b *testing.B) {
	typ := packetType(b)
	table, rec := NewTable(typ.Fields()), packet("hello")
	var out []byte
	for b.Loop() {
		out = table.AppendRow(out[:0], rec)
	}
}

// Addresses of both kinds, pointers and a flexible array at the end have their forms.
func TestTableKinds(t *testing.T) {
	typ := built(t, 40, func(b *btf.Builder) []btf.Member {
		char, u8 := b.Add(&btf.Int{Name: "char", Size: 1, Encoding: btf.IntSigned}), b.Add(&btf.Int{Name: "unsigned char", Size: 1})
		index := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
		six := b.Add(&btf.Struct{Name: "in6_addr", Size: 16, Members: []btf.Member{{Name: "u6", Type: b.Add(&btf.Array{Type: u8, Index: index, Count: 16})}}})
		return []btf.Member{
			{Name: "six", Type: six}, {Name: "ptr", Type: b.Add(&btf.Pointer{}), Offset: 128},
			{Name: "one", Type: char, Offset: 192}, {Name: "rest", Type: b.Add(&btf.Array{Type: char, Index: index}), Offset: 320},
		}
	})
	rec := append([]byte{15: 1, 16: 0x10, 22: 0xff, 23: 0xff, 24: 'a'}, make([]byte, 15)...)
	rec = append(rec, "tail\x00x"...)
	out := NewTable(typ.Fields()).AppendRow(nil, rec)
	if got, want := string(out), "::1                       0xffff000000000010   97  tail\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	object := string(NewObject(typ.Fields()).AppendFields(nil, rec))
	if want := `"six":"::1","ptr":"0xffff000000000010","one":97,"rest":"tail"`; object != want {
		t.Errorf("got  %s\nwant %s", object, want)
	}
}
