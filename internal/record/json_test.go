package record

import (
	"encoding/json"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
)

func checkJSON(t testing.TB, b []byte) {
	t.Helper()
	if !json.Valid(b) {
		t.Fatalf("not JSON: %s", b)
	}
}

func TestObject(t *testing.T) {
	typ := packetType(t)
	fields, err := typ.Select([]string{"flow.source", "tag", "verdict", "flow.port", "mac", "ports", "fragment", "marked", "seen"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		rec  []byte
		want string
	}{
		{packet("a\"\\\x01\xff"), `"flow":{"source":"10.0.0.1","port":53},"tag":"a\"\\\u0001` + "\ufffd" + `","verdict":"SEEN","mac":"020000000001","ports":[1,2],"fragment":1,"marked":true,"seen":9223372036854775808`},
		{packet("")[:10], `"flow":{"source":"10.0.0.1","port":53},"tag":null,"verdict":null,"mac":null,"ports":null,"fragment":null,"marked":null,"seen":null`},
	} {
		got := string(NewObject(fields).AppendFields(nil, tt.rec))
		checkJSON(t, []byte("{"+got+"}"))
		if got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// Arrays of structs and of arrays are lists of their elements.
func TestObjectArrays(t *testing.T) {
	typ := built(t, 16, func(b *btf.Builder) []btf.Member {
		u8, u16 := b.Add(&btf.Int{Name: "unsigned char", Size: 1}), b.Add(&btf.Int{Name: "unsigned short", Size: 2})
		index := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
		pair := b.Add(&btf.Struct{Name: "pair", Size: 4, Members: []btf.Member{{Name: "a", Type: u8}, {Name: "b", Type: u16, Offset: 16}}})
		grid := b.Add(&btf.Array{Type: b.Add(&btf.Array{Type: u16, Index: index, Count: 2}), Index: index, Count: 2})
		return []btf.Member{{Name: "pairs", Type: b.Add(&btf.Array{Type: pair, Index: index, Count: 2})}, {Name: "grid", Type: grid, Offset: 64},
			{Name: "more", Type: b.Add(&btf.Array{Type: pair, Index: index}), Offset: 128}}
	})
	rec := []byte{1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9, 0, 10, 0, 11}
	got := string(NewObject(typ.Fields()).AppendFields(nil, rec))
	if want := `"pairs":[{"a":1,"b":2},{"a":3,"b":4}],"grid":[[5,6],[7,8]],"more":[{"a":9,"b":10}]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
