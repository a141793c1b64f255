package btf_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// load loads a blob into the kernel and frees it again.
func load(blob []byte) (log string, err error) {
	buf := make([]byte, 1<<16)
	fd, err := sys.LoadBTF(&sys.BTFLoad{
		BTF: sys.BytesPointer(blob), Size: uint32(len(blob)),
		LogBuf: sys.BytesPointer(buf), LogSize: uint32(len(buf)), LogLevel: 1,
	})
	if err == nil {
		err = fd.Close()
	}
	return string(buf[:max(0, bytes.IndexByte(buf, 0))]), err
}

// needKernel skips unless the kernel takes the smallest BTF there is.
func needKernel(t *testing.T) {
	t.Helper()
	var b btf.Builder
	b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	blob, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load(blob); err != nil {
		testenv.Skip(t, testenv.Kernel, "load BTF: "+err.Error())
	}
}

// TestKernelTakes loads what clang wrote, which the kernel refuses as it is.
func TestKernelTakes(t *testing.T) {
	needKernel(t)
	raw, err := os.ReadFile("testdata/kinds.btf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load(raw); err == nil {
		t.Fatal("the kernel takes BTF that was not prepared, so this test shows nothing")
	}
	types, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]btf.KernelOptions{
		"nothing known": {},
		"as in the object": {
			Sections: map[string]btf.SectionLayout{
				".bss":  {Size: 24, Vars: map[string]uint32{"total": 8, "odd": 0, "user_ptr": 16}},
				".data": {Size: 8, Vars: map[string]uint32{"origin": 0}},
			},
			Static: []string{"two"},
		},
	} {
		blob, err := types.ForKernel(o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if log, err := load(plain(t, blob)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, log)
		}
	}
}

// plain takes out of a blob what this kernel does not know.
func plain(t *testing.T, blob []byte) []byte {
	t.Helper()
	types, err := btf.Parse(blob, btf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	accepts := btf.Feature(0)
	for f := btf.Feature(1); f&btf.AllFeatures != 0; f <<= 1 {
		if _, err := load(f.Probe(nil)); err == nil {
			accepts |= f
		}
	}
	blob, replaced, err := types.Sanitise(accepts)
	if err != nil {
		t.Fatal(err)
	}
	if lacks := types.Features() &^ accepts; (lacks != 0) != (len(replaced) != 0) {
		t.Errorf("without %v: %d types are replaced", lacks, len(replaced))
	}
	return blob
}

// TestKernelTakesSanitised loads what is left of clang's types for kernels that lack one thing, or
// everything.
func TestKernelTakesSanitised(t *testing.T) {
	needKernel(t)
	raw, err := os.ReadFile("testdata/kinds.btf")
	if err != nil {
		t.Fatal(err)
	}
	types, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := types.ForKernel(btf.KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	types, err = btf.Parse(plain(t, fixed), btf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for accepts := btf.AllFeatures; accepts != 0; accepts >>= 1 { // kernels from new to old
		blob, _, err := types.Sanitise(accepts)
		if err != nil {
			t.Fatal(err)
		}
		if log, err := load(blob); err != nil {
			t.Errorf("with %v: %v\n%s", accepts, err, log)
		}
	}
}
