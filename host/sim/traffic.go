package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/bpfhost/bpfhost/internal/nearest"
)

// Flow says which packets the built-in traffic has: those of UDP, TCP and ICMP in turns, from
// 10.99.0.From to 10.99.0.1, as package internal/testnet sends them on a kernel.
type Flow struct {
	UDP, TCP, ICMP int
	From           byte // last byte of the source, 2 or 3 in internal/testnet; 0 is 2
	Size           int  // bytes of payload of UDP and ICMP; 0 is 32
	Every          time.Duration
	Repeat         bool // without end
}

// ParseFlow reads "udp=3,tcp=2,icmp=1", with "from=3", "size=100", "every=5ms".
func ParseFlow(text string) (Flow, error) {
	f := Flow{Every: 5 * time.Millisecond}
	from := 2
	numbers := map[string]*int{"udp": &f.UDP, "tcp": &f.TCP, "icmp": &f.ICMP, "from": &from, "size": &f.Size}
	limits := map[string]int{"udp": 1 << 30, "tcp": 1 << 30, "icmp": 1 << 30, "from": 254, "size": 1472}
	for _, part := range strings.Split(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		if key == "every" {
			d, err := time.ParseDuration(value)
			if err != nil || d < 0 {
				return f, fmt.Errorf("%q is not a time such as every=5ms", part)
			}
			f.Every = d
			continue
		}
		at := numbers[key]
		if at == nil {
			return f, fmt.Errorf("%q is unknown%s", key, nearest.Hint(key, []string{"udp", "tcp", "icmp", "from", "size", "every"}))
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > limits[key] {
			return f, fmt.Errorf("%q is not a number from 0 to %d", part, limits[key])
		}
		*at = n
	}
	if f.UDP+f.TCP+f.ICMP == 0 {
		return f, fmt.Errorf("it has no packets; udp=3,tcp=2,icmp=1 has six")
	}
	f.From = byte(from)
	return f, nil
}

// The ports that packets go to, as in internal/testnet.
const udpPort, tcpPort = 4242, 4243

// Traffic returns the packets of flows, one flow after the other.
func Traffic(flows ...Flow) Packets { return &traffic{flows: flows} }

// traffic makes packets of flows.
type traffic struct {
	flows  []Flow
	sent   [3]int // of the first flow
	turn   int
	number uint16
	time   uint64
	buf    []byte
}

// Next makes the next packet.
func (t *traffic) Next() (Packet, error) {
	for len(t.flows) > 0 {
		f := &t.flows[0]
		want := [3]int{f.UDP, f.TCP, f.ICMP}
		if t.sent == want {
			t.sent, t.turn = [3]int{}, 0
			if !f.Repeat || want == [3]int{} {
				t.flows = t.flows[1:]
			}
			continue
		}
		kind := t.turn
		t.turn = (t.turn + 1) % 3
		if t.sent[kind] == want[kind] {
			continue
		}
		t.sent[kind]++
		p := Packet{Time: t.time, Data: t.packet(f, kind), Direction: Inbound}
		t.time += uint64(f.Every)
		return p, nil
	}
	return Packet{}, io.EOF
}

// Numbers of IPv4 and the protocols in it.
const (
	protoICMP, protoTCP, protoUDP        = 1, 6, 17
	etherHeader, ipHeader, udpHeader     = 14, 20, 8
	tcpHeader, icmpHeader, tcpSYN        = 20, 8, 2
	defaultPayload, firstPort, windowMax = 32, 40000, 64240
)

// packet makes a packet of UDP, TCP or ICMP.
func (t *traffic) packet(f *Flow, kind int) []byte {
	payload := f.Size
	if payload == 0 {
		payload = defaultPayload
	}
	proto, n := byte(protoUDP), udpHeader+payload
	switch kind {
	case 1:
		proto, n = protoTCP, tcpHeader+20 // of options
	case 2:
		proto, n = protoICMP, icmpHeader+payload
	}
	t.number++
	be := binary.BigEndian
	b := append(t.buf[:0], make([]byte, etherHeader+ipHeader+n)...)
	t.buf = b
	copy(b, []byte{2, 0xbf, 0, 0, 0, 1, 2, 0xbf, 0, 0, 0, 2, 8, 0})
	ip := b[etherHeader:]
	copy(ip, []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, proto, 0, 0, 10, 99, 0, f.source(), 10, 99, 0, 1})
	be.PutUint16(ip[2:], uint16(ipHeader+n))
	be.PutUint16(ip[4:], t.number)
	be.PutUint16(ip[10:], checksum(0, ip[:ipHeader]))
	l4 := ip[ipHeader:]
	be.PutUint16(l4, firstPort+t.number%1000)
	sum := uint32(proto) + uint32(n)
	for i := 12; i < 20; i += 2 {
		sum += uint32(be.Uint16(ip[i:]))
	}
	switch proto {
	case protoUDP:
		be.PutUint16(l4[2:], udpPort)
		be.PutUint16(l4[4:], uint16(n))
		be.PutUint16(l4[6:], checksum(sum, l4))
	case protoTCP: // the first of a connection
		be.PutUint16(l4[2:], tcpPort)
		be.PutUint32(l4[4:], uint32(t.number)<<8)
		copy(l4[12:], []byte{(tcpHeader + 20) << 2, tcpSYN})
		be.PutUint16(l4[14:], windowMax)
		copy(l4[tcpHeader:], []byte{2, 4, 5, 0xb4}) // its largest segment, 1460 bytes, and no more options
		be.PutUint16(l4[16:], checksum(sum, l4))
	case protoICMP: // an echo request
		copy(l4, []byte{8, 0, 0, 0, 0xbf, 5})
		be.PutUint16(l4[6:], t.number)
		be.PutUint16(l4[2:], checksum(0, l4))
	}
	return b
}

func (f *Flow) source() byte {
	if f.From == 0 {
		return 2
	}
	return f.From
}

// checksum is the Internet checksum (RFC 1071).
func checksum(sum uint32, b []byte) uint16 {
	for i, c := range b {
		sum += uint32(c) << (8 * (1 - i%2))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
