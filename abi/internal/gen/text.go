package main

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/abi"
)

// page collects lines of text.
type page struct{ bytes.Buffer }

// p adds one line.
func (g *page) p(format string, args ...any) {
	fmt.Fprintf(g, format, args...)
	g.WriteByte('\n')
}

// comment adds text as comment lines of at most 100 characters, each after prefix.
func (g *page) comment(prefix, text string) {
	line := prefix
	for _, w := range strings.Fields(text) {
		if len(line)+len(w) >= 100 && line != prefix {
			g.p("%s", line)
			line = prefix
		}
		line += " " + w
	}
	g.p("%s", line)
}

// item adds text as a list item of lines of at most 100 characters. Tables cannot be broken, items
// can.
func (g *page) item(format string, args ...any) {
	line := "-"
	for _, w := range strings.Fields(fmt.Sprintf(format, args...)) {
		if utf8.RuneCountInString(line)+utf8.RuneCountInString(w) >= 100 {
			g.p("%s", line)
			line = " "
		}
		line += " " + w
	}
	g.p("%s", line)
}

// goFile formats a page as Go source.
func (g *page) goFile() ([]byte, error) {
	b, err := format.Source(g.Bytes())
	if err != nil {
		return nil, fmt.Errorf("format: %w\n%s", err, g.String())
	}
	return b, nil
}

// upper holds the words that are not merely capitalised in Go names.
var upper = map[string]string{
	"abi": "ABI", "btf": "BTF", "cpus": "CPUs", "io": "IO", "id": "ID", "lpm": "LPM", "lru": "LRU", "lsm": "LSM",
	"lwt": "LWT", "mac": "MAC", "percpu": "PerCPU", "tcx": "TCX", "u64": "U64", "udp4": "UDP4", "udp6": "UDP6",
	"xdp": "XDP", "xskmap": "XSKMap",
}

// camel makes a Go name of a lower-case one: "max_entries" becomes "MaxEntries".
func camel(name string) string {
	var b strings.Builder
	for w := range strings.SplitSeq(name, "_") {
		switch {
		case upper[w] != "":
			b.WriteString(upper[w])
		case w != "":
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	return b.String()
}

// lowerCamel is camel for parameters and unexported names.
func lowerCamel(name string) string {
	first, rest, _ := strings.Cut(name, "_")
	return avoid(first + camel(rest))
}

// avoid keeps parameter names off Go's keywords.
func avoid(name string) string {
	switch name {
	case "map", "func", "type", "range":
		return name + "_"
	}
	return name
}

// enumOf finds an enum by name.
func enumOf(name string) (abi.Enum, bool) {
	for _, e := range abi.Enums() {
		if e.Name == name {
			return e, true
		}
	}
	return abi.Enum{}, false
}

// recordOf finds a record by name.
func recordOf(name string) (abi.Record, bool) {
	for _, r := range abi.Records() {
		if r.Name == name {
			return r, true
		}
	}
	return abi.Record{}, false
}
