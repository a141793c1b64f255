package bench

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/vm"
)

// lacks matches what a machine says that it has not.
var lacks = regexp.MustCompile(`not supported: (.*?)(?: is not simulated| are not simulated|$)`)

// TestCorpusSimulated makes machines of the programs of the corpus, one at a time, and prints what they
// lack, by helper and type of map. At least 95 % of the programs have all that they need.
func TestCorpusSimulated(t *testing.T) {
	programs, run := 0, 0
	missing := map[string]int{}
	for _, o := range corpus(t) {
		c, err := elf.Load(bytes.NewReader(o.data), elf.Options{})
		if err != nil || c.Check() != nil {
			continue // other tests see to that
		}
		for _, p := range c.Programs {
			one := *c
			one.Programs, one.Attach = slices.Clone(c.Programs[:0:0]), nil
			one.Programs = append(one.Programs, p)
			programs++
			_, err := vm.New(&one, vm.Options{})
			switch {
			case err == nil:
				run++
			case errors.Is(err, vm.ErrNotSupported):
				what := err.Error()
				if m := lacks.FindStringSubmatch(what); m != nil {
					what = m[1]
				}
				missing[what]++
			default:
				missing["(error) "+err.Error()]++
			}
		}
	}
	var table strings.Builder
	for _, what := range slices.SortedFunc(maps.Keys(missing), func(a, b string) int { return missing[b] - missing[a] }) {
		fmt.Fprintf(&table, "%6d  %.100s\n", missing[what], what)
	}
	t.Logf("%d of %d programs can run\n%s", run, programs, table.String())
	if run*100 < programs*95 {
		t.Errorf("%d of %d programs can run, less than 95 %%", run, programs)
	}
}
