package kernel

import (
	"maps"
	"strings"
	"testing"
)

func TestFindSymbols(t *testing.T) {
	const text = "0000000000000000 A fixed_percpu_data\nffffffff81000000 T _stext\nffffffff81000010 t twice\nffffffffa0000000 t in_module\t[veth]\nffffffff81000020 t twice\nffffffff81000030 D last\n"
	got, hidden, err := findSymbols(strings.NewReader(text), []string{"_stext", "twice", "in_module", "fixed_percpu_data", "none"})
	want := map[string]uint64{"_stext": 0xffffffff81000000, "twice": 0xffffffff81000010, "in_module": 0xffffffffa0000000, "fixed_percpu_data": 0}
	if err != nil || hidden || !maps.Equal(got, want) {
		t.Errorf("%v, %v, %v", got, hidden, err)
	}
	got, hidden, err = findSymbols(strings.NewReader("0000000000000000 T _stext\n0000000000000000 T last\n"), []string{"_stext"})
	if err != nil || !hidden || len(got) != 1 {
		t.Errorf("hidden addresses: %v, %v, %v", got, hidden, err)
	}
	if _, _, err := findSymbols(strings.NewReader("nonsense T x\nnonsense T x\n"), []string{"x"}); err == nil {
		t.Error("nonsense was accepted")
	}
}
