package render

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
)

// TestUntyped renders structs with parts of type void, as C++ has them, also after the end.
func TestUntyped(t *testing.T) {
	var b btf.Builder
	u32 := b.Add(&btf.Int{Name: "u32", Size: 4})
	s := b.Add(&btf.Struct{Name: "counter", Size: 8, Members: []btf.Member{
		{Name: "", Type: 0}, {Name: "n", Type: u32}, {Name: "at", Type: 0, Offset: 32}, {Name: "inc", Offset: 256},
	}})
	u := b.Add(&btf.Struct{Name: "both", Union: true, Size: 4, Members: []btf.Member{{Name: "a", Type: u32}, {Name: "get", Offset: 256}}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		id    btf.ID
		zeros bool
		want  string
	}{
		{s, false, "{.n = 1}"}, {s, true, "{.n = 1}"}, {u, false, "{.a = 1}"}, {u, true, "{.a = 1}"},
	} {
		got, err := Value(nil, types, tt.id, []byte{1, 0, 0, 0, 2, 0, 0, 0}[:8-4*(tt.id-s)], ValueOptions{Zeros: tt.zeros})
		if err != nil || string(got) != tt.want {
			t.Errorf("value of type %d: %s, %v, want %s", tt.id, got, err, tt.want)
		}
	}
	c, err := Header(nil, types, HeaderOptions{})
	if err != nil || !strings.Contains(string(c), wantC) {
		t.Errorf("%v\n%s", err, c)
	}
	g, err := Go(nil, types, GoOptions{})
	if err != nil || !strings.Contains(string(g), wantGo) {
		t.Errorf("%v\n%s", err, g)
	}
}

const wantC = `struct counter {
	unsigned int n;
	int: 32;
};
`

const wantGo = `type Counter struct {
	N uint32 // u32 n
	_ [4]byte
}
`
