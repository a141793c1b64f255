package kernel

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestFindSymbols(t *testing.T) {
	const text = `0000000000000000 A fixed_percpu_data
ffffffff81000000 T _stext
ffffffff81000010 t twice
ffffffff81000010 t same
ffffffff81000010 t same
ffffffffa0000000 t in_module	[veth]
ffffffff81000020 t twice
ffffffff81000028 d renamed.llvm.1234
ffffffff81000030 t code.llvm.1234
ffffffff81000038 D last
`
	names := []string{"_stext", "twice", "same", "in_module", "fixed_percpu_data", "renamed", "code", "none"}
	got, hidden, err := findSymbols(strings.NewReader(text), names)
	want := map[string][]uint64{
		"_stext": {0xffffffff81000000}, "twice": {0xffffffff81000010, 0xffffffff81000020}, "same": {0xffffffff81000010},
		"in_module": {0xffffffffa0000000}, "fixed_percpu_data": {0}, "renamed": {0xffffffff81000028},
	}
	if err != nil || hidden || !maps.EqualFunc(got, want, slices.Equal) {
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
