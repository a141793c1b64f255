package object

import "strconv"

// Show shortens and escapes a name for a message: names come from untrusted files.
func Show(name string) string {
	const limit = 64
	if len(name) <= limit && plain(name) {
		return name
	}
	short := name
	if len(name) > limit {
		short = name[:limit]
	}
	q := strconv.QuoteToASCII(short)
	if q = q[1 : len(q)-1]; len(name) > limit {
		q += "…"
	}
	return q
}

// plain reports whether nothing of the name needs to be escaped.
func plain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
