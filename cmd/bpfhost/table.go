package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// table is text in blocks of aligned columns. Every cell is made safe for a terminal here, so that
// what comes from a file or a plugin can be put in as it is.
type table struct {
	lines []tableLine
}

type tableLine struct {
	cells []string
	block int // lines of one block share their column widths
}

// text adds a line without columns.
func (t *table) text(format string, args ...any) {
	t.lines = append(t.lines, tableLine{cells: []string{quote.Text(fmt.Sprintf(format, args...))}, block: -1})
}

// block adds a headed block of rows; nothing when there are no rows.
func (t *table) block(head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	n := len(t.lines)
	if n > 0 {
		t.text("")
		n++
	}
	t.lines = append(t.lines, tableLine{cells: head, block: n})
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, c := range r {
			if cells[i] = quote.Text(c); cells[i] == "" {
				cells[i] = "-"
			}
		}
		t.lines = append(t.lines, tableLine{cells: cells, block: n})
	}
}

// write prints the table, no wider than the terminal that it goes to.
func (t *table) write(w io.Writer) error {
	width := 0
	if f, ok := w.(*os.File); ok {
		width = sys.TerminalWidth(f)
	}
	_, err := io.WriteString(w, t.layout(width))
	return err
}

// layout returns the table as text. What is wider than width goes on in the next line, below the last
// column; 0 is any width.
func (t *table) layout(width int) string {
	widths := map[int][]int{}
	for _, l := range t.lines {
		for i, c := range l.cells {
			if len(widths[l.block]) <= i {
				widths[l.block] = append(widths[l.block], 0)
			}
			widths[l.block][i] = max(widths[l.block][i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, l := range t.lines {
		indent, left := 0, width
		for i, c := range l.cells {
			if i < len(l.cells)-1 {
				b.WriteString(c)
				b.WriteString(strings.Repeat(" ", widths[l.block][i]-utf8.RuneCountInString(c)+2))
				indent += widths[l.block][i] + 2
				left = width - indent
				continue
			}
			writeWrapped(&b, c, left, width, max(indent, 2))
		}
	}
	return b.String()
}

// narrowest is the width of a column below which wrapped text is harder to read than long lines.
const narrowest = 20

// writeWrapped writes the rest of a line, in which there is room for so many characters, and goes on
// after an indent in lines of a width.
func writeWrapped(b *strings.Builder, text string, room, width, indent int) {
	rest := width - indent
	if rest < narrowest || utf8.RuneCountInString(text) <= room {
		b.WriteString(text)
		b.WriteByte('\n')
		return
	}
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case n+1 > room:
			b.WriteByte('\n')
			b.WriteString(strings.Repeat(" ", indent))
			room = rest
		default:
			b.WriteByte(' ')
			room--
		}
		b.WriteString(word)
		room -= n
	}
	b.WriteByte('\n')
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// thousands writes a number with commas. The largest there is means more than can be counted.
func thousands[N int | uint64](n N) string {
	if uint64(n) == math.MaxUint64 {
		return "too many"
	}
	s := strconv.FormatUint(uint64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
