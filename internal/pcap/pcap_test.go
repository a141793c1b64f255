package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// frame is a packet of n bytes.
func frame(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// pcapOf makes a capture in the format pcap.
func pcapOf(order binary.AppendByteOrder, magic uint32, packets ...[]byte) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(order.AppendUint16(b, 2), 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(order.AppendUint32(b, maxPacket), linkEthernet)
	for i, p := range packets {
		for _, v := range []int{1000 + i, 5, len(p), len(p) + 100} {
			b = order.AppendUint32(b, uint32(v))
		}
		b = append(b, p...)
	}
	return b
}

// all reads a capture to its end.
func all(b []byte) (list []Packet, err error) {
	r, err := NewReader(bytes.NewReader(b))
	for err == nil {
		var p Packet
		if p, err = r.Next(); err == nil {
			p.Data = slices.Clone(p.Data)
			list = append(list, p)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return list, err
}

func TestReadPcap(t *testing.T) {
	for _, tt := range []struct {
		name  string
		order binary.AppendByteOrder
		magic uint32
		frac  uint64
	}{
		{"little-endian, microseconds", binary.LittleEndian, magicMicro, 5000},
		{"little-endian, nanoseconds", binary.LittleEndian, magicNano, 5},
		{"big-endian, microseconds", binary.BigEndian, magicMicro, 5000},
		{"big-endian, nanoseconds", binary.BigEndian, magicNano, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := all(pcapOf(tt.order, tt.magic, frame(60), frame(14)))
			if err != nil || len(got) != 2 {
				t.Fatalf("%d packets, %v", len(got), err)
			}
			if p := got[0]; p.Time != 1000e9+tt.frac || p.Length != 160 || !bytes.Equal(p.Data, frame(60)) {
				t.Errorf("first packet %+v", p)
			}
			if p := got[1]; p.Time != 1001e9+tt.frac || len(p.Data) != 14 {
				t.Errorf("second packet %+v", p)
			}
		})
	}
}

// block makes a block of pcapng.
func block(order binary.AppendByteOrder, kind uint32, body ...byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	n := uint32(len(body) + 12)
	b := order.AppendUint32(order.AppendUint32(nil, kind), n)
	return order.AppendUint32(append(b, body...), n)
}

// words makes the body of a block.
func words(order binary.AppendByteOrder, list ...uint32) (b []byte) {
	for _, w := range list {
		b = order.AppendUint32(b, w)
	}
	return b
}

// option makes an option.
func option(order binary.AppendByteOrder, code uint16, v ...byte) []byte {
	b := append(order.AppendUint16(order.AppendUint16(nil, code), uint16(len(v))), v...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func section(order binary.AppendByteOrder) []byte {
	return block(order, blockSection, words(order, orderMagic, 1, 0xffffffff, 0xffffffff)...)
}

func TestReadPcapng(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		link := order.AppendUint16(nil, linkEthernet)
		head := slices.Concat(link, []byte{0, 0}, words(order, 20))
		end := make([]byte, 4)
		file := slices.Concat(
			section(order),
			block(order, 0x0bad, 1, 2, 3), // of a kind that is not known
			block(order, 0x0bad),
			block(order, blockInterface, slices.Concat(head, option(order, optionName, []byte("eth0")...), option(order, optionUnit, 9), end)...),
			block(order, blockInterface, slices.Concat(head, option(order, optionUnit, 0x80|10), option(order, optionTimeShift, order.AppendUint64(nil, 7)...), end)...),
			block(order, blockEnhanced, slices.Concat(words(order, 0, 1, 2, 15, 99), frame(15), []byte{0}, option(order, optionFlags, order.AppendUint32(nil, 2)...), end)...),
			block(order, blockEnhanced, slices.Concat(words(order, 1, 0, 1536, 16, 16), frame(16))...),
			block(order, blockSimple, slices.Concat(words(order, 30), frame(20))...),
			section(order), // whose interfaces are its own
			block(order, blockInterface, head...),
			block(order, blockEnhanced, slices.Concat(words(order, 0, 0, 3, 4, 4), frame(4))...),
		)
		got, err := all(file)
		want := []Packet{
			{Time: 1<<32 + 2, Data: frame(15), Length: 99, Interface: "eth0", Direction: Outbound},
			{Time: 8.5e9, Data: frame(16), Length: 16},
			{Data: frame(20), Length: 30, Interface: "eth0"},
			{Time: 3000, Data: frame(4), Length: 4},
		}
		if err != nil || len(got) != len(want) {
			t.Fatalf("%v: %d packets, %v", order, len(got), err)
		}
		for i, p := range got {
			w := want[i]
			if !bytes.Equal(p.Data, w.Data) {
				t.Errorf("%v: packet %d has % x", order, i, p.Data)
			}
			p.Data, w.Data = nil, nil
			if p.Time != w.Time || p.Length != w.Length || p.Interface != w.Interface || p.Direction != w.Direction {
				t.Errorf("%v: packet %d is %+v, want %+v", order, i, p, w)
			}
		}
	}
}

func TestReadRejects(t *testing.T) {
	le := binary.LittleEndian
	good := pcapOf(le, magicMicro, frame(60))
	raw := slices.Clone(good)
	raw[20] = 101
	long := slices.Clone(good)
	le.PutUint32(long[32:], maxPacket+1)
	ng := section(le)
	iface := block(le, blockInterface, words(le, linkEthernet, 0)...)
	odd := block(le, 5, 1)
	odd[len(odd)-4] = 99
	for _, tt := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "the capture is empty", nil},
		{"short", "this is not a capture: it has only 2 bytes", []byte{1, 2}},
		{"something else", "this is not a capture: it begins with 7f 45 4c 46", []byte("\x7fELF....")},
		{"header", "offset 0: the capture is cut off: 10 of 24 bytes of a file header are there", good[:10]},
		{"packet header", "offset 24: the capture is cut off: 6 of 16 bytes of a packet header are there", good[:30]},
		{"packet", "offset 40: the capture is cut off: 10 of 60 bytes of a packet are there", good[:50]},
		{"packet without bytes", "offset 40: the capture is cut off: 0 of 60 bytes of a packet are there", good[:40]},
		{"link type", "offset 0: packets of link type 101 are not simulated, Ethernet (1) is", raw},
		{"long packet", "offset 24: the packet has 262145 bytes, at most 262144 are possible", long},
		{"block length", "offset 28: a block of 7 bytes is not possible", slices.Concat(ng, words(le, 6, 7, 0))},
		{"block end", "offset 40: a block has the length 16 at its start and 99 at its end", slices.Concat(ng, odd)},
		{"byte order", "offset 0: a section has no byte order", words(le, blockSection, 28, 1, 0, 0, 0, 28)},
		{"cut block", "offset 40: the capture is cut off: 4 of 8 bytes of a block are there", slices.Concat(ng, iface[:16])},
		{"no interface", "a packet is of interface 0, the section has 0", slices.Concat(ng, block(le, blockEnhanced, words(le, 0, 0, 0, 0, 0)...))},
		{"simple without interface", "a packet comes before any interface", slices.Concat(ng, block(le, blockSimple, words(le, 0)...))},
		{"packet in block", "a packet of 9 bytes does not fit in its block", slices.Concat(ng, iface, block(le, blockEnhanced, words(le, 0, 0, 0, 9, 9)...))},
		{"option", "an option of 9 bytes does not fit in its block", slices.Concat(ng, block(le, blockInterface, words(le, linkEthernet, 0, 9<<16|2)...))},
		{"unit", "times in units of 10^-20 seconds are not read", slices.Concat(ng, block(le, blockInterface, slices.Concat(words(le, linkEthernet, 0), option(le, optionUnit, 20))...))},
	} {
		if _, err := all(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(pcapOf(binary.BigEndian, magicNano, frame(20)))
	f.Add(slices.Concat(section(binary.LittleEndian), block(binary.LittleEndian, blockInterface, words(binary.LittleEndian, linkEthernet, 0)...),
		block(binary.LittleEndian, blockEnhanced, slices.Concat(words(binary.LittleEndian, 0, 0, 3, 4, 4), frame(4))...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _ := all(b)
		n := 0
		for _, p := range list {
			n += len(p.Data)
		}
		if n > len(b) {
			t.Errorf("%d bytes of packets in %d bytes", n, len(b))
		}
	})
}
