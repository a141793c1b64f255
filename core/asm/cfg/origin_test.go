package cfg

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
)

func TestOrigins(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		insn       int
		want       []Origin
	}{
		{"set", "r0 = 1\nexit", 1, []Origin{{0, asm.R0}}},
		{"set later", "r0 = 1\nr0 = 2\nexit", 1, []Origin{{0, asm.R0}}},
		{"argument", "exit", 0, []Origin{{-1, asm.R0}}},
		{"copied", "r6 = r1\nr3 = r6\nw0 = w3\nexit", 3, []Origin{{-1, asm.R1}}},
		{"two ways", "r6 = 1\nif r1 == 0 goto L1\nr6 = 2\nL1: r0 = r6\nexit", 4, []Origin{{0, asm.R6}, {2, asm.R6}}},
		{"a way that is not taken", "r2 = 0\nr0 = 1\nif r2 == 0 goto L1\nr0 = 2\nL1: exit", 4, []Origin{{1, asm.R0}}},
		{"loop", "r0 = 0\nL1: r0 += 1\nif r1 > 5 goto L1\nexit", 3, []Origin{{1, asm.R0}}},
		{"loop without change", "r0 = 0\nL1: r1 += 1\nif r1 > 5 goto L1\nexit", 3, []Origin{{0, asm.R0}}},
		{"call", "call bpf_ktime_get_ns#5\nexit", 1, []Origin{{0, asm.R0}}},
		{"sign extended", "r0 = (s8)r1\nexit", 1, []Origin{{0, asm.R0}}},
		{"own function", "r0 = 1\ncall +1\nexit\nr0 = 2\nexit", 4, []Origin{{3, asm.R0}}},
	} {
		g := graph(t, tt.text)
		got, ok := g.Constants(ConstOptions{}).Origins(tt.insn, asm.R0)
		if d := cmp.Diff(tt.want, got); d != "" || !ok {
			t.Errorf("%s: known %v (-want +got):\n%s", tt.name, ok, d)
		}
	}
	if _, ok := graph(t, "r0 = 1\ngotox r1\nexit").Constants(ConstOptions{}).Origins(2, asm.R0); ok {
		t.Error("something is known where control may come from anywhere")
	}
}
