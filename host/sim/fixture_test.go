package sim

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
)

// programOf returns a program of the text.
func programOf(t testing.TB, name string, typ spec.ProgramType, text string) *spec.Program {
	t.Helper()
	l, err := asm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p := &spec.Program{Name: name, Type: typ, Insns: spec.NewInsns(l.Insns...)}
	p.Insns.Edit(func(insns []spec.Insn) { insns[0].Func = &btf.FuncInfo{Name: name} })
	return p
}

// attach loads the program in a collection with the maps and attaches it.
func attach(t testing.TB, b *Backend, p *spec.Program, a spec.Attach, maps ...*spec.Map) (backend.Loaded, backend.Hook) {
	t.Helper()
	l, err := b.Load(&spec.Collection{License: "GPL", Programs: []*spec.Program{p}, Maps: maps}, backend.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	loaded, ok := l.Program(p.Name)
	if !ok {
		t.Fatalf("program %s is not there", p.Name)
	}
	h, err := b.Attach(loaded, a)
	if err != nil {
		t.Fatal(err)
	}
	return l, h
}

// steps runs the simulation to its end and returns the error that is not io.EOF.
func steps(b *Backend) error {
	for {
		if err := b.Step(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// packets are packets in memory.
type packets []Packet

func (p *packets) Next() (Packet, error) {
	if len(*p) == 0 {
		return Packet{}, io.EOF
	}
	next := (*p)[0]
	*p = (*p)[1:]
	return next, nil
}

// frame is a packet of n bytes.
func frame(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	copy(b[12:], []byte{8, 0})
	return b
}

func word(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
