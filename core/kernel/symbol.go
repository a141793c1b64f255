package kernel

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Symbols looks up the addresses of kernel symbols. A name that is missing from the result does not
// exist; hidden says that the kernel shows no addresses to this process, so nothing is known.
func (k *Kernel) Symbols(names ...string) (addrs map[string]uint64, hidden bool, err error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, false, fmt.Errorf("read kernel symbols: %w", err)
	}
	defer f.Close()
	addrs, hidden, err = findSymbols(f, names)
	if err != nil {
		return nil, false, fmt.Errorf("read kernel symbols: %w", err)
	}
	return addrs, hidden, nil
}

// findSymbols scans the text of /proc/kallsyms: "ffffffff81000000 T _stext\t[module]".
func findSymbols(r io.Reader, names []string) (map[string]uint64, bool, error) {
	want := make(map[string]bool, len(names))
	for _, n := range names {
		want[n] = true
	}
	found := make(map[string]uint64, len(names))
	hidden := true
	s := bufio.NewScanner(r)
	for s.Scan() && (hidden || len(found) < len(want)) {
		line := s.Bytes()
		at := strings.IndexByte(string(line[:min(len(line), 17)]), ' ')
		if at < 1 || len(line) < at+4 {
			continue
		}
		name := line[at+3:]
		for i, c := range name {
			if c == '\t' || c == ' ' {
				name = name[:i]
				break
			}
		}
		if !hidden && !want[string(name)] {
			continue
		}
		addr, err := strconv.ParseUint(string(line[:at]), 16, 64)
		if err != nil {
			return nil, false, fmt.Errorf("cannot read line %q", line)
		}
		if addr != 0 {
			hidden = false
		}
		if _, twice := found[string(name)]; want[string(name)] && !twice {
			found[string(name)] = addr
		}
	}
	return found, hidden, s.Err()
}
