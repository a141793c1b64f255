package pcap

import (
	"bufio"
	"encoding/binary"
	"io"
)

// Writer writes a capture in the format pcapng, little-endian, with times in ns.
type Writer struct {
	w      *bufio.Writer
	buf    []byte
	ifaces map[string]uint32
}

// NewWriter writes the start of a capture. Errors come with Flush.
func NewWriter(w io.Writer) *Writer {
	p := &Writer{w: bufio.NewWriterSize(w, 64<<10), ifaces: map[string]uint32{}}
	p.start(blockSection)
	p.u32(orderMagic)
	p.u32(1) // version 1.0
	p.u32(0xffffffff)
	p.u32(0xffffffff) // the length of the section is not known
	p.end()
	return p
}

// Write writes a packet. Each name of an interface becomes an interface of the capture.
func (p *Writer) Write(pkt Packet) {
	index, ok := p.ifaces[pkt.Interface]
	if !ok {
		index = p.addInterface(pkt.Interface)
	}
	p.start(blockEnhanced)
	p.u32(index)
	p.u32(uint32(pkt.Time >> 32))
	p.u32(uint32(pkt.Time))
	p.u32(uint32(len(pkt.Data)))
	p.u32(uint32(pkt.Length))
	p.padded(pkt.Data)
	if pkt.Comment != "" {
		p.option(optionComment, []byte(pkt.Comment[:min(len(pkt.Comment), 1<<15)]))
	}
	if pkt.Direction != Unknown {
		p.option(optionFlags, binary.LittleEndian.AppendUint32(nil, uint32(pkt.Direction)))
	}
	p.u32(optionEnd)
	p.end()
}

// Flush writes what is buffered and returns the first error of all writes.
func (p *Writer) Flush() error { return p.w.Flush() }

// addInterface describes an interface and returns its number.
func (p *Writer) addInterface(name string) uint32 {
	index := uint32(len(p.ifaces))
	p.ifaces[name] = index
	p.start(blockInterface)
	p.u32(linkEthernet)
	p.u32(0) // no limit of length
	p.option(optionName, []byte(name[:min(len(name), 1<<15)]))
	p.option(optionUnit, []byte{9})
	p.u32(optionEnd)
	p.end()
	return index
}

// start begins a block, whose length end fills in.
func (p *Writer) start(kind uint32) {
	p.buf = p.buf[:0]
	p.u32(kind)
	p.u32(0)
}

// end writes the block.
func (p *Writer) end() {
	n := uint32(len(p.buf) + 4)
	binary.LittleEndian.PutUint32(p.buf[4:], n)
	p.u32(n)
	_, _ = p.w.Write(p.buf) // Flush returns the error
}

func (p *Writer) u32(v uint32) { p.buf = binary.LittleEndian.AppendUint32(p.buf, v) }

// padded adds bytes and fills up to a multiple of 4.
func (p *Writer) padded(b []byte) {
	p.buf = append(p.buf, b...)
	for len(p.buf)%4 != 0 {
		p.buf = append(p.buf, 0)
	}
}

func (p *Writer) option(code uint16, v []byte) {
	p.u32(uint32(len(v))<<16 | uint32(code))
	p.padded(v)
}
