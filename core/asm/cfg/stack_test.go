package cfg

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStack(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []StackUse
	}{
		{"none", "r0 = 1\nexit", []StackUse{{Exact: true, Frames: 1, Deepest: []int{0}}}},
		{"store", "*(u32 *)(r10 - 4) = 1\nr0 = *(u64 *)(r10 - 24)\nexit", []StackUse{{Bytes: 24, Exact: true, Depth: 32, Frames: 1, Deepest: []int{0}}}},
		{"address", "r2 = r10\nr2 += -40\nr2 += 8\nr0 = *(u64 *)(r2 - 16)\nexit", []StackUse{{Bytes: 48, Exact: true, Depth: 48, Frames: 1, Deepest: []int{0}}}},
		{"over blocks", "r6 = r10\nif r1 == 0 goto L1\nr6 += -8\ngoto L2\nL1: r6 -= 8\nL2: *(u8 *)(r6 - 1) = 0\nexit",
			[]StackUse{{Bytes: 9, Exact: true, Depth: 16, Frames: 1, Deepest: []int{0}}}},
		{"either", "r6 = r10\nif r1 == 0 goto L1\nr6 += -8\nL1: *(u8 *)(r6 - 1) = 0\nexit", []StackUse{{Bytes: 8, Depth: 16, Frames: 1, Deepest: []int{0}}}},
		{"variable", "r6 = r10\nr6 += r1\nexit", []StackUse{{Frames: 1, Deepest: []int{0}}}},
		{"in a loop", "r6 = r10\nL1: r6 += -8\nif r1 != 0 goto L1\nexit", []StackUse{{Bytes: 8, Depth: 16, Frames: 1, Deepest: []int{0}}}},
		{"spoilt", "r6 = r10\nr6 &= 7\nr6 += r1\nr6 = *(u64 *)(r6 - 100)\nexit", []StackUse{{Exact: true, Frames: 1, Deepest: []int{0}}}},
		{"atomics", "lock *(u64 *)(r10 - 8) += r1\nr1 = atomic_fetch_add((u64 *)(r10 - 32), r1)\nr1 = load_acquire((u64 *)(r10 - 64))\nexit",
			[]StackUse{{Bytes: 64, Exact: true, Depth: 64, Frames: 1, Deepest: []int{0}}}},
		{"chain", `.func main
	*(u64 *)(r10 - 8) = 0
	call a
	call b
	exit
	.func a
	*(u64 *)(r10 - 400) = 0
	exit
	.func b
	*(u64 *)(r10 - 100) = 0
	r1 = func[c] ll
	exit
	.func c
	*(u64 *)(r10 - 408) = 0
	exit`, []StackUse{
			{Bytes: 8, Exact: true, Depth: 16 + 112 + 416, Frames: 3, Deepest: []int{0, 2, 3}},
			{Bytes: 400, Exact: true, Depth: 400, Frames: 1, Deepest: []int{1}},
			{Bytes: 100, Exact: true, Depth: 112 + 416, Frames: 2, Deepest: []int{2, 3}},
			{Bytes: 408, Exact: true, Depth: 416, Frames: 1, Deepest: []int{3}},
		}},
		{"recursion", `.func main
	call a
	exit
	.func a
	call b
	exit
	.func b
	call a
	call c
	exit
	.func c
	exit`, []StackUse{
			{Exact: true, Recursive: true}, {Exact: true, Recursive: true}, {Exact: true, Recursive: true},
			{Exact: true, Frames: 1, Deepest: []int{3}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, graph(t, tt.text).Stack()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestStackTooDeep(t *testing.T) {
	for _, tt := range []struct {
		use  StackUse
		want bool
	}{
		{StackUse{Depth: 512, Frames: 8}, false}, {StackUse{Depth: 528, Frames: 1}, true},
		{StackUse{Frames: 9}, true}, {StackUse{Recursive: true}, true},
	} {
		if got := tt.use.TooDeep(); got != tt.want {
			t.Errorf("%+v: TooDeep = %v", tt.use, got)
		}
	}
}
