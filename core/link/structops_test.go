//go:build unix

package link_test

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/link"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

// congestion loads the congestion controls of tcp.c, without instances that need a link before
// Linux 6.4.
func congestion(t *testing.T, o loader.Options) *loader.Collection {
	t.Helper()
	b, err := os.ReadFile("../elf/testdata/tcp-el.o")
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Maps {
		// One that needs a link is made where it is asked for: older kernels have none.
		m.Optional = m.Optional || m.Flags&spec.FlagLink != 0
	}
	got, err := loader.Load(c, o)
	kerneltest.Check(t, err)
	t.Cleanup(func() { got.Close() })
	return got
}

// use sends data over TCP with a congestion control.
func use(t *testing.T, name string) error {
	t.Helper()
	n, err := testnet.New()
	kerneltest.Check(t, err)
	defer n.Close()
	return n.Do(func() error {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
			var set error
			err := c.Control(func(fd uintptr) {
				const tcpCongestion = 13 // TCP_CONGESTION
				set = syscall.SetsockoptString(int(fd), syscall.IPPROTO_TCP, tcpCongestion, name)
			})
			return errors.Join(err, set)
		}}
		c, err := d.Dial("tcp4", l.Addr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		to, err := l.Accept()
		if err != nil {
			return err
		}
		defer to.Close()
		for range 20 {
			if _, err := c.Write(make([]byte, 1000)); err != nil {
				return err
			}
			if _, err := to.Read(make([]byte, 1000)); err != nil {
				return err
			}
		}
		return nil
	})
}

// calls reads how often the programs ran: 1000 for each start of a connection, 1 for each later
// call.
func calls(t *testing.T, c *loader.Collection) uint64 {
	t.Helper()
	b := make([]byte, 8)
	if err := c.Map(".bss").Lookup(make([]byte, 4), b); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(b)
}

// TestStructOps registers a congestion control without a link, uses it, and takes it back.
func TestStructOps(t *testing.T) {
	c := congestion(t, loader.Options{})
	if c.Map("linked").Err() == nil || c.Map("second").Err() == nil || c.Program("on_missing").Err() == nil {
		t.Error("what nobody asked for is loaded")
	}
	m := c.Map("plain")
	if m.Instance() != "tcp_congestion_ops" {
		t.Errorf("an instance of %q", m.Instance())
	}
	if err := use(t, "bpfhost_plain"); !errors.Is(err, syscall.ENOENT) {
		t.Fatalf("before: %v", err)
	}
	l, err := link.Attach(c.Program("on_undo"), spec.Attach{Kind: spec.HookStructOps, Target: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := use(t, "bpfhost_plain"); err != nil {
		t.Errorf("while it is registered: %v", err)
	}
	if n := calls(t, c); n < 1001 {
		t.Errorf("its programs ran %d times", n)
	}
	if _, err := link.StructOps(m); err == nil || !strings.Contains(err.Error(), `register instance "plain" of struct_ops tcp_congestion_ops: `) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := l.Info(); !errors.Is(err, loader.ErrNotSupported) {
		t.Errorf("info: %v", err)
	}
	plain, ok := l.(link.StructOpsLink)
	if !ok {
		t.Fatalf("a %T", l)
	}
	if err := plain.UpdateMap(m); !errors.Is(err, loader.ErrNotSupported) {
		t.Errorf("update: %v", err)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := use(t, "bpfhost_plain"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("afterwards: %v", err)
	}
}

// TestStructOpsLink does the same with a link, which takes another instance meanwhile.
func TestStructOpsLink(t *testing.T) {
	testenv.NeedKernel(t, "6.4", "links of struct_ops")
	c := congestion(t, loader.Options{Instances: []string{"linked", "second"}})
	if n := c.Notes(); len(n) != 1 || !strings.Contains(n[0].Text, `this kernel has no member "no_such_member", so program "on_missing" is left out`) {
		t.Errorf("notes %v", n)
	}
	l, err := link.StructOps(c.Map("linked"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := use(t, "bpfhost_linked"); err != nil {
		t.Fatal(err)
	}
	if n := calls(t, c); n < 1001 || n >= 2000 {
		t.Errorf("its programs ran %d times", n)
	}
	info, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	if want, err := c.Map("linked").Info(); err != nil || info.Map != want.ID || info.Program != 0 || info.Type != spec.LinkStructOps {
		t.Errorf("info %+v, map %+v, %v", info, want, err)
	}
	if err := l.UpdateMap(c.Map("second")); err != nil {
		t.Fatal(err)
	}
	before := calls(t, c)
	if err := use(t, "bpfhost_linked"); err != nil {
		t.Fatal(err)
	}
	if n := calls(t, c) - before; n == 0 || n >= 1000 {
		t.Errorf("the other instance, which has no init, ran %d times", n)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := use(t, "bpfhost_linked"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("afterwards: %v", err)
	}
}

// TestStructOpsLinkTooOld says since when links are there.
func TestStructOpsLinkTooOld(t *testing.T) {
	b, err := os.ReadFile("../elf/testdata/tcp-el.o")
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := loader.Load(c, loader.Options{})
	var old *loader.FeatureError
	switch {
	case err == nil:
		got.Close()
	case errors.Is(err, loader.ErrPermission):
		testenv.Skip(t, testenv.Kernel, err.Error())
	case !errors.As(err, &old) || old.MinKernel != "6.4":
		t.Error(err)
	}
}
