package record

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Numbers are read from their bits, in both byte orders, with their sign.
func TestFieldUint(t *testing.T) {
	members := func(b *btf.Builder) []btf.Member {
		i32, u16 := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned}), b.Add(&btf.Int{Name: "unsigned short", Size: 2})
		be16 := b.Add(&btf.Const{Type: b.Add(&btf.Typedef{Name: "__be16", Type: u16})})
		u128 := b.Add(&btf.Int{Name: "unsigned __int128", Size: 16})
		return []btf.Member{
			{Name: "low", Type: i32, BitSize: 3}, {Name: "high", Type: i32, Offset: 3, BitSize: 13},
			{Name: "plain", Type: i32, Offset: 32}, {Name: "port", Type: be16, Offset: 64}, {Name: "wide", Type: u128, Offset: 128},
		}
	}
	for _, tt := range []struct {
		order binary.ByteOrder
		rec   []byte
	}{
		{binary.LittleEndian, []byte{0b1101_1110, 0b1111_1111, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0, 80, 0, 0}},
		{binary.BigEndian, []byte{0b1101_1111, 0b1111_1011, 0, 0, 0xff, 0xff, 0xff, 0xfe, 0, 80, 0, 0}},
	} {
		typ := builtIn(t, tt.order, 32, members)
		for path, want := range map[string]int64{"low": -2, "high": -5, "plain": -2, "port": 80} {
			f, err := typ.Field(path)
			if err != nil {
				t.Fatal(err)
			}
			if x, ok := f.Uint(tt.rec); !ok || int64(x) != want {
				t.Errorf("%v: %s is %d, %v, want %d", tt.order, path, int64(x), ok, want)
			}
			again := bytes.Clone(tt.rec)
			f.Put(again[f.Offset:], 1)
			if x, _ := f.Uint(again); x != 1 || bytes.Equal(again, tt.rec) {
				t.Errorf("%v: %s is %d after 1 was put", tt.order, path, x)
			}
			if f.Put(again[f.Offset:], uint64(want)); !bytes.Equal(again, tt.rec) {
				t.Errorf("%v: %s: %x, want %x", tt.order, path, again, tt.rec)
			}
		}
		f, _ := typ.Field("wide")
		if _, ok := f.Uint(tt.rec); ok || f.Number() {
			t.Errorf("%v: a field after the end of the record is there", tt.order)
		}
	}
}

func TestFieldFloat(t *testing.T) {
	typ := built(t, 16, func(b *btf.Builder) []btf.Member {
		f32, f64 := b.Add(&btf.Float{Name: "float", Size: 4}), b.Add(&btf.Float{Name: "double", Size: 8})
		return []btf.Member{{Name: "a", Type: f32}, {Name: "b", Type: f64, Offset: 64}}
	})
	rec := binary.LittleEndian.AppendUint32(nil, math.Float32bits(1.5))
	rec = binary.LittleEndian.AppendUint64(append(rec, 0, 0, 0, 0), math.Float64bits(-0.25))
	for i, want := range []float64{1.5, -0.25} {
		f := &typ.Fields()[i]
		if x, ok := f.Float(rec); !ok || x != want {
			t.Errorf("%s is %v, %v", f.Path, x, ok)
		}
		if got := string(f.AppendJSON(nil, rec)); got != map[int]string{0: "1.5", 1: "-0.25"}[i] {
			t.Errorf("%s as JSON is %s", f.Path, got)
		}
	}
}
