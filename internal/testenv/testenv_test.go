package testenv

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func TestOlder(t *testing.T) {
	for _, c := range []struct {
		have, want string
		older      bool
	}{
		{"5.10.0-32-cloud-amd64", "5.11", true},
		{"6.1.0", "5.19", false},
		{"7.3.4+deb13", "7.3", false},
		{"6.12.107", "6.6", false},
	} {
		if got := older(c.have, c.want); got != c.older {
			t.Errorf("older(%q, %q) is %v", c.have, c.want, got)
		}
	}
}

func TestRequired(t *testing.T) {
	t.Setenv("BPFHOST_REQUIRE", "kernel,clang")
	if !Required(Clang) || Required(Lab) {
		t.Error("BPFHOST_REQUIRE is not read")
	}
}

func TestConfigured(t *testing.T) {
	config := []byte("# CONFIG_KPROBES is not set\nCONFIG_VETH=m\nCONFIG_BPF=y\nCONFIG_BPF_LSM=n\n")
	for option, want := range map[string]bool{
		"CONFIG_VETH": true, "CONFIG_BPF": true, "CONFIG_KPROBES": false, "CONFIG_BPF_LSM": false, "CONFIG_B": false, "": false,
	} {
		if got := configured(config, option); got != want {
			t.Errorf("%q: got %v", option, got)
		}
	}
}

// record is a test that remembers how it ended.
type record struct {
	testing.TB
	skipped, failed string
}

func (r *record) Helper() {}

func (r *record) Skipf(format string, args ...any) {
	r.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (r *record) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// outcome runs a check to its end, which may be that of its goroutine.
func outcome(check func(t testing.TB)) *record {
	r, done := new(record), make(chan bool)
	go func() {
		defer close(done)
		check(r)
	}()
	<-done
	return r
}

func TestOutcomes(t *testing.T) {
	refused := errors.New("operation not permitted")
	for _, c := range []struct {
		name, require, lab string
		check              func(t testing.TB)
		skipped, failed    string
	}{
		{"missing", "", "", func(t testing.TB) { Skip(t, Clang, "clang-19 is not installed") }, "needs clang: clang-19 is not installed", ""},
		{"missing though required", "kernel,clang", "", func(t testing.TB) { Skip(t, Clang, "clang-19 is not installed") }, "",
			"clang is required by BPFHOST_REQUIRE but missing: clang-19 is not installed"},
		{"old kernel", "", "", func(t testing.TB) { NeedKernel(t, "99.1", "what comes") }, "needs kernel 99.1: what comes (this is ", ""},
		{"old kernel, whatever is required", "kernel,lab", "5.10", func(t testing.TB) { NeedKernel(t, "99.1", "what comes") }, "needs kernel 99.1: ", ""},
		{"new kernel", "", "", func(t testing.TB) { NeedKernel(t, "3.18", "bpf(2)") }, "", ""},
		{"refused", "kernel", "", func(t testing.TB) { Refused(t, "fentry", refused) }, "needs lab: this machine refuses fentry: operation not permitted", ""},
		{"refused in the lab", "kernel", "6.12", func(t testing.TB) { Refused(t, "fentry", refused) }, "", "kernel 6.12 of the lab refuses fentry: operation not permitted"},
		{"module", "", "6.12", func(t testing.TB) { NeedModule(t, "printk") }, "", ""},
		{"no module", "", "", func(t testing.TB) { NeedModule(t, "no-such") }, "needs lab: this machine refuses module no_such: it is not loaded", ""},
		{"no module in the lab", "", "6.12", func(t testing.TB) { NeedModule(t, "no_such") }, "", "kernel 6.12 of the lab refuses module no_such: it is not loaded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("BPFHOST_REQUIRE", c.require)
			t.Setenv(InLab, c.lab)
			r := outcome(c.check)
			if !strings.HasPrefix(r.skipped, c.skipped) || (c.skipped == "") != (r.skipped == "") || r.failed != c.failed {
				t.Errorf("skipped %q, failed %q", r.skipped, r.failed)
			}
		})
	}
}
