package pcap

import (
	"bytes"
	"errors"
	"testing"
)

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	want := []Packet{
		{Time: 5<<32 + 7, Data: frame(61), Length: 100, Interface: "veth0 passed", Direction: Inbound, Comment: "XDP_PASS by count"},
		{Time: 8, Data: frame(14), Length: 14, Interface: "veth0 dropped", Comment: "x"},
		{Time: 9, Data: frame(16), Length: 16, Interface: "veth0 passed", Direction: Outbound},
	}
	for _, p := range want {
		w.Write(p)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b.Bytes(), []byte("XDP_PASS by count")) {
		t.Error("the comment is not there")
	}
	got, err := all(b.Bytes())
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d packets, %v", len(got), err)
	}
	for i, p := range got {
		w := want[i]
		if p.Time != w.Time || !bytes.Equal(p.Data, w.Data) || p.Length != w.Length || p.Interface != w.Interface || p.Direction != w.Direction {
			t.Errorf("packet %d is %+v, want %+v", i, p, w)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWriterFails(t *testing.T) {
	w := NewWriter(full{})
	w.Write(Packet{Data: frame(100), Length: 100})
	if err := w.Flush(); err == nil {
		t.Error("no error")
	}
}
