package link

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

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

// fires attaches a program that counts system calls of this process and checks that it does until Close.
func fires(t *testing.T, c *loader.Collection, attach func(*loader.Program) (*Link, error)) {
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
	if _, err := l.Info(); err != nil && !older(spec.AttachTypePerfEvent.Since()) {
		t.Error(err)
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

func TestRawTracepoint(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint, AttachTo: "sys_enter"}, true, 0))
	fires(t, c, func(p *loader.Program) (*Link, error) { return RawTracepoint(p, RawTracepointOptions{}) })
}

func TestTracingBTF(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceRawTp, AttachTo: "sys_enter"}, true, 0))
	fires(t, c, func(p *loader.Program) (*Link, error) { return Tracing(p, TracingOptions{}) })
	if !older(spec.AttachTracing.CookieSince()) {
		fires(t, c, func(p *loader.Program) (*Link, error) { return Tracing(p, TracingOptions{Cookie: 7}) })
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
	fires(t, c, func(p *loader.Program) (*Link, error) { return Tracing(p, TracingOptions{}) })
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

func TestKprobe(t *testing.T) {
	testenv.NeedConfig(t, "CONFIG_KPROBES")
	for _, ret := range []bool{false, true} {
		c := load(t, counting(spec.Program{Type: spec.ProgramKprobe, AttachTo: traced}, true, 0))
		fires(t, c, func(p *loader.Program) (*Link, error) { return Kprobe(p, KprobeOptions{Return: ret}) })
	}
}

func TestTracepoint(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramTracepoint, AttachTo: "raw_syscalls/sys_enter"}, true, 0))
	fires(t, c, func(p *loader.Program) (*Link, error) { return Tracepoint(p, TracepointOptions{}) })
}

func TestTracepointErrors(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramTracepoint}, true, 0))
	for target, want := range map[string]string{
		"raw_syscalls/nosuch": "this kernel has no such tracepoint",
		"../../../etc":        "is named category/name",
		"sys_enter":           "is named category/name",
		"":                    "is named category/name",
	} {
		_, err := Attach(c.Program("count"), spec.Attach{Kind: spec.AttachTracepoint, Target: target})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", target, err, want)
		}
	}
	c = load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint}, true, 0))
	_, err := Attach(c.Program("count"), spec.Attach{Kind: spec.AttachRawTracepoint, Target: "raw_syscalls/sys_enter"})
	if err == nil || !strings.Contains(err.Error(), "have no category before it") || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err = RawTracepoint(c.Program("count"), RawTracepointOptions{}); err == nil {
		t.Error("attached to nothing")
	}
}

func TestNetns(t *testing.T) {
	n := newNet(t)
	c := load(t, counting(spec.Program{Type: spec.ProgramSkLookup, AttachType: spec.AttachTypeSkLookup}, false, 1))
	l, err := Attach(c.Program("count"), spec.Attach{Kind: spec.AttachNetns, Target: n.Path()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	send(t, n, 4)
	counts(t, c, 4)
	if i, err := l.Info(); err != nil || i.Netns == 0 || i.AttachType != spec.AttachTypeSkLookup {
		t.Errorf("info %+v, %v", i, err)
	}
	if _, err := Netns(c.Program("count"), NetnsOptions{Path: os.DevNull}); err == nil || !strings.Contains(err.Error(), "no network namespace") {
		t.Errorf("a file that is no namespace: %v", err)
	}
}

func TestAttachRefusesUnknownKinds(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint}, true, 0))
	for _, kind := range []spec.AttachKind{spec.AttachNone, 99} {
		var e *Error
		if _, err := Attach(c.Program("count"), spec.Attach{Kind: kind}); !errors.As(err, &e) || !errors.Is(err, loader.ErrNotSupported) {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
}
