package quote

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds how much of a name a message shows, in bytes.
const maxName = 64

// Printable reports whether a character of a name shows as itself. Names are held to more than
// text: spaces other than ' ' and characters without a meaning are not printable either.
func Printable(r rune) bool { return unicode.IsPrint(r) }

// Quoted returns a name in quotes, in ASCII. At most its first 64 bytes are shown.
func Quoted(name string) string {
	s, more := cut(name, maxName)
	return strconv.QuoteToASCII(s) + more
}

// Plain returns s as it is when all of it prints, and in quotes, in ASCII, otherwise. At most its
// first limit bytes are shown.
func Plain(s string, limit int) string {
	s, more := cut(s, limit)
	for _, r := range s {
		if r == utf8.RuneError || !Printable(r) {
			return strconv.QuoteToASCII(s) + more
		}
	}
	return s + more
}

// cut shortens s to at most limit bytes, between two characters, and returns the mark for what is
// missing.
func cut(s string, limit int) (short, more string) {
	if len(s) <= limit {
		return s, ""
	}
	for i := limit; i > 0 && i > limit-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i], "…"
		}
	}
	return s[:limit], "…" // not UTF-8
}

// Name is a name of untrusted origin in a message. It is escaped and shortened once, when it is
// formatted: the verb %q writes what Quoted returns, all others what String returns.
type Name string

// String returns what Quoted returns for the name, without the quotes.
func (n Name) String() string {
	if len(n) <= maxName && !needsEscape(string(n)) && !strings.ContainsAny(string(n), `"\`) {
		return string(n)
	}
	s, more := cut(string(n), maxName)
	q := strconv.QuoteToASCII(s)
	return q[1:len(q)-1] + more
}

// Format writes the name; it implements fmt.Formatter.
func (n Name) Format(f fmt.State, verb rune) {
	text := n.String()
	if verb == 'q' {
		text = Quoted(string(n))
	}
	io.WriteString(f, text)
}
