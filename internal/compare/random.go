package compare

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// generator makes random inputs, and contents of maps, for the programs of a type. Values come from a
// few pools, so that packets, contexts and maps have some in common, and from what the programs compare
// with: few random packets would be for port 53 otherwise.
type generator struct {
	r     *rand.Rand
	typ   spec.ProgramType
	seed  uint64
	made  int
	size  int      // of a context that is not that of a packet
	words []uint64 // that programs have
}

func newGenerator(seed uint64, a, b *side) *generator {
	g := &generator{r: rand.New(rand.NewPCG(seed, 0x636f6d70)), typ: a.program.Type, seed: seed}
	seen := map[uint64]bool{}
	add := func(x uint64) {
		if x > 1 && !seen[x] {
			seen[x] = true
			g.words = append(g.words, x)
		}
	}
	for _, s := range []*side{a, b} {
		for _, in := range s.program.Insns.All() {
			if in.Ref != asm.RefNone && in.Ref != asm.RefLabel || in.Op == asm.OpCall || in.Core != nil {
				continue
			}
			switch in.Op.Class() {
			case asm.ClassALU, asm.ClassALU64, asm.ClassJmp, asm.ClassJmp32, asm.ClassLd:
				add(uint64(in.Imm))
				add(uint64(uint32(in.Imm)))
			}
		}
		for _, v := range s.c.Vars {
			if data, err := v.Bytes(s.c); err == nil && len(data) <= maxVar {
				addData(add, data)
			}
		}
		if id, _ := spec.ContextType(s.c.BTF, s.program); id != 0 {
			if n, err := s.c.BTF.Size(id); err == nil && n <= maxContext {
				g.size = max(g.size, int(n))
			}
		}
	}
	if g.size == 0 {
		g.size = 12 * 8 // the arguments of a tracepoint
	}
	return g
}

// maxVar bounds the variables whose values are used, maxContext contexts, in bytes.
const maxVar, maxContext = 256, 1024

// addData adds the numbers of 2 and 4 bytes in data.
func addData(add func(uint64), data []byte) {
	le := binary.LittleEndian
	for i := 0; i+2 <= len(data); i += 2 {
		add(uint64(le.Uint16(data[i:])))
		if i%4 == 0 && i+4 <= len(data) {
			add(uint64(le.Uint32(data[i:])))
		}
	}
}

// one reports true once in n times.
func (g *generator) one(n int) bool { return g.r.IntN(n) == 0 }

// word returns a number.
func (g *generator) word() uint64 {
	switch {
	case len(g.words) > 0 && g.one(2):
		w := g.words[g.r.IntN(len(g.words))]
		return w + uint64(g.r.IntN(3)) - 1
	case g.one(2):
		return uint64(g.r.IntN(16))
	}
	return g.r.Uint64() >> g.r.IntN(64)
}

// put16 and put32 write a number in network byte order, or one that programs have as they have it.
func (g *generator) put16(b []byte, pool ...uint16) {
	switch {
	case len(g.words) > 0 && g.one(3):
		w := uint16(g.words[g.r.IntN(len(g.words))])
		if g.one(2) {
			binary.LittleEndian.PutUint16(b, w)
		} else {
			binary.BigEndian.PutUint16(b, w)
		}
	case len(pool) > 0 && !g.one(4):
		binary.BigEndian.PutUint16(b, pool[g.r.IntN(len(pool))])
	default:
		binary.BigEndian.PutUint16(b, uint16(g.r.Uint32()))
	}
}

func (g *generator) put32(b []byte, pool ...uint32) {
	switch {
	case len(g.words) > 0 && g.one(4):
		w := uint32(g.words[g.r.IntN(len(g.words))])
		if g.one(2) {
			binary.LittleEndian.PutUint32(b, w)
		} else {
			binary.BigEndian.PutUint32(b, w)
		}
	case len(pool) > 0 && !g.one(4):
		binary.BigEndian.PutUint32(b, pool[g.r.IntN(len(pool))])
	default:
		binary.BigEndian.PutUint32(b, g.r.Uint32())
	}
}

// Pools of what packets have.
var (
	addresses = []uint32{0x0a630001, 0x0a630002, 0x0a630003, 0xc0000201, 0xc0000202, 0x7f000001, 0xffffffff}
	ports     = []uint16{22, 53, 80, 443, 4242, 4243, 8080, 0, 65535}
	protocols = []byte{6, 6, 6, 17, 17, 17, 1, 58, 47, 132}
)

// next makes an input.
func (g *generator) next() Input {
	g.made++
	in := Input{Name: fmt.Sprintf("random input %d of seed %d", g.made, g.seed)}
	in.Process = vm.Process{
		PID: uint32(g.word()), TGID: uint32(1 + g.r.IntN(9)), UID: uint32(g.r.IntN(3) * 500), GID: uint32(g.r.IntN(3) * 500),
		Comm: []string{"init", "sh", "curl", "bash"}[g.r.IntN(4)], Cgroup: uint64(1 + g.r.IntN(4)),
	}
	switch {
	case g.typ == spec.ProgramXDP:
		in.Packet = g.packet()
		if g.one(2) {
			in.Context = g.fields(24, 12, 16)
		}
	case vm.HasPacket(g.typ):
		in.Packet = g.packet()
		if g.one(2) {
			in.Context = g.fields(192, 4, 8, 12, 32, 36, 40, 44, 68)
		}
	default:
		in.Context = make([]byte, g.size)
		for i := 0; i+8 <= g.size; i += 8 {
			binary.LittleEndian.PutUint64(in.Context[i:], g.word())
		}
	}
	return in
}

// fields makes a context with numbers of 4 bytes at offsets.
func (g *generator) fields(size int, offsets ...int) []byte {
	b := make([]byte, size)
	for _, at := range offsets {
		binary.LittleEndian.PutUint32(b[at:], uint32(g.word()))
	}
	return b
}

// packet makes an Ethernet frame, most of them well formed.
func (g *generator) packet() []byte {
	b := make([]byte, 14, 128)
	copy(b, "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00")
	b[11] = byte(g.r.IntN(4))
	if g.one(2) {
		copy(b, "\x02\x00\x00\x00\x00\x01")
	}
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	switch g.r.IntN(16) {
	case 0, 1:
		binary.BigEndian.PutUint16(b[12:], 0x86dd)
		b = g.ipv6(b)
	case 2:
		g.put16(b[12:], 0x0806, 0x8100, 0x88a8, 0x8847)
		b = g.payload(b)
	case 3:
		binary.BigEndian.PutUint16(b[12:], 0x8100)
		b = append(b, 0, byte(g.r.IntN(4)), 8, 0)
		b = g.ipv4(b)
	default:
		b = g.ipv4(b)
	}
	if g.one(12) { // as no sender means it
		b = b[:14+g.r.IntN(len(b)-13)]
	}
	if g.one(16) {
		b[g.r.IntN(len(b))] = byte(g.r.Uint32())
	}
	return b
}

func (g *generator) ipv4(b []byte) []byte {
	words := 5
	if g.one(8) {
		words = g.r.IntN(16)
	}
	h := make([]byte, max(words, 5)*4)
	h[0] = 0x40 | byte(words)
	h[1] = byte(g.r.IntN(4) * 8)
	if g.one(8) {
		g.put16(h[6:], 0x2000, 0x4000, 185)
	}
	h[8] = byte(g.r.IntN(65))
	h[9] = g.protocol()
	g.put32(h[12:], addresses...)
	g.put32(h[16:], addresses...)
	at := len(b)
	b = g.transport(append(b, h...), h[9])
	if g.one(10) {
		g.put16(b[at+2:])
	} else {
		binary.BigEndian.PutUint16(b[at+2:], uint16(len(b)-at))
	}
	return b
}

func (g *generator) ipv6(b []byte) []byte {
	h := make([]byte, 40)
	h[0] = 0x60
	h[6], h[7] = g.protocol(), byte(g.r.IntN(65))
	g.put32(h[8:], 0x20010db8, 0xfe800000)
	g.put32(h[20:], addresses...)
	g.put32(h[24:], 0x20010db8, 0xfe800000)
	g.put32(h[36:], addresses...)
	at := len(b)
	b = g.transport(append(b, h...), h[6])
	binary.BigEndian.PutUint16(b[at+4:], uint16(len(b)-at-40))
	return b
}

func (g *generator) protocol() byte {
	if len(g.words) > 0 && g.one(6) {
		return byte(g.words[g.r.IntN(len(g.words))])
	}
	return protocols[g.r.IntN(len(protocols))]
}

// transport appends the header of a protocol, and what it carries.
func (g *generator) transport(b []byte, protocol byte) []byte {
	switch protocol {
	case 6:
		h := make([]byte, 20)
		g.put16(h, ports...)
		g.put16(h[2:], ports...)
		g.put32(h[4:])
		h[12], h[13] = 5<<4, byte(g.r.IntN(64))
		b = append(b, h...)
	case 17, 132:
		h := make([]byte, 8)
		g.put16(h, ports...)
		g.put16(h[2:], ports...)
		g.put16(h[4:], 8)
		b = append(b, h...)
	case 1, 58:
		b = append(b, byte(g.r.IntN(16)*8), byte(g.r.IntN(4)), 0, 0, 0, 1, 0, byte(g.r.IntN(9)))
	}
	return g.payload(b)
}

func (g *generator) payload(b []byte) []byte {
	n := g.r.IntN(64)
	if g.one(16) {
		n = 1400
	}
	for range n {
		b = append(b, byte(g.r.Uint32()))
	}
	return b
}

// fill puts random entries into the maps of both sides that programs look keys up in, so that some of
// their keys are there. Maps that cannot hold an entry, and those that are not the same, stay as they
// are.
func (g *generator) fill(a, b *side) {
	for _, m := range a.c.Maps {
		if m.Data != nil || m.Freeze || !m.Type.PlainData() || m.KeySize > 64 || m.ValueSize > 4096 {
			continue
		}
		x, y := a.m.Map(m.Name), b.m.Map(m.Name)
		if x == nil || y == nil || !sameShape(x.Spec(), y.Spec()) {
			continue
		}
		for range 1 + g.r.IntN(8) {
			key, value := g.key(m), make([]byte, (int(m.ValueSize)+7)&^7)
			for i := 0; i+4 <= len(value); i += 4 {
				binary.LittleEndian.PutUint32(value[i:], uint32(g.word()))
			}
			if !m.Type.PerCPU() {
				value = value[:m.ValueSize]
			}
			if x.Update(key, value, vm.Any) == nil {
				_ = y.Update(key, value, vm.Any) // the same map takes the same entry
			}
		}
	}
}

// key makes a key of a map.
func (g *generator) key(m *spec.Map) []byte {
	key := make([]byte, m.KeySize)
	if m.Type == spec.MapArray || m.Type == spec.MapPerCPUArray {
		binary.LittleEndian.PutUint32(key, uint32(g.r.IntN(int(min(max(m.MaxEntries, 1), 1<<16)))))
		return key
	}
	rest := key
	if m.Type == spec.MapLPMTrie && len(key) > 4 {
		binary.LittleEndian.PutUint32(key, uint32(g.r.IntN(8*(len(key)-4)+1)))
		rest = key[4:]
	}
	for len(rest) >= 4 {
		if g.one(3) {
			binary.LittleEndian.PutUint32(rest, uint32(g.word()))
		} else {
			g.put32(rest, addresses...)
		}
		rest = rest[4:]
	}
	if len(rest) >= 2 {
		g.put16(rest, ports...)
		rest = rest[2:]
	}
	if len(rest) > 0 {
		rest[0] = g.protocol()
	}
	return key
}

func sameShape(a, b *spec.Map) bool {
	return a.Type == b.Type && a.KeySize == b.KeySize && a.ValueSize == b.ValueSize && a.MaxEntries == b.MaxEntries
}
