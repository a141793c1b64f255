// Package pcap reads captures of packets in the formats pcap and pcapng, and writes pcapng. It reads
// both byte orders and times in any unit that the formats have, from a stream, a packet at a time.
//
// The formats are draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng of the IETF. Packets are those
// of Ethernet; a capture of something else is refused.
package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Direction says which way a packet went.
type Direction uint8

// The directions, as bits 0 and 1 of epb_flags have them.
const (
	Unknown  Direction = 0
	Inbound  Direction = 1
	Outbound Direction = 2
)

// Packet is a packet of a capture.
type Packet struct {
	Time      uint64 // ns since 1970; 0 where the capture does not say
	Data      []byte // from the Ethernet header on, as far as it was captured; valid until the next one is read
	Length    int    // bytes on the wire
	Interface string // that it was captured on; empty where the capture does not say
	Direction Direction
	Comment   string // of a packet that is written
}

// maxPacket is the longest packet that is read, in bytes (MAXIMUM_SNAPLEN of libpcap).
const maxPacket = 256 << 10

// The formats begin with one of these; those of pcap say the unit of time and the byte order.
const (
	magicMicro   = 0xa1b2c3d4
	magicNano    = 0xa1b23c4d
	magicSection = 0x0a0d0d0a
)

const linkEthernet = 1 // LINKTYPE_ETHERNET

// Reader reads a capture.
type Reader struct {
	r      *bufio.Reader
	order  binary.ByteOrder
	offset int64 // in the file
	buf    []byte
	next   func() (Packet, error)
	err    error

	unit   uint64        // of pcap: ns of a fraction of a second
	ifaces []ngInterface // of the section of pcapng
}

// NewReader reads the start of a capture. The error says what the input is instead.
func NewReader(r io.Reader) (*Reader, error) {
	p := &Reader{r: bufio.NewReaderSize(r, 64<<10), order: binary.LittleEndian}
	head, err := p.r.Peek(4)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			return nil, p.cut("magic number", err)
		}
		if len(head) == 0 {
			return nil, errors.New("the capture is empty")
		}
		return nil, fmt.Errorf("this is not a capture: it has only %d bytes", len(head))
	}
	le, be := binary.LittleEndian.Uint32(head), binary.BigEndian.Uint32(head)
	switch {
	case le == magicSection:
		p.next = p.nextBlock
		return p, nil
	case be == magicMicro, be == magicNano:
		p.order = binary.BigEndian
		le = be
	case le != magicMicro && le != magicNano:
		return nil, fmt.Errorf("this is not a capture: it begins with % x, which is neither pcap nor pcapng", head)
	}
	p.unit = 1000
	if le == magicNano {
		p.unit = 1
	}
	p.next = p.nextRecord
	return p, p.fileHeader()
}

// Next returns the next packet, or io.EOF after the last. An error that is not io.EOF says where the
// capture is not what it should be, and comes again.
func (p *Reader) Next() (Packet, error) {
	if p.err != nil {
		return Packet{}, p.err
	}
	pkt, err := p.next()
	p.err = err
	return pkt, err
}

// take returns the next n bytes, which are valid until the next call. The error is io.EOF where
// nothing follows and none is demanded.
func (p *Reader) take(n int, what string, must bool) ([]byte, error) {
	if cap(p.buf) < n {
		p.buf = make([]byte, n)
	}
	p.buf = p.buf[:n]
	got, err := io.ReadFull(p.r, p.buf)
	switch {
	case err == nil:
		p.offset += int64(n)
		return p.buf, nil
	case got == 0 && errors.Is(err, io.EOF) && !must:
		return nil, io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("offset %d: the capture is cut off: %d of %d bytes of a %s are there", p.offset, got, n, what)
	}
	return nil, p.cut(what, err)
}

// cut says that reading itself failed.
func (p *Reader) cut(what string, err error) error {
	return fmt.Errorf("offset %d: read %s: %w", p.offset, what, err)
}

// bad says what is wrong with what was read last.
func (p *Reader) bad(format string, args ...any) error {
	return fmt.Errorf("offset %d: "+format, append([]any{p.offset - int64(len(p.buf))}, args...)...)
}

// fileHeader reads the header of pcap.
func (p *Reader) fileHeader() error {
	b, err := p.take(24, "file header", true)
	if err != nil {
		return err
	}
	return p.ethernet(p.order.Uint32(b[20:]) & 0xffff)
}

// ethernet refuses other types of links.
func (p *Reader) ethernet(link uint32) error {
	if link != linkEthernet {
		return p.bad("packets of link type %d are not simulated, Ethernet (1) is; capture on one interface instead of \"any\"", link)
	}
	return nil
}

// nextRecord reads a packet of pcap.
func (p *Reader) nextRecord() (Packet, error) {
	b, err := p.take(16, "packet header", false)
	if err != nil {
		return Packet{}, err
	}
	sec, frac := uint64(p.order.Uint32(b)), uint64(p.order.Uint32(b[4:]))
	n, wire := p.order.Uint32(b[8:]), p.order.Uint32(b[12:])
	if n > maxPacket {
		return Packet{}, p.bad("the packet has %d bytes, at most %d are possible", n, maxPacket)
	}
	data, err := p.take(int(n), "packet", true)
	return Packet{Time: sec*1e9 + frac*p.unit, Data: data, Length: int(wire)}, err
}
