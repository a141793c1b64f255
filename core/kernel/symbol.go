package kernel

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// Symbols looks up the addresses of kernel symbols. A name that is missing from the result does not
// exist; one that several symbols have, as static functions may, has all their addresses in the order
// of the kernel. hidden says that the kernel shows no addresses to this process, so nothing is known.
func (k *Kernel) Symbols(names ...string) (addrs map[string][]uint64, hidden bool, err error) {
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
func findSymbols(r io.Reader, names []string) (map[string][]uint64, bool, error) {
	want := make(map[string]bool, len(names))
	for _, n := range names {
		want[n] = true
	}
	found := make(map[string][]uint64, len(names))
	hidden := true
	s := bufio.NewScanner(r)
	for s.Scan() {
		line := s.Bytes()
		at := bytes.IndexByte(line[:min(len(line), 17)], ' ')
		if at < 1 || len(line) < at+4 {
			continue
		}
		name := symbolName(line[at+3:], line[at+1])
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
		if want[string(name)] && !slices.Contains(found[string(name)], addr) {
			found[string(name)] = append(found[string(name)], addr)
		}
	}
	return found, hidden, s.Err()
}

// symbolName returns the name at the start of the rest of a line. Of static data that LLVM renamed
// when it linked (LTO) it is the name in the source, as for libbpf.
func symbolName(rest []byte, kind byte) []byte {
	if i := bytes.IndexAny(rest, "\t "); i >= 0 {
		rest = rest[:i]
	}
	if kind == 'd' {
		rest, _, _ = bytes.Cut(rest, []byte(".llvm."))
	}
	return rest
}
