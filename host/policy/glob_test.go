package policy

import (
	"strings"
	"testing"
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
		p, found := l.decide([]string{tt.name}, tt.dangerous)
		if found != (tt.line != 0) || p.line != tt.line || p.negate != tt.negate {
			t.Errorf("%s (dangerous %v): %+v, %v", tt.name, tt.dangerous, p, found)
		}
	}
}
