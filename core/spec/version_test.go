package spec

import "testing"

func TestVersion(t *testing.T) {
	for text, want := range map[string]Version{"5.10": {5, 10}, "6.1.55-1": {6, 1}, "7.3-rc1": {7, 3}} {
		if v, ok := ParseVersion(text); !ok || v != want {
			t.Errorf("%q is %v, %v", text, v, ok)
		}
	}
	for _, text := range []string{"", "6", "six.one", "-1.2", "6.-1", ".5"} {
		if v, ok := ParseVersion(text); ok || v != (Version{}) {
			t.Errorf("%q is %v, %v", text, v, ok)
		}
	}
	if s := (Version{6, 9}).String(); s != "6.9" {
		t.Errorf("text %q", s)
	}
	if a, b := (Version{5, 10}), (Version{5, 9}); a.Compare(b) <= 0 || b.Compare(a) >= 0 || a.Compare(a) != 0 || b.Compare(Version{6, 0}) >= 0 {
		t.Error("versions are ordered wrongly")
	}
}
