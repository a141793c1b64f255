package vm_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestPrint prints -5 and the string "xy" in the context by formats.
func TestPrint(t *testing.T) {
	for format, want := range map[string]string{
		"n %d":             "n -5\n",
		"%u|%s":            "4294967291|xy\n",
		"%llu":             "18446744073709551611\n",
		"%lx %s %%\n":      "fffffffffffffffb xy %\n",
		"[%8d][%-4s]":      "[      -5][xy  ]\n",
		"%08d":             "-0000005\n",
		"%X":               "FFFFFFFB\n",
		"%d %s %d %d is 4": "",
		"%f":               "",
		"an open % sign %": "",
		"%o no second":     "37777777773 no second\n",
	} {
		var out bytes.Buffer
		const text = "r6 = r1\nr1 += 8\nr2 = 32\nr3 = -5\nr4 = r6\nr5 = 0\ncall bpf_trace_printk\nexit"
		m, err := newMachine(collection(t, spec.ProgramSyscall, text), vm.Options{Print: &out})
		if err != nil {
			t.Fatal(err)
		}
		ctx := make([]byte, 40)
		copy(ctx, "xy")
		copy(ctx[8:], format)
		r := run(t, m, vm.Input{Context: ctx})
		if out.String() != want || (int64(r.Return) == -22) != (want == "") {
			t.Errorf("%q: %q, %d", format, out.String(), int64(r.Return))
		}
	}
}

func TestSnprintf(t *testing.T) {
	const text = "*(u64 *)(r10 - 8) = 42\nr6 = r1\nr2 = 6\nr3 = r1\nr3 += 8\nr4 = r10\nr4 += -8\nr5 = 8\ncall bpf_snprintf\nexit"
	ctx := append(make([]byte, 8), "is %d now\x00"...)
	r := run(t, machine(t, spec.ProgramSyscall, text), vm.Input{Context: ctx})
	if r.Return != 10 || !strings.HasPrefix(string(r.Context), "is 42\x00") {
		t.Errorf("%d, %q", r.Return, r.Context[:8])
	}
}
