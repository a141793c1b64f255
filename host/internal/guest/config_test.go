package guest

import (
	"testing"

	"github.com/bpfhost/bpfhost/abi"
)

func TestConfig(t *testing.T) {
	x := newFake(t, abi.PhaseConfigure)
	c := NewConfig([]string{"x", "--y"}, "jsonl")
	c["a"], c["b"] = "1", "given"
	x.Configure(c)
	buf := make([]byte, 128)
	for key, want := range map[string]string{"a": "1", "b": "given", "args.count": "2", "args.0": "x", "args.1": "--y", "output": "jsonl"} {
		if n := x.CfgGet([]byte(key), buf); n < 0 || string(buf[:n]) != want {
			t.Errorf("cfg_get(%q) = %d, %q; want %q", key, n, buf[:max(0, n)], want)
		}
	}
	errnoIn(t, "neither given nor default", x.CfgGet([]byte("none"), buf), abi.ErrNoent)
	errnoIn(t, "past the arguments", x.CfgGet([]byte("args.2"), buf), abi.ErrNoent)
	n := x.CfgKeys(buf)
	if want := "a\nargs.0\nargs.1\nargs.count\nb\noutput\n"; string(buf[:n]) != want {
		t.Errorf("cfg_keys = %q, want %q", buf[:n], want)
	}
	if need := x.CfgKeys(nil); need != n {
		t.Errorf("asking for the length = %d, want %d", need, n)
	}
}
