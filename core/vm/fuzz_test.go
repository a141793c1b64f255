package vm_test

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// FuzzRun runs instructions that no verifier has seen, with maps at hand: whatever they are, they
// are refused, stopped, or run to their end.
func FuzzRun(f *testing.F) {
	const call, exit = "\x85\x00\x00\x00", "\x95\x00\x00\x00\x00\x00\x00\x00"
	for _, h := range vm.Helpers() {
		args := "\xbf\x61\x00\x00\x00\x00\x00\x00\xbf\xa2\x00\x00\x00\x00\x00\x00\x07\x02\x00\x00\xf0\xff\xff\xff\xbf\xa3\x00\x00\x00\x00\x00\x00\x07\x03\x00\x00\xe0\xff\xff\xff"
		f.Add([]byte(args + call + string(u32(uint32(h))) + exit))
		f.Add([]byte("\xbf\x72\x00\x00\x00\x00\x00\x00\xb7\x03\x00\x00\x08\x00\x00\x00" + call + string(u32(uint32(h))) + exit))
		f.Add([]byte("\xb7\x01\x00\x00\xff\xff\xff\xff\xb7\x02\x00\x00\xff\xff\xff\xff\xb7\x03\x00\x00\xff\xff\xff\xff" + call + string(u32(uint32(h))) + exit))
	}
	f.Add([]byte("\x20\x00\x00\x00\xff\xff\xff\xff" + exit))
	inner := &spec.Map{Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	maps := []*spec.Map{
		{Name: "h", Type: spec.MapLRUHash, KeySize: 4, ValueSize: 4, MaxEntries: 2},
		{Name: "l", Type: spec.MapLPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 2},
		{Name: "r", Type: spec.MapRingbuf, MaxEntries: 4096},
		{Name: "q", Type: spec.MapQueue, ValueSize: 4, MaxEntries: 2},
		{Name: "o", Type: spec.MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: inner},
		{Name: "p", Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2, Values: []spec.MapValue{{Name: "main"}}},
		{Name: "e", Type: spec.MapPerfEventArray, KeySize: 4, ValueSize: 4},
		{Name: "a", Type: spec.MapArray, KeySize: 4, ValueSize: 32, MaxEntries: 2},
		{Name: "s", Type: spec.MapSkStorage, KeySize: 4, ValueSize: 8},
		{Name: "d", Type: spec.MapDevmap, KeySize: 4, ValueSize: 4, MaxEntries: 2},
	}
	sockets := []vm.Socket{{Protocol: 6, Local: netip.MustParseAddrPort("10.0.0.1:80")}}
	f.Fuzz(func(t *testing.T, b []byte) {
		insns, err := asm.Decode(b[:len(b)&^7], asm.DecodeOptions{})
		if err != nil || len(insns) == 0 {
			return
		}
		for _, typ := range []spec.ProgramType{spec.ProgramXDP, spec.ProgramSchedCls} {
			for i := range maps { // R6 and R7 are this map and the next one
				head := []asm.Insn{asm.LoadMap(asm.R6, maps[i].Name), asm.LoadMap(asm.R7, maps[(i+1)%len(maps)].Name)}
				p := &spec.Program{Name: "main", Type: typ, Insns: spec.NewInsns(append(head, insns...)...)}
				p.Insns.Edit(func(in []spec.Insn) { in[0].Func = &btf.FuncInfo{Name: "main"} })
				m, err := newMachine(&spec.Collection{License: "GPL", Programs: []*spec.Program{p}, Maps: maps}, vm.Options{Fuel: 1000, Sockets: sockets})
				if err != nil {
					return
				}
				for range 2 {
					m.Run("main", vm.Input{Packet: frame(6, 1)})
					m.Advance(time.Second)
				}
				for {
					if _, ok := m.Ring("r").Read(); !ok {
						break
					}
				}
			}
		}
	})
}

// FuzzObject runs the programs of objects: each is refused, stopped, or runs to its end.
func FuzzObject(f *testing.F) {
	for _, name := range []string{
		"../../guests/pktguard/pktguard.bpf.o", "../../guests/netwatch/netwatch.bpf.o", "../../guests/execwatch/execwatch.bpf.o",
		"../elf/testdata/basic-el.o", "../elf/testdata/jump-el.o", "../elf/testdata/guarded-el.o", "../elf/testdata/legacy-el.o",
	} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			return
		}
		m, err := newMachine(c, vm.Options{Fuel: 1000, Memory: 64 << 20})
		if err != nil {
			return
		}
		for _, p := range c.Programs {
			if _, err := m.Run(p.Name, vm.Input{Packet: frame(6, 1)}); err != nil {
				m.Run(p.Name, vm.Input{Context: make([]byte, 512)})
			}
		}
		m.Advance(time.Second)
	})
}
