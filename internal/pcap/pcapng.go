package pcap

import (
	"encoding/binary"
	"math/bits"
)

// Blocks and options of pcapng.
const (
	blockSection   = magicSection
	blockInterface = 1
	blockSimple    = 3
	blockEnhanced  = 6

	orderMagic = 0x1a2b3c4d

	optionEnd       = 0
	optionComment   = 1
	optionName      = 2  // if_name
	optionUnit      = 9  // if_tsresol
	optionTimeShift = 14 // if_tsoffset
	optionFlags     = 2  // epb_flags

	maxBlock  = maxPacket + 64<<10 // bytes
	maxIfaces = 1 << 16            // of a section
)

// ngInterface is an interface of a section.
type ngInterface struct {
	name  string
	unit  unit
	shift uint64 // seconds that times are after 1970
	snap  uint32 // of simple packets; 0 is no limit
}

// unit is the unit of times: a second has so many.
type unit uint64

// ns converts a time. What does not fit wraps around.
func (u unit) ns(t uint64) uint64 {
	hi, lo := bits.Mul64(t%uint64(u), 1e9)
	frac, _ := bits.Div64(hi, lo, uint64(u)) // hi is below u
	return t/uint64(u)*1e9 + frac
}

// nextBlock reads blocks up to a packet.
func (p *Reader) nextBlock() (Packet, error) {
	for {
		kind, body, err := p.block()
		if err != nil {
			return Packet{}, err
		}
		switch kind {
		case blockSection:
			p.ifaces = nil
		case blockInterface:
			err = p.addInterface(body)
		case blockSimple:
			return p.simple(body)
		case blockEnhanced:
			return p.enhanced(body)
		}
		if err != nil {
			return Packet{}, err
		}
	}
}

// block reads a block and returns what is between its lengths.
func (p *Reader) block() (kind uint32, body []byte, err error) {
	b, err := p.take(12, "block header", false)
	if err != nil {
		return 0, nil, err
	}
	kind = p.order.Uint32(b)
	if kind == blockSection { // its next word is the byte order of the section
		switch {
		case binary.LittleEndian.Uint32(b[8:]) == orderMagic:
			p.order = binary.LittleEndian
		case binary.BigEndian.Uint32(b[8:]) == orderMagic:
			p.order = binary.BigEndian
		default:
			return 0, nil, p.bad("a section has no byte order")
		}
	}
	first := [4]byte(b[8:])
	n := p.order.Uint32(b[4:])
	if n%4 != 0 || n < 12 || n > maxBlock {
		return 0, nil, p.bad("a block of %d bytes is not possible", n)
	}
	if n == 12 { // the word was the length at its end
		return kind, nil, p.same(p.order.Uint32(first[:]), n)
	}
	rest, err := p.take(int(n)-12, "block", true)
	if err != nil {
		return 0, nil, err
	}
	if err := p.same(p.order.Uint32(rest[len(rest)-4:]), n); err != nil {
		return 0, nil, err
	}
	copy(rest[4:], rest[:len(rest)-4])
	copy(rest, first[:])
	return kind, rest, nil
}

// same checks the length at the end of a block.
func (p *Reader) same(end, n uint32) error {
	if end != n {
		return p.bad("a block has the length %d at its start and %d at its end", n, end)
	}
	return nil
}

// addInterface reads an interface description.
func (p *Reader) addInterface(b []byte) error {
	if len(b) < 8 {
		return p.bad("the description of an interface has %d bytes, at least 8 are necessary", len(b))
	}
	if len(p.ifaces) == maxIfaces {
		return p.bad("there are more than %d interfaces", maxIfaces)
	}
	if err := p.ethernet(uint32(p.order.Uint16(b))); err != nil {
		return err
	}
	i := ngInterface{unit: 1e6, snap: p.order.Uint32(b[4:])}
	err := p.options(b[8:], func(code uint16, v []byte) error {
		switch {
		case code == optionName:
			i.name = string(v)
		case code == optionUnit && len(v) == 1:
			return p.setUnit(&i, v[0])
		case code == optionTimeShift && len(v) == 8:
			i.shift = p.order.Uint64(v)
		}
		return nil
	})
	p.ifaces = append(p.ifaces, i)
	return err
}

// setUnit reads a unit of time: a power of 10, or of 2 if the upper bit is set.
func (p *Reader) setUnit(i *ngInterface, v byte) error {
	n := v &^ 0x80
	i.unit = 1
	if v != n {
		if n > 63 {
			return p.bad("times in units of 2^-%d seconds are not read", n)
		}
		i.unit <<= n
		return nil
	}
	if n > 19 {
		return p.bad("times in units of 10^-%d seconds are not read", n)
	}
	for range n {
		i.unit *= 10
	}
	return nil
}

// options calls f for each option.
func (p *Reader) options(b []byte, f func(code uint16, value []byte) error) error {
	for len(b) >= 4 {
		code, n := p.order.Uint16(b), int(p.order.Uint16(b[2:]))
		if code == optionEnd {
			return nil
		}
		b = b[4:]
		if n > len(b) {
			return p.bad("an option of %d bytes does not fit in its block", n)
		}
		if err := f(code, b[:n]); err != nil {
			return err
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return nil
}

// enhanced reads an enhanced packet block.
func (p *Reader) enhanced(b []byte) (Packet, error) {
	if len(b) < 20 {
		return Packet{}, p.bad("a packet block has %d bytes, at least 20 are necessary", len(b))
	}
	index, n := p.order.Uint32(b), p.order.Uint32(b[12:])
	if uint64(index) >= uint64(len(p.ifaces)) {
		return Packet{}, p.bad("a packet is of interface %d, the section has %d", index, len(p.ifaces))
	}
	if uint64(n) > uint64(len(b)-20) || n > maxPacket {
		return Packet{}, p.bad("a packet of %d bytes does not fit in its block", n)
	}
	i := &p.ifaces[index]
	t := uint64(p.order.Uint32(b[4:]))<<32 | uint64(p.order.Uint32(b[8:]))
	out := Packet{Time: i.unit.ns(t) + i.shift*1e9, Data: b[20 : 20+n], Length: int(p.order.Uint32(b[16:])), Interface: i.name}
	err := p.options(b[min(20+(int(n)+3)&^3, len(b)):], func(code uint16, v []byte) error {
		if code == optionFlags && len(v) == 4 {
			out.Direction = Direction(p.order.Uint32(v) & 3)
		}
		return nil
	})
	return out, err
}

// simple reads a simple packet block, which is of the first interface and has no time.
func (p *Reader) simple(b []byte) (Packet, error) {
	if len(p.ifaces) == 0 {
		return Packet{}, p.bad("a packet comes before any interface")
	}
	if len(b) < 4 {
		return Packet{}, p.bad("a packet block has %d bytes, at least 4 are necessary", len(b))
	}
	wire := p.order.Uint32(b)
	n := uint64(wire)
	if snap := p.ifaces[0].snap; snap != 0 {
		n = min(n, uint64(snap))
	}
	if n > uint64(len(b)-4) || n > maxPacket {
		return Packet{}, p.bad("a packet of %d bytes does not fit in its block", n)
	}
	return Packet{Data: b[4 : 4+n], Length: int(wire), Interface: p.ifaces[0].name}, nil
}
