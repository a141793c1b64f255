package main

import "testing"

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
