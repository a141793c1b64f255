package main

import "testing"

func TestBitNames(t *testing.T) {
	for flags, want := range map[uint32]string{
		0: "", 0x480: "rdonly_prog,mmapable", 1<<31 | 1: "no_prealloc,0x80000000", 1 << 30: "0x40000000",
	} {
		if got := bitNames(flags, mapFlags); got != want {
			t.Errorf("%#x is %q, want %q", flags, got, want)
		}
	}
}

func TestSomeOf(t *testing.T) {
	for want, names := range map[string][]string{"": nil, "a, b, c": {"a", "b", "c"}, "a, b, c and 2 more": {"a", "b", "c", "d", "e"}} {
		if got := someOf(names); got != want {
			t.Errorf("%v is %q, want %q", names, got, want)
		}
	}
}
