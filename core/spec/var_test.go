package spec

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

func TestVarNumbers(t *testing.T) {
	for _, order := range []asm.ByteOrder{asm.LittleEndian, asm.BigEndian} {
		for _, size := range []uint32{1, 2, 4, 8} {
			c := &Collection{Order: order,
				Maps: []*Map{{Name: ".data", Type: MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1, Data: bytes.Repeat([]byte{0xee}, 16)}},
				Vars: []*Var{{Name: "v", Map: ".data", Offset: 4, Size: size}},
			}
			v := c.Vars[0]
			if err := v.SetInt(c, -2); err != nil {
				t.Fatal(err)
			}
			if x, err := v.Int(c); err != nil || x != -2 {
				t.Errorf("%v, %d bytes: Int gave %d, %v", order, size, x, err)
			}
			if err := v.SetUint(c, 0x11); err != nil {
				t.Fatal(err)
			}
			if x, err := v.Uint(c); err != nil || x != 0x11 {
				t.Errorf("%v, %d bytes: Uint gave %#x, %v", order, size, x, err)
			}
			at := 4
			if order == asm.BigEndian {
				at = 4 + int(size) - 1
			}
			if c.Maps[0].Data[at] != 0x11 || c.Maps[0].Data[3] != 0xee || c.Maps[0].Data[4+size] != 0xee {
				t.Errorf("%v, %d bytes: data are % x", order, size, c.Maps[0].Data)
			}
			if size < 8 {
				if err := v.SetUint(c, 1<<(8*size)); err == nil {
					t.Errorf("%d bytes took a value that does not fit", size)
				}
				if err := v.SetInt(c, -1<<(8*size-1)-1); err == nil {
					t.Errorf("%d bytes took a negative value that does not fit", size)
				}
			}
		}
	}
}

// TestVarTyped refuses numbers that the type of a variable does not hold.
func TestVarTyped(t *testing.T) {
	var b btf.Builder
	types := map[string]btf.ID{
		"bool": b.Add(&btf.Int{Name: "_Bool", Size: 1, Encoding: btf.IntBool}), "char": b.Add(&btf.Int{Name: "signed char", Size: 1, Encoding: btf.IntSigned}),
		"u8": b.Add(&btf.Int{Name: "unsigned char", Size: 1}), "float": b.Add(&btf.Float{Name: "float", Size: 4}), "pair": b.Add(&btf.Struct{Name: "pair", Size: 8}),
	}
	built, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		typ  string
		x    int64
		want string // "" is no error
	}{
		{"bool", 1, ""}, {"bool", 250, "neither 0 nor 1"}, {"char", 127, ""}, {"char", 200, "does not fit its 8 bits"}, {"u8", 200, ""},
		{"u8", 256, "does not fit its 8 bits"}, {"float", 1, "are not a number"}, {"pair", 1, "are not a number"},
		{"char", -1, ""}, {"u8", -1, "does not fit its 8 bits"}, {"bool", -1, "does not fit its 8 bits"},
	} {
		size, err := built.Size(types[tt.typ])
		if err != nil {
			t.Fatal(err)
		}
		v := &Var{Name: "v", Map: ".data", Size: size, Type: types[tt.typ]}
		c := &Collection{BTF: built, Maps: []*Map{{Name: ".data", Type: MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Data: make([]byte, 8)}}, Vars: []*Var{v}}
		errs := []error{v.SetInt(c, tt.x)}
		if tt.x >= 0 {
			errs = append(errs, v.SetUint(c, uint64(tt.x)))
		}
		for _, err := range errs {
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s takes %d: %v, want %q", tt.typ, tt.x, err, tt.want)
			}
		}
	}
}

func TestVarZeroed(t *testing.T) {
	c := sample(t)
	v := c.Var("seen")
	if b, err := v.Bytes(c); err != nil || !bytes.Equal(b, make([]byte, 8)) {
		t.Errorf("got % x, %v", b, err)
	}
	if c.Map(".bss").Data != nil {
		t.Error("reading made the data of .bss")
	}
	if err := v.SetUint(c, 5); err != nil {
		t.Fatal(err)
	}
	if d := c.Map(".bss").Data; len(d) != 8 || d[0] != 5 {
		t.Errorf("data are % x", d)
	}
}

func TestVarBounds(t *testing.T) {
	c := sample(t)
	v := c.Var("ports")
	tests := []struct {
		name string
		do   func() error
		want string
	}{
		{"too short", func() error { return v.SetBytes(c, []byte{1}) }, "1 bytes given, it has 3"},
		{"too long", func() error { return v.SetBytes(c, make([]byte, 4)) }, "4 bytes given, it has 3"},
		{"write behind", func() error { return v.Write(c, 2, []byte{1, 2}) }, "2 bytes at offset 2 do not fit its 3"},
		{"write far behind", func() error { return v.Write(c, 1<<32-1, []byte{1}) }, "do not fit"},
		{"read behind", func() error { _, err := v.Read(c, 4, nil); return err }, "offset 4 is outside its 3 bytes"},
		{"no number", func() error { return v.SetUint(c, 1) }, "its 3 bytes are not a number"},
		{"no number read", func() error { _, err := v.Int(c); return err }, "its 3 bytes are not a number"},
		{"outside the map", func() error {
			_, err := (&Var{Name: "x", Map: ".bss", Offset: 1<<32 - 4, Size: 8}).Bytes(c)
			return err
		}, "are outside the 8 of map"},
		{"no map", func() error { return (&Var{Name: "x", Map: "none", Size: 4}).SetUint(c, 1) }, `its map "none" does not exist`},
		{"huge", func() error {
			c.Map(".bss").ValueSize, c.Map(".bss").Data = 1<<31, nil
			return (&Var{Name: "x", Map: ".bss", Size: 4}).SetUint(c, 1)
		}, "too many to be held"},
	}
	for _, tt := range tests {
		if err := tt.do(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	b := make([]byte, 8)
	if n, err := v.Read(c, 1, b); n != 2 || err != nil || b[0] != 2 || b[1] != 3 {
		t.Errorf("partial read gave %d, %v, % x", n, err, b)
	}
}
