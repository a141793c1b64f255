// Package nearest finds the names that a mistyped one may have meant.
package nearest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Limits of what is near, and of what Hint lists.
const (
	maxEdits = 2
	maxNames = 3
	maxAll   = 8
)

// Name returns the name with the fewest edits from s, or one that s is the beginning of; "" when none
// is near.
func Name(s string, names []string) string {
	if near := Names(s, names); len(near) > 0 {
		return near[0]
	}
	return ""
}

// Names returns all names that are near, the nearest first.
func Names(s string, names []string) []string {
	type candidate struct {
		name  string
		edits int
	}
	var near []candidate
	for _, n := range names {
		d := Distance(s, n)
		switch {
		case len(s) > 1 && strings.HasPrefix(n, s):
			near = append(near, candidate{n, min(d, 1)})
		case d <= maxEdits && d < len(n):
			near = append(near, candidate{n, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.edits, b.edits) })
	out := make([]string, len(near))
	for i, c := range near {
		out[i] = c.name
	}
	return out
}

// Hint returns what to add to the error about a name that none of names is: the near ones as a
// question, or else the names that there are.
func Hint(s string, names []string) string {
	if near := Names(s, names); len(near) > 0 {
		return ", did you mean " + list(near, maxNames, " or ") + "?"
	}
	if len(names) == 0 {
		return ", there are none"
	}
	return ", there is " + list(names, maxAll, " and ")
}

// list quotes up to limit names.
func list(names []string, limit int, last string) string {
	var b strings.Builder
	rest := len(names) - limit
	for i, n := range names[:min(len(names), limit)] {
		switch {
		case i > 0 && i == len(names)-1:
			b.WriteString(last)
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", n)
	}
	if rest > 0 {
		fmt.Fprintf(&b, "%s%d more", last, rest)
	}
	return b.String()
}

// Distance counts the letters to insert, delete or replace to make b of a.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
