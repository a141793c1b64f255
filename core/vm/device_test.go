package vm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestRedirectMap(t *testing.T) {
	for _, tt := range []struct {
		name       string
		typ        spec.MapType
		key, flags string
		want       uint64
		redirect   int
		to         vm.RedirectTo
	}{
		{"devmap", spec.MapDevmap, "1", "0", 4, 5, vm.RedirectTo{Map: "m", Key: 1}},
		{"devmap without entry", spec.MapDevmap, "0", "2", 2, 0, vm.RedirectTo{}},
		{"devmap past its end", spec.MapDevmap, "9", "1", 1, 0, vm.RedirectTo{}},
		{"to all", spec.MapDevmap, "0", "8", 4, 0, vm.RedirectTo{Map: "m", Broadcast: true}},
		{"devmap_hash", spec.MapDevmapHash, "1", "0", 4, 5, vm.RedirectTo{Map: "m", Key: 1}},
		{"cpumap", spec.MapCpumap, "1", "0", 4, 0, vm.RedirectTo{Map: "m", Key: 1}},
		{"to all CPUs", spec.MapCpumap, "1", "8", 0, 0, vm.RedirectTo{}},
		{"xskmap", spec.MapXskmap, "1", "3", 4, 0, vm.RedirectTo{Map: "m", Key: 1}},
		{"xskmap without entry", spec.MapXskmap, "0", "2", 2, 0, vm.RedirectTo{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &spec.Map{Name: "m", Type: tt.typ, KeySize: 4, ValueSize: 4, MaxEntries: 2}
			m := machine(t, spec.ProgramXDP, "r1 = map[m] ll\nr2 = "+tt.key+"\nr3 = "+tt.flags+"\ncall bpf_redirect_map\nexit", s)
			if err := m.Map("m").Update(u32(1), u32(5), vm.Any); err != nil {
				t.Fatal(err)
			}
			if got := list(m.Map("m")); got != "01000000=05000000" {
				t.Errorf("entries %s", got)
			}
			r := run(t, m, vm.Input{Packet: frame(1, 1)})
			if r.Return != tt.want || r.Redirect != tt.redirect || r.RedirectTo != tt.to {
				t.Errorf("got %d, interface %d, %+v", r.Return, r.Redirect, r.RedirectTo)
			}
			if err := m.Map("m").Delete(u32(1)); err != nil {
				t.Error(err)
			}
			if got := list(m.Map("m")); got != "" {
				t.Errorf("entries %s after the only one was deleted", got)
			}
		})
	}
}
