package sdk

import (
	"encoding/binary"
	"testing"
)

// record is an event as the host lays it out.
func record(kind uint32, seq uint64, payload string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = binary.LittleEndian.AppendUint64(b, seq)
	b = append(b, payload...)
	for len(b)%8 != 0 {
		b = append(b, 0xee)
	}
	return b
}

func TestBatch(t *testing.T) {
	data := record(EventData, 7, "hello")
	data = append(data, record(EventData, 8, "")...)
	data = append(data, record(EventLost, 9, "\x05\x00\x00\x00\x00\x00\x00\x00")...)
	data = append(data, record(EventData, 10, "12345678")...)
	var got []Event
	for e := range (Batch{Len: 4, data: data}).All {
		got = append(got, e)
	}
	if len(got) != 4 {
		t.Fatalf("%d events, want 4", len(got))
	}
	for i, want := range []string{"hello", "", "\x05\x00\x00\x00\x00\x00\x00\x00", "12345678"} {
		if e := got[i]; e.Seq != uint64(7+i) || string(e.Data) != want || cap(e.Data) != len(want) {
			t.Errorf("event %d: %+v (cap %d), want %q", i, e, cap(e.Data), want)
		}
	}
	if got[2].Lost() != 5 || got[3].Lost() != 0 {
		t.Errorf("lost %d and %d, want 5 and 0", got[2].Lost(), got[3].Lost())
	}
}

func TestBatchBroken(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty":            nil,
		"half a header":    record(EventData, 1, "")[:15],
		"payload cut":      record(EventData, 1, "hello")[:20],
		"length too large": {255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
	} {
		for e := range (Batch{Len: 3, data: data}).All {
			t.Errorf("%s: event %+v", name, e)
		}
	}
	// The last padding may be missing; nothing after it is invented.
	n := 0
	for range (Batch{Len: 3, data: record(EventData, 1, "hello")[:21]}).All {
		n++
	}
	if n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestBatchStop(t *testing.T) {
	data := append(record(EventData, 1, "a"), record(EventData, 2, "b")...)
	for e := range (Batch{Len: 2, data: data}).All {
		if e.Seq != 1 {
			t.Error("went on after break")
		}
		break
	}
}

// TestBatchAllocs: walking a batch makes no garbage.
func TestBatchAllocs(t *testing.T) {
	b := Batch{Len: 2, data: append(record(EventData, 1, "a"), record(EventData, 2, "b")...)}
	sum := 0
	if n := testing.AllocsPerRun(10, func() {
		for e := range b.All {
			sum += len(e.Data)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkBatch(b *testing.B) {
	var data []byte
	for i := range uint64(256) {
		data = append(data, record(EventData, i, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")...)
	}
	batch := Batch{Len: 256, data: data}
	b.SetBytes(int64(len(data)))
	sum := uint64(0)
	for b.Loop() {
		for e := range batch.All {
			sum += e.Seq + uint64(len(e.Data))
		}
	}
}
