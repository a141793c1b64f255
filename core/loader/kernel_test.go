package loader

import (
	"errors"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
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

func TestParseConfig(t *testing.T) {
	got, err := parseConfig(strings.NewReader("#\n# CONFIG_X is not set\nCONFIG_BPF=y\nCONFIG_HZ=250\nCONFIG_NAME=\"a=b\"\nOTHER=1\n"))
	want := map[string]string{"CONFIG_BPF": "y", "CONFIG_HZ": "250", "CONFIG_NAME": `"a=b"`}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestCountCPUs(t *testing.T) {
	for list, want := range map[string]int{"0": 1, "0-1": 2, "0-3,8": 5, "2,4-5": 3, "": 0, "x": 0, "3-1": 0, "0-99999": 0} {
		if got, ok := countCPUs(list); got != want || ok != (want > 0) {
			t.Errorf("%q: %d, %v", list, got, ok)
		}
	}
}

func TestKernel(t *testing.T) {
	k := NewKernel()
	defer k.Close()
	types, err := k.Types()
	if errors.Is(err, ErrNotSupported) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := types.Find("task_struct", btf.KindStruct); err != nil {
		t.Error(err)
	}
	if again, err := k.Types(); err != nil || again != types {
		t.Errorf("the types were read twice, %v", err)
	}
	for range 2 {
		k.Close()
	}
	if _, err := k.Types(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("types after close: %v", err)
	}
}

func TestMissingFacts(t *testing.T) {
	k := fakeKernel(0)
	k.version = func() (uint32, error) { return 0, errors.New("unknown") }
	if k.before(spec.Version{Major: 99}) || k.running().Major != 0 {
		t.Error("a kernel of unknown version is old")
	}
}
