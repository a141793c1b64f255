package agree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/ring"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/randprog"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestMain(m *testing.M) { kerneltest.Main(m) }

// newKernel returns the kernel as an engine, nil where it cannot be asked.
func newKernel(t *testing.T) engine {
	t.Helper()
	testenv.NeedKernel(t, "6.15", "atomic loads and stores")
	k := kernel{loader.NewKernel()}
	t.Cleanup(func() { k.Close() })
	c, err := k.load(&spec.Collection{License: "GPL", Programs: []*spec.Program{{
		Name: "probe", Type: spec.ProgramXDP, Insns: spec.NewInsns(asm.Mov64Imm(asm.R0, 0), asm.Exit()),
	}}})
	switch {
	case kerneltest.Unavailable(err) && !testenv.Required(testenv.Kernel):
		t.Log("without a kernel: ", err)
		return nil
	case err != nil:
		t.Fatal(err)
	}
	c.close()
	return k
}

// stay keeps the goroutine on CPU 0, whose values of maps are compared, until the test ends.
func stay(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	var before, first unix.CPUSet
	first.Set(0)
	if err := errors.Join(unix.SchedGetaffinity(0, &before), unix.SchedSetaffinity(0, &first)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.SchedSetaffinity(0, &before)
		runtime.UnlockOSThread()
	})
}

type kernel struct{ *loader.Kernel }

func (kernel) name() string { return "kernel" }

func (k kernel) load(c *spec.Collection) (instance, error) {
	loaded, err := loader.Load(c, loader.Options{Kernel: k.Kernel})
	if err != nil {
		return nil, err
	}
	i := &inKernel{Collection: loaded, spec: c, out: make([]byte, 4096)}
	for _, m := range c.Maps {
		if m.Type == spec.MapRingbuf {
			r, err := ring.Open(loaded.Map(m.Name))
			if err != nil {
				i.close()
				return nil, err
			}
			i.rings = append(i.rings, r)
		}
	}
	return i, nil
}

// lacks reports whether the kernel is too old for a program.
func lacks(err error) bool { return errors.Is(err, loader.ErrNotSupported) }

// rejected reports whether the verifier refused a program.
func rejected(err error) bool {
	var v *loader.VerifierError
	return errors.As(err, &v)
}

// inKernel is a collection in the kernel.
type inKernel struct {
	*loader.Collection
	spec  *spec.Collection
	rings []*ring.Reader
	out   []byte
}

func (i *inKernel) run(program string, in randprog.Input) outcome {
	o := loader.TestRunOptions{Data: in.Packet, Ctx: bytes.Clone(in.Context)}
	if in.Packet != nil {
		o.DataOut = i.out
	}
	xdp := i.spec.Program(program).Type == spec.ProgramXDP
	if xdp { // for a struct xdp_md that says how much metadata there is in the end
		o.Ctx = binary.NativeEndian.AppendUint32(make([]byte, 4, 24), uint32(len(in.Packet)))[:24]
		o.CtxOut = make([]byte, 24)
	}
	r, err := i.Program(program).TestRun(o)
	if xdp && err == nil {
		r.Data = r.Data[binary.NativeEndian.Uint32(r.Ctx):]
		o.Ctx = nil
	}
	if n := etherLen; hasNoHeader(i.spec.Program(program).Type) && len(r.Data) > n {
		r.Data = r.Data[n:] // of zeros, which the kernel puts there after the run
	}
	out := outcome{ret: r.Ret, packet: bytes.Clone(r.Data), context: o.Ctx}
	if err != nil {
		out.fault = err.Error()
	}
	for _, r := range i.rings {
		_, err := r.Drain(func(record []byte) bool {
			out.records = append(out.records, bytes.Clone(record))
			return true
		})
		if err != nil {
			out.fault = err.Error()
		}
	}
	return out
}

// hasNoHeader reports whether a test run takes the Ethernet header off before it runs a program.
func hasNoHeader(t spec.ProgramType) bool {
	return t != spec.ProgramXDP && t != spec.ProgramSchedCls && t != spec.ProgramSchedAct
}

func (i *inKernel) put(name string, key, value []byte) error {
	return i.Map(name).Update(key, value, loader.UpdateAny)
}

func (i *inKernel) entries() (contents, error) {
	c := contents{}
	for _, s := range i.spec.Maps {
		m := i.Map(s.Name)
		switch s.Type {
		case spec.MapQueue, spec.MapStack:
			value := make([]byte, s.ValueSize)
			err := m.LookupDelete(nil, value)
			for ; err == nil; err = m.LookupDelete(nil, value) {
				c[s.Name] = append(c[s.Name], entry(s, nil, value))
			}
			if !errors.Is(err, loader.ErrNoKey) {
				return nil, err
			}
		case spec.MapArray, spec.MapPerCPUArray, spec.MapHash, spec.MapPerCPUHash, spec.MapLRUHash, spec.MapLRUPerCPUHash, spec.MapLPMTrie:
			var err error
			for key, value := range m.All(&err) {
				c[s.Name] = append(c[s.Name], entry(s, key, value[:s.ValueSize]))
			}
			if err != nil {
				return nil, err
			}
			slices.Sort(c[s.Name])
		}
	}
	return c, nil
}

func (i *inKernel) close() {
	for _, r := range i.rings {
		r.Close()
	}
	i.Collection.Close()
}
