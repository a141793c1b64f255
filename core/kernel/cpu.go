package kernel

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// CPUs returns the number of possible CPUs: the number of values that a key of a per-CPU map has.
func (k *Kernel) CPUs() (int, error) { return k.cpus() }

// possibleCPUs reads the list of possible CPUs.
func possibleCPUs() (int, error) {
	b, err := sys.Sysfs.ReadFile("devices/system/cpu/possible")
	if err != nil {
		return 0, fmt.Errorf("count possible CPUs: %w", err)
	}
	n, ok := countCPUs(strings.TrimSpace(string(b)))
	if !ok {
		return 0, fmt.Errorf("count possible CPUs: cannot read %q", b)
	}
	return n, nil
}

// countCPUs counts the CPUs of a list such as "0-3,8".
func countCPUs(list string) (int, bool) {
	n := 0
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, err := strconv.ParseUint(from, 10, 16)
		b, err2 := strconv.ParseUint(to, 10, 16)
		if err != nil || err2 != nil || b < a {
			return 0, false
		}
		n += int(b-a) + 1
	}
	return n, n > 0
}
