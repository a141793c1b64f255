package link

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// traced is a kernel function that trigger calls.
const traced = "do_sys_openat2"

// trigger makes ten system calls that open a file.
func trigger() {
	for range 10 {
		if f, err := os.Open(os.DevNull); err == nil {
			f.Close()
		}
	}
}

// fires attaches a program that counts system calls of this process and checks that it does until
// Close.
func fires(t *testing.T, c *loader.Collection, attach func(*loader.Program) (Link, error)) {
	t.Helper()
	l, err := attach(c.Program("count"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	trigger()
	if got := count(t, c); got < 10 {
		t.Errorf("counted %d of at least 10", got)
	}
	if _, old := l.(*perfEvent); !old {
		checkInfo(t, l, c.Program("count"))
	} else if !kernel.New(kernel.Options{}).Before(spec.AttachTypePerfEvent.Since()) {
		t.Error("there is no link")
	}
	if err := l.Update(c.Program("count")); !errors.Is(err, loader.ErrNotSupported) {
		t.Errorf("update: %v", err)
	}
	l.Close()
	before := count(t, c)
	trigger()
	if got := count(t, c); got != before {
		t.Errorf("counted %d after Close, %d before", got, before)
	}
}

func TestTracingBTF(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceRawTp, AttachTo: "sys_enter"}, true, 0))
	fires(t, c, func(p *loader.Program) (Link, error) { return Tracing(p, TracingOptions{}) })
	if !kernel.New(kernel.Options{}).Before(spec.HookTracing.CookieSince()) {
		fires(t, c, func(p *loader.Program) (Link, error) { return Tracing(p, TracingOptions{Cookie: 7}) })
	}
}

func TestTracingFentry(t *testing.T) {
	needKernel(t)
	testenv.NeedConfig(t, "CONFIG_FUNCTION_TRACER")
	c, err := loader.Load(counting(spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceFentry, AttachTo: traced}, true, 0), loader.Options{})
	if errors.Is(err, loader.ErrPermission) {
		testenv.Refused(t, "programs at kernel functions", err)
	}
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer c.Close()
	fires(t, c, func(p *loader.Program) (Link, error) { return Tracing(p, TracingOptions{}) })
}

// TestTracingModule attaches to a function of the module veth, with the module named and without.
func TestTracingModule(t *testing.T) {
	needKernel(t)
	testenv.NeedKernel(t, "5.11", "functions of modules")
	testenv.NeedConfig(t, "CONFIG_FUNCTION_TRACER")
	for _, target := range []string{"veth:veth_xmit", "veth_xmit"} {
		c, err := loader.Load(counting(spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceFentry, AttachTo: target}, false, 0), loader.Options{})
		if errors.Is(err, loader.ErrPermission) || errors.Is(err, loader.ErrNotSupported) {
			testenv.Refused(t, "programs at functions of modules", err)
		}
		if err != nil {
			t.Fatalf("%s: %+v", target, err)
		}
		defer c.Close()
		l, err := Tracing(c.Program("count"), TracingOptions{})
		if err != nil {
			t.Fatalf("%s: %+v", target, err)
		}
		defer l.Close()
		send(t, newNet(t), 4)
		if got := count(t, c); got < 4 {
			t.Errorf("%s: counted %d of at least 4", target, got)
		}
	}
	testenv.NeedModule(t, "nf_conntrack")
	_, err := loader.Load(counting(spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceFexit, AttachTo: "nf_conntrack:veth_xmit"}, false, 0), loader.Options{})
	if !errors.Is(err, loader.ErrNotSupported) || !strings.Contains(err.Error(), "not found in kernel module nf_conntrack") {
		t.Errorf("a function of another module: %v", err)
	}
}
