package vm_test

import (
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestRedirectMapAgrees redirects through maps of interfaces and CPUs, which have an entry 1, and through one of
// sockets, which has none.
func TestRedirectMapAgrees(t *testing.T) {
	testenv.NeedKernel(t, "5.14", "BPF_F_BROADCAST")
	c, err := loader.Load(collection(t, spec.ProgramXDP, "r0 = 0\nexit"), loader.Options{})
	kerneltest.Check(t, err)
	c.Close()
	for _, typ := range []spec.MapType{spec.MapDevmap, spec.MapDevmapHash, spec.MapCpumap, spec.MapXskmap} {
		for key := range 3 {
			for _, flags := range []int{0, 1, 2, 3, 4, 8, 9, 16, 24, 32} {
				if (typ == spec.MapCpumap || typ == spec.MapXskmap) && flags > 3 && flags != 4 {
					continue // the same as 4
				}
				text := fmt.Sprintf("r1 = map[m] ll\nr2 = %d\nr3 = %d\ncall bpf_redirect_map\nexit", key, flags)
				c := collection(t, spec.ProgramXDP, text, &spec.Map{Name: "m", Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 2})
				entry := typ != spec.MapXskmap
				loaded, err := loader.Load(c, loader.Options{})
				if err != nil {
					t.Fatal(err)
				}
				m, err := vm.New(c, vm.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if entry {
					if err := loaded.Map("m").Update(u32(1), u32(1), 0); err != nil { // interface lo, or a queue of one
						t.Fatal(err)
					}
					if err := m.Map("m").Update(u32(1), u32(1), vm.Any); err != nil {
						t.Fatal(err)
					}
				}
				kernel, err := loaded.Program("main").TestRun(loader.TestRunOptions{Data: frame(17, 1)})
				loaded.Close()
				if err != nil {
					t.Fatal(err)
				}
				if r := run(t, m, vm.Input{Packet: frame(17, 1)}); uint32(r.Return) != kernel.Ret {
					t.Errorf("%v, key %d, flags %d: the kernel says %d, the machine %d", typ, key, flags, kernel.Ret, r.Return)
				}
			}
		}
	}
}
