package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var tab table
	tab.text("file %s", "a\x1b[2J.o")
	tab.block([]string{"NAME", "SIZE"}, [][]string{{"counts", "4"}, {"é\n", ""}})
	tab.block([]string{"NOTHING"}, nil)
	tab.block([]string{"A", "B"}, [][]string{{"wide enough", "x"}})
	var b strings.Builder
	if err := tab.write(&b); err != nil {
		t.Fatal(err)
	}
	want := `file a\x1b[2J.o

NAME    SIZE
counts  4
é\n     -

A            B
wide enough  x
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestTableWidth lays a table out for terminals: words that have no room go below the last column,
// unless that is too narrow.
func TestTableWidth(t *testing.T) {
	var tab table
	tab.text("1. mount: nothing is mounted at /sys/fs/bpf")
	tab.block([]string{"NAME", "DETAIL"}, [][]string{{"bpffs", "maps and links cannot be pinned"}, {"jit", "on"}, {"path", "/a/path/that/no/line/can/hold is long"}})
	for width, want := range map[int]string{
		28: `1. mount: nothing is mounted
  at /sys/fs/bpf

NAME   DETAIL
bpffs  maps and links cannot
       be pinned
jit    on
path   /a/path/that/no/line/can/hold
       is long
`,
		26: `1. mount: nothing is
  mounted at /sys/fs/bpf

NAME   DETAIL
bpffs  maps and links cannot be pinned
jit    on
path   /a/path/that/no/line/can/hold is long
`,
	} {
		if got := tab.layout(width); got != want {
			t.Errorf("width %d: got\n%s\nwant\n%s", width, got, want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", 123456: "123,456"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}
