package spec

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// config has a variable of
//
//	struct { u16 id; struct { s16 low; u16 high; } ports[4]; u32 a:3; s32 b:7; u32 c:22; u64 wide; }
//
// whose bit-fields begin at byte 20.
func config(t testing.TB, order asm.ByteOrder) *Collection {
	t.Helper()
	var b btf.Builder
	u16 := b.Add(&btf.Int{Name: "u16", Size: 2})
	s16 := b.Add(&btf.Int{Name: "s16", Size: 2, Encoding: btf.IntSigned})
	u32 := b.Add(&btf.Int{Name: "u32", Size: 4})
	s32 := b.Add(&btf.Int{Name: "s32", Size: 4, Encoding: btf.IntSigned})
	u64 := b.Add(&btf.Int{Name: "u64", Size: 8})
	port := b.Add(&btf.Struct{Size: 4, Members: []btf.Member{{Name: "low", Type: s16}, {Name: "high", Type: u16, Offset: 16}}})
	ports := b.Add(&btf.Array{Type: port, Index: u32, Count: 4})
	cfg := b.Add(&btf.Struct{Name: "cfg", Size: 32, Members: []btf.Member{
		{Name: "id", Type: u16}, {Name: "ports", Type: ports, Offset: 16},
		{Name: "a", Type: u32, Offset: 160, BitSize: 3}, {Name: "b", Type: s32, Offset: 163, BitSize: 7}, {Name: "c", Type: u32, Offset: 170, BitSize: 22},
		{Name: "wide", Type: u64, Offset: 192},
	}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return &Collection{
		Order: order, BTF: types,
		Maps: []*Map{{Name: ".bss", Type: MapArray, KeySize: 4, ValueSize: 44, MaxEntries: 1}},
		Vars: []*Var{
			{Name: "cfg", Map: ".bss", Offset: 4, Size: 32, Type: cfg},
			{Name: "f.count", Map: ".bss", Offset: 36, Size: 4},
			{Name: "short", Map: ".bss", Offset: 40, Size: 4, Type: cfg},
		},
	}
}

func TestPlace(t *testing.T) {
	const little, big = asm.LittleEndian, asm.BigEndian
	for _, test := range []struct {
		order asm.ByteOrder
		path  string
		value int64
		at    int
		want  string
	}{
		{little, "cfg.id", 0x1234, 4, "3412"},
		{big, "cfg.id", 0x1234, 4, "1234"},
		{little, "cfg.ports[3].low", -2, 18, "feff"},
		{little, "cfg.ports[3].high", 65535, 20, "ffff"},
		{little, "cfg.a", 5, 24, "05000000"},
		{little, "cfg.b", -1, 24, "f8030000"},
		{little, "cfg.c", 1<<22 - 1, 24, "00fcffff"},
		{big, "cfg.a", 5, 24, "a0000000"},
		{big, "cfg.b", -1, 24, "1fc00000"},
		{big, "cfg.c", 1<<22 - 1, 24, "003fffff"},
		{little, "cfg.wide", -1 << 62, 28, ""},
		{big, "f.count", 7, 36, "00000007"},
	} {
		c := config(t, test.order)
		p, err := c.VarPath(test.path)
		if err != nil {
			t.Error(err)
			continue
		}
		if test.want == "" {
			if err := p.SetInt(c, test.value); err == nil {
				t.Errorf("%s takes %d", test.path, test.value)
			}
			continue
		}
		if err := p.SetInt(c, test.value); err != nil {
			t.Error(err)
			continue
		}
		n := len(test.want) / 2
		if got := hex.EncodeToString(c.Maps[0].Data[test.at : test.at+n]); got != test.want {
			t.Errorf("%s = %d gives %s, want %s", test.path, test.value, got, test.want)
		}
		if u, err := p.Uint(c); err != nil || u != uint64(test.value) {
			t.Errorf("%s: Uint %d, %v", test.path, u, err)
		}
		if x, err := p.Int(c); err != nil || p.sign == signTwos && x != test.value {
			t.Errorf("%s: Int %d, %v", test.path, x, err)
		}
	}
}

func TestPlaceNeighbours(t *testing.T) {
	c := config(t, asm.LittleEndian)
	for path, x := range map[string]uint64{"cfg.a": 7, "cfg.b": ^uint64(0), "cfg.c": 1<<22 - 1} {
		p, _ := c.VarPath(path)
		if err := p.SetUint(c, x); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := c.VarPath("cfg.b")
	if err := p.SetUint(c, 0); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(c.Maps[0].Data[24:28]); got != "07fcffff" {
		t.Errorf("neighbours changed: %s", got)
	}
}

func TestPlaceRefused(t *testing.T) {
	c := config(t, asm.LittleEndian)
	for path, want := range map[string]string{
		"nothing.a":        `no variable "nothing"`,
		"":                 `no variable ""`,
		"cfg.nothing":      "not found",
		"cfg.ports[4].low": "index 4 of 4",
		"cfg.id.x":         "no members",
		"f.count.x":        "no type information",
		"short.wide":       "outside the 4",
		"cfg.":             "name is missing",
	} {
		if _, err := c.VarPath(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", path, err, want)
		}
	}
	for path, x := range map[string]int64{"cfg.a": 8, "cfg.b": 64, "cfg.id": -1, "f.count": 1 << 33, "cfg": 1, "cfg.ports": 1} {
		p, err := c.VarPath(path)
		if err != nil {
			t.Error(err)
		} else if err := p.SetInt(c, x); err == nil {
			t.Errorf("%s takes %d", path, x)
		}
	}
	if p, err := c.VarPath("cfg.ports"); err != nil {
		t.Error(err)
	} else if err := p.SetInt(c, -1); err == nil || !strings.Contains(err.Error(), "16 bytes are not a number") {
		t.Errorf("an array takes -1: %v", err)
	}
	if c.Maps[0].Data != nil {
		t.Error("a refused value changed the data")
	}
	p, _ := c.VarPath("cfg.ports")
	if err := p.SetBytes(c, make([]byte, 15)); err == nil {
		t.Error("16 bytes take 15")
	}
	if b, err := p.Bytes(c); err != nil || len(b) != 16 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func TestPlaceBool(t *testing.T) {
	var b btf.Builder
	on := b.Add(&btf.Int{Name: "_Bool", Size: 1, Encoding: btf.IntBool})
	pair := b.Add(&btf.Struct{Size: 2, Members: []btf.Member{{Name: "whole", Type: on}, {Name: "bit", Type: on, Offset: 11, BitSize: 1}}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	c := &Collection{
		BTF:  types,
		Maps: []*Map{{Name: ".data", Type: MapArray, KeySize: 4, ValueSize: 2, MaxEntries: 1, Data: []byte{0xff, 0}}},
		Vars: []*Var{{Name: "on", Map: ".data", Size: 2, Type: pair}},
	}
	for path, want := range map[string][2]byte{"on.whole": {1, 0}, "on.bit": {0, 8}} {
		p, err := c.VarPath(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []int64{2, -1, 255, 256} {
			if err := p.SetInt(c, x); err == nil || p.Fits(uint64(x)) {
				t.Errorf("%s takes %d", path, x)
			}
		}
		if err := p.SetUint(c, 2); err == nil || !strings.Contains(err.Error(), "value 2 is neither 0 nor 1") {
			t.Errorf("%s: %v", path, err)
		}
		if err := p.SetInt(c, 1); err != nil || c.Maps[0].Data[0]&want[0] != want[0] || c.Maps[0].Data[1] != want[1] {
			t.Errorf("%s: % x, %v", path, c.Maps[0].Data, err)
		}
		if x, err := p.Uint(c); err != nil || x != 1 {
			t.Errorf("%s is %d, %v", path, x, err)
		}
		if err := p.SetUint(c, 0); err != nil || c.Maps[0].Data[0]&want[0] != 0 || c.Maps[0].Data[1] != 0 {
			t.Errorf("%s: % x, %v", path, c.Maps[0].Data, err)
		}
	}
}

func TestPlaceGrown(t *testing.T) {
	var b btf.Builder
	u32 := b.Add(&btf.Int{Name: "u32", Size: 4})
	pair := b.Add(&btf.Struct{Size: 8, Members: []btf.Member{{Name: "low", Type: u32}, {Name: "high", Type: u32, Offset: 32}}})
	list := b.Add(&btf.Array{Type: pair, Index: u32, Count: 1})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	c := &Collection{
		BTF:  types,
		Maps: []*Map{{Name: ".data", Type: MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Data: make([]byte, 8)}},
		Vars: []*Var{{Name: "pairs", Map: ".data", Size: 8, Type: list}},
	}
	if _, err := c.VarPath("pairs[1].high"); err == nil {
		t.Error("an array of one has a second element")
	}
	if err := c.ResizeData(".data", 24); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"pairs[3].high": "index 3 of 3", "pairs[2].none": "not found", "pairs[x]": "not a number", "pairs.low": "no members"} {
		if _, err := c.VarPath(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	for path, offset := range map[string]uint32{"pairs[0].high": 4, "pairs[2].high": 20, "pairs[1]": 8, "pairs": 0} {
		if p, err := c.VarPath(path); err != nil || p.Offset != offset {
			t.Errorf("%s is at %d, %v, want %d", path, p.Offset, err, offset)
		}
	}
	p, err := c.VarPath("pairs[2].high")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetUint(c, 7); err != nil || c.Maps[0].Data[20] != 7 {
		t.Errorf("% x, %v", c.Maps[0].Data, err)
	}
}
