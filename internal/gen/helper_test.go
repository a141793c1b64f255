package gen

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHelpers(t *testing.T) {
	ids := []value{{"BPF_FUNC_unspec", 0}, {"BPF_FUNC_a", 1}, {"BPF_FUNC_b", 2}}
	types := []value{{"BPF_PROG_TYPE_UNSPEC", 0}, {"BPF_PROG_TYPE_X", 1}, {"BPF_PROG_TYPE_Y", 2}, {"BPF_PROG_TYPE_EXT", 3}, {"__MAX_BPF_PROG_TYPE", 4}}
	got, err := parseHelpers(`
# comment
1 | bpf_a | long | void *ctx, void *map, void *callback_fn, const char *fmt, __u32 n, ... | gpl | 5.10 | all -y
2 | bpf_b | void | void | ? | ? | ?
`, ids, types)
	if err != nil {
		t.Fatal(err)
	}
	want := []helper{
		{number: 1, name: "bpf_a", result: "long", variadic: true, gpl: "Yes", since: "5.10", programs: 1 << 1, args: []helperArg{
			{"ArgContext", "void *", "ctx"}, {"ArgMap", "void *", "map"}, {"ArgFunc", "void *", "callback_fn"},
			{"ArgPointer", "const char *", "fmt"}, {"ArgNumber", "__u32", "n"},
		}},
		{number: 2, name: "bpf_b", result: "void", gpl: "Unknown"},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(helper{}, helperArg{})); d != "" {
		t.Error(d)
	}
	for _, tt := range []struct{ text, want string }{
		{"1 | bpf_a | long", "has 3 fields"},
		{"x | bpf_a | long | void | any | 5.10 | x", "read number"},
		{"1 | bpf_a | long | void | mit | 5.10 | x", "license"},
		{"1 | bpf_a | long | void | any | new | x", "read version"},
		{"1 | bpf_a | long | void | any | 5.10 | z", `program type "z"`},
		{"1 | bpf_a | long | int | any | 5.10 | x", `parameter "int"`},
		{"1 | bpf_a | long | int a, int b, int c, int d, int e, int f | any | 5.10 | x", "6 parameters"},
		{"1 | bpf_b | long | void | any | 5.10 | x", "not the next"},
		{"2 | bpf_b | long | void | any | 5.10 | x", "not the next"},
	} {
		if _, err := parseHelpers(tt.text, ids, types); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("parseHelpers(%q) = %v, want an error with %q", tt.text, err, tt.want)
		}
	}
}
