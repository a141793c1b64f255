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

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", 123456: "123,456"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}
