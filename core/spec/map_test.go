package spec

import (
	"strings"
	"testing"
)

func TestMapCheck(t *testing.T) {
	inner := &Map{Name: "i", Type: MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	tests := []struct {
		m    Map
		want string // empty is fine
	}{
		{Map{Type: MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1}, ""},
		{Map{Type: MapRingbuf, MaxEntries: 4096}, ""},
		{Map{Type: MapPerfEventArray, KeySize: 4, ValueSize: 4}, ""},
		{Map{Type: MapTaskStorage, KeySize: 4, ValueSize: 8}, ""},
		{Map{Type: MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: inner}, ""},
		{Map{Type: MapType(200), KeySize: 1, ValueSize: 1, MaxEntries: 1}, ""},
		{Map{}, "it has no type"},
		{Map{Type: MapArray, KeySize: 8, ValueSize: 8, MaxEntries: 1}, "key_size is 8, type array needs 4"},
		{Map{Type: MapHash, ValueSize: 8, MaxEntries: 1}, "key_size is 0, type hash needs some"},
		{Map{Type: MapHash, KeySize: 4, ValueSize: 8}, "max_entries is 0"},
		{Map{Type: MapTaskStorage, KeySize: 4, ValueSize: 8, MaxEntries: 4}, "must have 0"},
		{Map{Type: MapRingbuf, ValueSize: 8, MaxEntries: 4096}, "value_size is 8, type ringbuf needs 0"},
		{Map{Type: MapStackTrace, KeySize: 4, ValueSize: 12, MaxEntries: 4}, "needs a multiple of 8"},
		{Map{Type: MapSockmap, KeySize: 4, ValueSize: 2, MaxEntries: 4}, "needs 4 or 8"},
		{Map{Type: MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1, Pinning: 2}, "pinning 2 is unknown"},
		{Map{Type: MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Data: make([]byte, 4)}, "4 bytes of data for a value of 8"},
		{Map{Type: MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1, Data: make([]byte, 8)}, "not array"},
		{Map{Type: MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1, NUMANode: 1}, "numa_node is 1 but its flag"},
		{Map{Type: MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2}, "needs the template"},
		{Map{Type: MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: inner}, "has no inner maps"},
		{Map{Type: MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1, Values: []MapValue{{0, "x"}}}, "initial values but is of type hash"},
		{Map{Type: MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Values: []MapValue{{1, "x"}}}, "has index 1, there are 1 entries"},
		{Map{Type: MapHashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: &Map{Type: MapHash}}, "inner map: key_size is 0"},
		{Map{Type: MapHashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: &Map{Type: MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Pinning: 1}}, "cannot be pinned"},
		{Map{Type: MapHashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: &Map{Type: MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: inner}}, "an inner map cannot have inner maps"},
	}
	for _, tt := range tests {
		err := tt.m.Check()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%v: got %v, want %q", tt.m.Type, err, tt.want)
		}
	}
}

func TestResizeData(t *testing.T) {
	c := sample(t)
	m := c.Map(".rodata")
	m.Value = 5
	if err := c.ResizeData(".rodata", 32); err != nil {
		t.Fatal(err)
	}
	if m.ValueSize != 32 || len(m.Data) != 32 || m.Data[0] != 7 || m.Data[15] != 12 || m.Data[16] != 0 || m.Value != 0 {
		t.Errorf("got %+v", m)
	}
	if err := c.ResizeData(".rodata", 7); err != nil {
		t.Errorf("cutting off bytes of no variable: %v", err)
	}
	for _, tt := range []struct {
		name string
		size uint32
		want string
	}{
		{".rodata", 6, `variable "ports" needs its first 7 bytes`},
		{".rodata", 0, "not between"},
		{".bss", 1 << 30, "not between"},
		{"flows", 8, "not a data section"},
		{"none", 8, "no such map"},
	} {
		if err := c.ResizeData(tt.name, tt.size); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s to %d: got %v, want %q", tt.name, tt.size, err, tt.want)
		}
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}
