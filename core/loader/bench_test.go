package loader

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

func BenchmarkLoad(b *testing.B) {
	needKernel(b)
	k := NewKernel()
	defer k.Close()
	c := collection([]*spec.Program{program("small", asm.Mov64Imm(asm.R0, 2), asm.Exit())})
	b.ReportAllocs()
	for b.Loop() {
		got, err := Load(c, Options{Kernel: k})
		if err != nil {
			b.Fatal(err)
		}
		got.Close()
	}
}

func BenchmarkLoadWithMaps(b *testing.B) {
	needKernel(b)
	k := NewKernel()
	defer k.Close()
	c := counter()
	b.ReportAllocs()
	for b.Loop() {
		got, err := Load(c, Options{Kernel: k})
		if err != nil {
			b.Fatal(err)
		}
		got.Close()
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, typ := range []spec.MapType{spec.MapHash, spec.MapArray, spec.MapPerCPUHash} {
		b.Run(typ.String(), func(b *testing.B) {
			m := loadT(b, collection(nil, &spec.Map{Name: "m", Type: typ, KeySize: 4, ValueSize: 8, MaxEntries: 10}), Options{}).Map("m")
			k, v := key(1), make([]byte, m.ValueBufferSize())
			if err := m.Update(k, v, UpdateAny); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Lookup(k, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	m := hash(b)
	k, v := key(1), value(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Update(k, v, UpdateAny); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTestRun(b *testing.B) {
	got := loadT(b, collection([]*spec.Program{program("small", asm.Mov64Imm(asm.R0, 2), asm.Exit())}), Options{})
	p, o := got.Program("small"), TestRunOptions{Data: packet()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.TestRun(o); err != nil {
			b.Fatal(err)
		}
	}
}
