package spec

import "testing"

func TestFlags(t *testing.T) {
	if n := len(AllMapFlags()); n != len(mapFlagFacts) || AllMapFlags()[0] != FlagNoPrealloc {
		t.Errorf("%d map flags", n)
	}
	if n := len(AllProgramFlags()); n != len(programFlagFacts) {
		t.Errorf("%d program flags", n)
	}
	for _, f := range AllMapFlags() {
		if got, ok := ParseMapFlag(f.Names()); !ok || got != f {
			t.Errorf("%q is %#x, not %#x", f.Names(), uint32(got), uint32(f))
		}
	}
	for _, f := range AllProgramFlags() {
		if got, ok := ParseProgramFlag(f.Names()); !ok || got != f {
			t.Errorf("%q is %#x, not %#x", f.Names(), uint32(got), uint32(f))
		}
	}
	if got := (FlagMmapable | FlagNoPrealloc | 1<<30).Names(); got != "no_prealloc|mmapable" {
		t.Errorf("got %q", got)
	}
	if got := (FlagMmapable | FlagLink).Since(); got != (Version{6, 4}) || FlagMmapable.Since() != (Version{}) {
		t.Errorf("since %v", got)
	}
	if got := (FlagSleepable | FlagXDPFrags).Since(); got != (Version{5, 18}) {
		t.Errorf("since %v", got)
	}
	if _, ok := ParseMapFlag("link2"); ok {
		t.Error("there is no such flag")
	}
}
