package gen

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
)

// value is one constant of a C enumeration.
type value struct {
	name   string // as in C
	number uint64
}

// parseEnums reads C enumerations that set the number of every constant. Lines that start with #
// are comments.
func parseEnums(text string) (map[string][]value, error) {
	enums := map[string][]value{}
	current := ""
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "enum "):
			current = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(line, "enum "), "{"))
		case line == "};":
			current = ""
		case current == "":
			return nil, fmt.Errorf("read line %d: %q is outside of an enum", n, line)
		default:
			v, err := parseValue(line)
			if err != nil {
				return nil, fmt.Errorf("read line %d: %w", n, err)
			}
			enums[current] = append(enums[current], v)
		}
	}
	return enums, lines.Err()
}

// parseValue reads "NAME = 12,".
func parseValue(line string) (value, error) {
	name, number, ok := strings.Cut(strings.TrimSuffix(line, ","), " = ")
	if !ok {
		return value{}, fmt.Errorf("%q has no number", line)
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return value{}, fmt.Errorf("read number of %s: %w", name, err)
	}
	return value{name, n}, nil
}

// upper holds the words of names that are not merely capitalised in Go.
var upper = map[string]string{
	"btf": "BTF", "cpu": "CPU", "gid": "GID", "id": "ID", "lpm": "LPM", "lru": "LRU", "lsm": "LSM",
	"lwt": "LWT", "percpu": "PerCPU", "pid": "PID", "tcp": "TCP", "tcx": "TCX", "tgid": "TGID",
	"udp": "UDP", "udp4": "UDP4", "udp6": "UDP6", "uid": "UID", "xdp": "XDP",
}

// camel makes a Go name of a lower-case C name: "percpu_array" becomes "PerCPUArray".
func camel(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		switch {
		case upper[word] != "":
			b.WriteString(upper[word])
		case word != "":
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
