package policy

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

func TestPatternMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "a", true}, {"a", "", false}, {"a", "ab", false}, {"ab", "a", false},
		{"*", "", true}, {"*", "a/b", true}, {"a*", "a", true}, {"a*", "ba", false}, {"*a", "bca", true},
		{"a*c", "abbc", true}, {"a*c", "abbd", false}, {"a*b*c", "axbxbxc", true}, {"a**c", "ac", true},
		{"?", "a", true}, {"?", "", false}, {"?", "ab", false}, {"a?c", "a/c", true}, {"*?", "", false}, {"?*", "ab", true},
		{"/sys/fs/cgroup/app/*", "/sys/fs/cgroup/app/a/b", true}, {"/sys/fs/cgroup/app/*", "/sys/fs/cgroup/apple", false},
		{"[a]", "a", false}, {"[a]", "[a]", true}, {`\*`, `\x`, true},
		{strings.Repeat("*a", 50), strings.Repeat("a", 200), true},
		{strings.Repeat("*a", 50) + "b", strings.Repeat("a", 200), false},
	} {
		if got := (pattern{text: tt.pattern}).match(tt.name); got != tt.want {
			t.Errorf("%q on %q: %v", tt.pattern, tt.name, got)
		}
	}
}

func TestListDecide(t *testing.T) {
	l := list{line: 1, items: []pattern{{"map_*", false, 2}, {"map_delete", true, 3}, {"send", false, 4}, {"s*", false, 5}}}
	for _, tt := range []struct {
		name      string
		dangerous bool
		line      int // 0 is not found
		negate    bool
	}{
		{"map_lookup", false, 2, false},
		{"map_delete", false, 3, true}, // taking away wins whatever the order
		{"map_lookup", true, 0, false}, // a wildcard does not stand for it
		{"send", true, 4, false},
		{"sent", true, 0, false},
		{"sent", false, 5, false},
		{"other", false, 0, false},
	} {
		p, found := l.decide(spellings{granted: []string{tt.name}, exact: []string{tt.name}, denied: []string{tt.name}}, tt.dangerous)
		if found != (tt.line != 0) || p.line != tt.line || p.negate != tt.negate {
			t.Errorf("%s (dangerous %v): %+v, %v", tt.name, tt.dangerous, p, found)
		}
	}
}

// hook is an attachment, with its target as policies name it.
func hook(k spec.HookKind, target string) Access {
	return Access{Kind: KindAttach, Name: k.String() + ":" + target}
}

// TestSpellings: what is denied is denied under every name that the loader takes for it, and what is
// granted is no more than was named.
func TestSpellings(t *testing.T) {
	kfunc := func(name string) Access { return Access{Kind: KindKfunc, Name: name} }
	for _, tt := range []struct {
		policy string
		a      Access
		want   bool
	}{
		{`programs: {kfuncs: ["*", "!bpf_task_acquire"]}`, kfunc("bpf_task_acquire___x"), false},
		{`programs: {kfuncs: ["*", "!bpf_task_acquire___x"]}`, kfunc("bpf_task_acquire___x"), false},
		{`programs: {kfuncs: ["*", "!bpf_task_acquire___y"]}`, kfunc("bpf_task_acquire___x"), true},
		{`programs: {kfuncs: ["*_ok"]}`, kfunc("bpf_task_acquire___ok"), false},
		{`programs: {kfuncs: ["*"]}`, kfunc("bpf_send_signal_task___x"), false},
		{`programs: {kfuncs: [bpf_task_acquire]}`, kfunc("bpf_task_acquire___x"), true},
		{`programs: {kfuncs: [bpf_task_acquire___x]}`, kfunc("bpf_task_acquire___x"), true},
		{`programs: {kfuncs: [bpf_task_acquire___x]}`, kfunc("bpf_task_acquire"), false},
		{"class: observe\nprograms: {kfuncs: [bpf_sock_destroy]}", kfunc("bpf_sock_destroy___x"), false},
		{`attach: {tracing: ["*", "!sched_process_exec"]}`, hook(spec.HookTracing, "sched_process_exec___x"), false},
		{`attach: {tracing: ["*_process_exec"]}`, hook(spec.HookTracing, "signal_deliver___process_exec"), false},
		{`attach: {tracing: ["*_process_exec"]}`, hook(spec.HookTracing, "sched_process_exec"), true},
		{`attach: {tracing: ["*", "!f"]}`, hook(spec.HookTracing, "mod:f"), false},
		{`attach: {tracing: ["*", "!f"]}`, hook(spec.HookTracing, "mod:f___x"), false},
		{`attach: {tracing: [f]}`, hook(spec.HookTracing, "mod:f"), false},
		{`attach: {tracing: ["mod:*"]}`, hook(spec.HookTracing, "mod:f"), true},
		{`attach: {kprobe: ["*", "!f"]}`, hook(spec.HookKprobe, "mod:f"), false},
		{`attach: {xdp: ["a___b"]}`, hook(spec.HookXDP, "a___b"), true},
		{`attach: {xdp: [a]}`, hook(spec.HookXDP, "a___b"), false},
		{`programs: {ksyms: [jiffies]}`, Access{Kind: KindKsym, Name: "jiffies"}, true},
		{`programs: {ksyms: [jiffies]}`, Access{Kind: KindKsym, Name: "commit_creds"}, false},
		{`programs: {kfuncs: ["*"]}`, Access{Kind: KindKsym, Name: "jiffies"}, false},
	} {
		if d := parse(t, tt.policy).Decision(nil, tt.a); d.Allowed != tt.want {
			t.Errorf("%s: %s: %v", tt.policy, tt.a, d)
		}
	}
}
