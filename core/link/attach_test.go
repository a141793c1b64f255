package link

import "testing"

func TestKprobeTarget(t *testing.T) {
	for s, want := range map[string]KprobeOptions{
		"do_unlinkat":      {Function: "do_unlinkat"},
		"do_unlinkat+16":   {Function: "do_unlinkat", Offset: 16},
		"do_unlinkat+0x10": {Function: "do_unlinkat", Offset: 16},
	} {
		if got, err := kprobeTarget(s); err != nil || got != want {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	if _, err := kprobeTarget("f+x"); err == nil {
		t.Error("a bad offset was accepted")
	}
}
