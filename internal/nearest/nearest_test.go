package nearest

import (
	"slices"
	"testing"
)

func TestName(t *testing.T) {
	flags := []string{"object", "set", "policy", "output", "duration", "ready"}
	tests := []struct{ typed, want string }{
		{"objct", "object"},
		{"objects", "object"},
		{"polciy", "policy"},
		{"sett", "set"},
		{"dur", "duration"}, // an abbreviation
		{"zzz", ""},
		{"x", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := Name(tt.typed, flags); got != tt.want {
			t.Errorf("Name(%q) = %q, want %q", tt.typed, got, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	got := Names("count", []string{"mount", "bounty", "count2", "counters", "other", "coun"})
	if want := []string{"mount", "count2", "counters", "coun", "bounty"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestHint(t *testing.T) {
	for _, c := range []struct {
		typed string
		names []string
		want  string
	}{
		{"pakets", []string{"packets", "flows"}, `, did you mean "packets"?`},
		{"count", []string{"count1", "count2"}, `, did you mean "count1" or "count2"?`},
		{"count", []string{"count1", "count2", "count3", "count4", "x"}, `, did you mean "count1", "count2", "count3" or 1 more?`},
		{"nosuch", []string{"packets"}, `, there is "packets"`},
		{"nosuch", []string{"packets", "flows", "a\nb"}, `, there is "packets", "flows" and "a\nb"`},
		{"nosuch", []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, `, there is "1", "2", "3", "4", "5", "6", "7", "8" and 1 more`},
		{"nosuch", nil, ", there are none"},
	} {
		if got := Hint(c.typed, c.names); got != c.want {
			t.Errorf("%s of %q: %s, want %s", c.typed, c.names, got, c.want)
		}
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "", 3}, {"", "ab", 2}, {"run", "run", 0}, {"rnu", "run", 2}, {"pln", "plan", 1}, {"kitten", "sitting", 3},
	}
	for _, tt := range tests {
		if got := Distance(tt.a, tt.b); got != tt.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
