package link

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

// TestMain fails when a test leaves a descriptor open.
func TestMain(m *testing.M) {
	if dir := os.Getenv(socketChild); dir != "" {
		if err := runSocketChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	kerneltest.Main(m)
}

// nativeOrder is the byte order of this machine.
func nativeOrder() asm.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		return asm.BigEndian
	}
	return asm.LittleEndian
}

// counting is a collection of one program that adds 1 to a counter each time it runs in this
// process (or in any, where the kernel has no process at hand), and returns ret.
func counting(p spec.Program, own bool, ret int32) *spec.Collection {
	const out = 1
	insns := []asm.Insn{asm.Mov64Imm(asm.R6, 0)}
	if own {
		insns = append(insns,
			asm.Call(asm.HelperGetCurrentPIDTGID),
			asm.ALU64Imm(asm.Rsh, asm.R0, 32),
			asm.JumpImm(asm.NotEqual, asm.R0, int32(os.Getpid()), out))
	}
	insns = append(insns,
		asm.LoadMapValue(asm.R1, "count", 0),
		asm.Mov64Imm(asm.R2, 1),
		asm.Atomic(asm.AtomicAdd, asm.R1, 0, asm.R2, asm.DWord),
		asm.Mov64Imm(asm.R0, ret), // out
		asm.Exit())
	insns[len(insns)-2].Label = out
	p.Name = "count"
	p.Insns = spec.NewInsns(insns...)
	return &spec.Collection{
		Order: nativeOrder(), License: "GPL", Programs: []*spec.Program{&p},
		Maps: []*spec.Map{{Name: "count", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}},
	}
}

// load loads a collection; it skips where that is not allowed or this kernel lacks something.
func load(t testing.TB, c *spec.Collection) *loader.Collection {
	t.Helper()
	got, err := loader.Load(c, loader.Options{})
	kerneltest.Check(t, err)
	t.Cleanup(func() { got.Close() })
	return got
}

// needKernel skips without the privileges to load programs.
func needKernel(t testing.TB) {
	t.Helper()
	load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint}, true, 0))
}

// count reads the counter of a collection.
func count(t testing.TB, c *loader.Collection) uint64 {
	t.Helper()
	b := make([]byte, 8)
	if err := c.Map("count").Lookup(make([]byte, 4), b); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(b)
}

// counts waits until the counter has reached want, and checks that it is no more.
func counts(t testing.TB, c *loader.Collection, want uint64) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); count(t, c) < want && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // packets are received some time after they were sent
	}
	if got := count(t, c); got != want {
		t.Errorf("counted %d, want %d", got, want)
	}
}

// newNet makes a network, or skips.
func newNet(t testing.TB) *testnet.Net {
	t.Helper()
	n, err := testnet.New()
	kerneltest.Check(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}

// newCgroup makes a cgroup that goes away with the test, or skips.
func newCgroup(t testing.TB) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	for line := range bytes.Lines(mounts) {
		f := bytes.Fields(line)
		if i := bytes.Index(line, []byte(" - cgroup2 ")); i < 0 || len(f) < 5 {
			continue
		}
		dir, err := os.MkdirTemp(string(f[4]), "bpfhost-test-")
		if err != nil {
			testenv.Skip(t, testenv.Kernel, err.Error())
		}
		t.Cleanup(func() {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
		return filepath.Clean(dir)
	}
	testenv.Skip(t, testenv.Kernel, "no cgroup2 file system is mounted")
	return ""
}
