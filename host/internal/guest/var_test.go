package guest

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
)

func TestVarReadWrite(t *testing.T) {
	x, obj := planning(t)
	v := x.ok(t, "find", x.Find(obj, abi.KindVar, []byte("wide")))
	if n := x.VarWrite(v, 2, []byte{1, 2, 3}); n != 3 {
		t.Fatalf("var_write = %d: %v", n, x.last.err)
	}
	b := make([]byte, 8)
	if n := x.VarRead(v, 0, b); n != 8 || string(b) != "\x00\x00\x01\x02\x03\x00\x00\x00" {
		t.Errorf("var_read = %d, %x", n, b)
	}
	if data := x.tx.Objects[0].Before.Maps[1].Data; data[10] != 0 {
		t.Error("the operator's object was changed")
	}
	errnoIn(t, "write past the end", x.VarWrite(v, 6, []byte{1, 2, 3}), abi.ErrRange)
	errnoIn(t, "write far past the end", x.VarWrite(v, math.MaxUint32, []byte{1}), abi.ErrRange)
	errnoIn(t, "read past the end", x.VarRead(v, 1, b), abi.ErrRange)
	last := x.tx.Edits[len(x.tx.Edits)-1]
	if last != (plan.Edit{Owner: "fake", Object: "drops", Kind: "var", Name: "wide", What: "bytes", Old: "000000", New: "010203"}) {
		t.Errorf("the log ends with %+v", last)
	}
}

// typedVars is an object with variables of every kind of number.
func typedVars(t *testing.T, order asm.ByteOrder) *spec.Collection {
	t.Helper()
	var b btf.Builder
	add := b.Add
	u8 := add(&btf.Int{Name: "u8", Size: 1})
	s16 := add(&btf.Int{Name: "s16", Size: 2, Encoding: btf.IntSigned})
	u32 := add(&btf.Int{Name: "u32", Size: 4})
	u64 := add(&btf.Int{Name: "u64", Size: 8})
	array := add(&btf.Array{Type: u8, Index: u32, Count: 4})
	enum := add(&btf.Enum{Name: "mode", Size: 4, Values: []btf.Enumerator{{Name: "OFF", Value: 0}}})
	inner := add(&btf.Struct{Name: "inner", Size: 4, Members: []btf.Member{
		{Name: "low", Type: u32, Offset: 0, BitSize: 3}, {Name: "high", Type: u32, Offset: 3, BitSize: 13},
	}})
	cfg := add(&btf.Struct{Name: "cfg", Size: 32, Members: []btf.Member{
		{Name: "a", Type: u8, Offset: 0}, {Name: "b", Type: s16, Offset: 16}, {Name: "ports", Type: array, Offset: 32},
		{Name: "mode", Type: enum, Offset: 64}, {Name: "in", Type: inner, Offset: 96}, {Name: "big", Type: u64, Offset: 128},
		{Name: "ptr", Type: add(&btf.Pointer{Type: u8}), Offset: 192},
	}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return &spec.Collection{Order: order, BTF: types,
		Maps: []*spec.Map{{Name: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 40, MaxEntries: 1, Data: make([]byte, 40)}},
		Vars: []*spec.Var{
			{Name: "cfg", Map: ".data", Offset: 8, Size: 32, Type: cfg},
			{Name: "plain", Map: ".data", Offset: 0, Size: 2},
			{Name: "odd", Map: ".data", Offset: 2, Size: 3},
		},
	}
}

func TestVarSetPath(t *testing.T) {
	for _, order := range []asm.ByteOrder{asm.LittleEndian, asm.BigEndian} {
		for _, tt := range []struct {
			path  string
			value int64
			want  abi.Errno
			off   int // of the storage in the section
			size  int
			store uint64 // the storage, read as one number
		}{
			{"cfg.a", 255, 0, 8, 1, 255},
			{"cfg.a", 256, abi.ErrRange, 0, 0, 0},
			{"cfg.a", -1, abi.ErrRange, 0, 0, 0},
			{"cfg.b", -2, 0, 10, 2, 0xfffe},
			{"cfg.b", 32767, 0, 10, 2, 32767},
			{"cfg.b", 32768, abi.ErrRange, 0, 0, 0},
			{"cfg.ports[3]", 7, 0, 15, 1, 7},
			{"cfg.ports[4]", 7, abi.ErrBTF, 0, 0, 0},
			{"cfg.mode", 3, 0, 16, 4, 3},
			{"cfg.big", -1, 0, 24, 8, math.MaxUint64},
			{"cfg.in", 1, abi.ErrBTF, 0, 0, 0},
			{"cfg.in.high", 1 << 13, abi.ErrRange, 0, 0, 0},
			{"cfg.ptr", 1, abi.ErrBTF, 0, 0, 0},
			{"cfg.nope", 1, abi.ErrBTF, 0, 0, 0},
			{"cfg.", 1, abi.ErrBTF, 0, 0, 0},
			{"cfg", 1, abi.ErrBTF, 0, 0, 0},
			{"plain", 65535, 0, 0, 2, 65535},
			{"plain", -1, 0, 0, 2, 65535},
			{"plain", 65536, abi.ErrRange, 0, 0, 0},
			{"plain.x", 1, abi.ErrBTF, 0, 0, 0},
			{"odd", 1, abi.ErrBTF, 0, 0, 0},
			{"nope", 1, abi.ErrNoent, 0, 0, 0},
			{"", 1, abi.ErrNoent, 0, 0, 0},
			{"[0]", 1, abi.ErrNoent, 0, 0, 0},
		} {
			x := newFake(t, abi.PhasePlan)
			x.Begin(tx.New("fake", []tx.Input{{Name: "o", Source: "o.o", Collection: typedVars(t, order)}}, nil))
			obj := x.ok(t, "object_open", x.ObjectOpen(nil))
			rc := x.VarSetPath(obj, []byte(tt.path), uint64(tt.value))
			if rc != -int32(tt.want) {
				t.Errorf("%s: %s = %d gives %d, want -%d: %v", order, tt.path, tt.value, rc, tt.want, x.last.err)
				continue
			}
			if tt.want != 0 {
				continue
			}
			data := x.tx.Objects[0].Work.Maps[0].Data
			if got := storage(data[tt.off:tt.off+tt.size], order); got != tt.store {
				t.Errorf("%s: %s = %d stores %#x, want %#x", order, tt.path, tt.value, got, tt.store)
			}
		}
	}
}

// storage reads bytes as one number.
func storage(b []byte, order asm.ByteOrder) uint64 {
	var all [8]byte
	if order == asm.BigEndian {
		copy(all[8-len(b):], b)
		return binary.BigEndian.Uint64(all[:])
	}
	copy(all[:], b)
	return binary.LittleEndian.Uint64(all[:])
}

// Bit-fields keep their neighbours: in little-endian C the first one is at the bottom, in
// big-endian at the top of the storage.
func TestVarSetBitField(t *testing.T) {
	for _, tt := range []struct {
		order asm.ByteOrder
		want  uint64
	}{{asm.LittleEndian, 5 | 0x1abc<<3}, {asm.BigEndian, 5<<29 | 0x1abc<<16}} {
		x := newFake(t, abi.PhasePlan)
		x.Begin(tx.New("fake", []tx.Input{{Name: "o", Source: "o.o", Collection: typedVars(t, tt.order)}}, nil))
		obj := x.ok(t, "object_open", x.ObjectOpen(nil))
		x.ok(t, "low", x.VarSetPath(obj, []byte("cfg.in.low"), 5))
		x.ok(t, "high", x.VarSetPath(obj, []byte("cfg.in.high"), 0x1abc))
		data := x.tx.Objects[0].Work.Maps[0].Data
		if got := storage(data[20:24], tt.order); got != tt.want {
			t.Errorf("%s: the storage is %#x, want %#x", tt.order, got, tt.want)
		}
		x.ok(t, "low", x.VarSetPath(obj, []byte("cfg.in.low"), 0))
		x.ok(t, "high", x.VarSetPath(obj, []byte("cfg.in.high"), 0))
		if got := storage(data[20:24], tt.order); got != 0 {
			t.Errorf("%s: the storage is %#x after both were cleared", tt.order, got)
		}
	}
}
