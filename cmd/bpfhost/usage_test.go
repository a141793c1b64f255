package main

import "testing"

func TestNearest(t *testing.T) {
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
		if got := nearest(tt.typed, flags); got != tt.want {
			t.Errorf("nearest(%q) = %q, want %q", tt.typed, got, tt.want)
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
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// TestFlagNames holds the reading of names out of the help text to the flags that there are.
func TestFlagNames(t *testing.T) {
	c := newRun(app{})
	names := flagNames(c)
	if len(names) < 7 {
		t.Errorf("only %q found", names)
	}
	for _, n := range names {
		if c.Flags().Lookup(n) == nil {
			t.Errorf("%q is not a flag", n)
		}
	}
}
