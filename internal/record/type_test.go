package record

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
)

// packetType is struct packet of the netwatch object.
func packetType(t testing.TB) *Type {
	t.Helper()
	b, err := os.ReadFile("../../guests/netwatch/netwatch.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return typeOf(t, c.BTF, "packet")
}

// typeOf is the struct of that name.
func typeOf(t testing.TB, types *btf.Types, name string) *Type {
	t.Helper()
	id, err := types.Find(name, btf.KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	typ, err := NewType(types, id)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// built makes a table of types with a struct "s" of these members, which add makes.
func built(t testing.TB, size uint32, add func(b *btf.Builder) []btf.Member) *Type {
	return builtIn(t, binary.LittleEndian, size, add)
}

func builtIn(t testing.TB, order binary.ByteOrder, size uint32, add func(b *btf.Builder) []btf.Member) *Type {
	t.Helper()
	b := &btf.Builder{Order: order}
	members := add(b)
	b.Add(&btf.Struct{Name: "s", Size: size, Members: members})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return typeOf(t, types, "s")
}

func TestTypeFields(t *testing.T) {
	typ := packetType(t)
	var got []string
	for _, f := range typ.Fields() {
		got = append(got, f.Describe())
	}
	want := []string{
		"flow.source (__be32)", "flow.dest (__be32)", "flow.port (__be16)", "length (__u16)", "proto (__u8)", "fragment (__u8, 1 bits)",
		"options (__u8, 3 bits)", "marked (_Bool)", "verdict (enum verdict)", "tag (char[8])", "delta (__s32)", "mac (__u8[6])",
		"ports (__u16[2])", "seen (__u64)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if typ.Name() != "struct packet" || typ.Size() != 56 {
		t.Errorf("%s of %d bytes", typ.Name(), typ.Size())
	}
}

func TestTypeField(t *testing.T) {
	typ := packetType(t)
	for _, tt := range []struct{ path, want string }{
		{"flow.port", "flow.port (__be16)"},
		{"ports[1]", "ports[1] (__u16)"},
		{"tag[0]", "tag[0] (char)"},
		{"ports[2]", "index 2 of 2 elements"},
		{"flow", `flow is a struct flow, did you mean "flow.source", "flow.dest" or "flow.port"?`},
		{"flow.prot", `struct packet has no field "flow.prot", did you mean "flow.port"?`},
		{"", `struct packet has no field ""`},
		{"\x1b[2J", `has no field "\x1b[2J"`},
	} {
		f, err := typ.Field(tt.path)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = f.Describe()
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%q: %s, want %s", tt.path, got, tt.want)
		}
	}
}

func TestTypeSelect(t *testing.T) {
	typ := packetType(t)
	list, err := typ.Select([]string{"proto", "flow", "ports[1]"})
	var got []string
	for _, f := range list {
		got = append(got, f.Path)
	}
	if want := []string{"proto", "flow.source", "flow.dest", "flow.port", "ports[1]"}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := typ.Select([]string{"prot"}); err == nil {
		t.Error("a field that is not there was selected")
	}
	if all, _ := typ.Select(nil); len(all) != 14 {
		t.Errorf("%d fields, want all", len(all))
	}
}

// Types that no compiler makes end in an error, not in a loop.
func TestTypeBounds(t *testing.T) {
	b := &btf.Builder{Order: binary.LittleEndian}
	inner := b.Add(&btf.Int{Name: "int", Size: 4})
	for range maxNesting + 1 {
		inner = b.Add(&btf.Struct{Name: "deep", Size: 4, Members: []btf.Member{{Name: "m", Type: inner}}})
	}
	members := make([]btf.Member, maxFields+1)
	for i := range members {
		members[i] = btf.Member{Name: "m", Type: 1}
	}
	wide := b.Add(&btf.Struct{Name: "wide", Size: 4, Members: members})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[btf.ID]string{inner: "structs inside each other", wide: "more than 1024 fields", 0: "read type of records"} {
		if _, err := NewType(types, id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("type %d: %v, want %s", id, err, want)
		}
	}
}
