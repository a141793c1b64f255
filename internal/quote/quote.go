// Package quote makes text of untrusted origin fit to be printed: text of plugins, objects and
// policies, which may hold commands for a terminal.
//
// Text and Lines are for output, JSON for documents; Quoted, Plain and Name for names in messages.
package quote

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text makes text that came from a plugin, an object or a policy fit for one line of a
// terminal: control characters (line breaks too), invalid UTF-8 and characters that reorder or
// hide what stands beside them are written as escapes such as \x1b, \n or \u202e. Everything
// that this project prints of untrusted origin passes through here.
func Text(s string) string {
	if !needsEscape(s) {
		return s
	}
	return string(appendText(make([]byte, 0, len(s)+16), s, false))
}

// Lines is Text for text of several lines: line feeds and tabs stay.
func Lines(s string) string {
	if !needsEscape(s) {
		return s
	}
	return string(appendText(make([]byte, 0, len(s)+16), s, true))
}

// needsEscape finds out quickly that nothing has to change, which is the common case.
func needsEscape(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return true
		}
	}
	return false
}

// AppendLines appends Lines(s) to dst.
func AppendLines(dst []byte, s string) []byte { return appendText(dst, s, true) }

// appendText appends s with everything dangerous escaped; lines keeps '\n' and '\t'.
func appendText(dst []byte, s string, lines bool) []byte {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = appendHex(append(dst, '\\', 'x'), uint32(s[i]), 2)
		case lines && (r == '\n' || r == '\t'):
			dst = append(dst, byte(r))
		case isDangerous(r):
			dst = appendEscape(dst, r)
		default:
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return dst
}

// isDangerous reports whether a terminal may take the character for a command, or show the
// characters around it in another order or not at all.
func isDangerous(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029
}

func appendEscape(dst []byte, r rune) []byte {
	if i := strings.IndexRune("\a\b\t\n\v\f\r", r); i >= 0 {
		return append(dst, '\\', "abtnvfr"[i])
	}
	if r < 0x80 {
		return appendHex(append(dst, '\\', 'x'), uint32(r), 2)
	}
	if r < 0x10000 {
		return appendHex(append(dst, '\\', 'u'), uint32(r), 4)
	}
	return appendHex(append(dst, '\\', 'U'), uint32(r), 8)
}

func appendHex(dst []byte, v uint32, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, "0123456789abcdef"[v>>(4*i)&15])
	}
	return dst
}

// JSON returns the same JSON document with every character that a terminal may take for a command
// written as an escape. It changes nothing of what the document means.
func JSON(doc []byte) []byte {
	if !slices.ContainsFunc(doc, func(c byte) bool { return c >= 0x7f }) {
		return doc // encoding/json escapes the controls below a space itself
	}
	out := make([]byte, 0, len(doc)+64)
	for len(doc) > 0 {
		r, n := utf8.DecodeRune(doc)
		if r < 0x7f || !isDangerous(r) {
			out = append(out, doc[:n]...)
		} else if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
			out = appendHex(append(out, `\u`...), uint32(high), 4)
			out = appendHex(append(out, `\u`...), uint32(low), 4)
		} else {
			out = appendHex(append(out, `\u`...), uint32(r), 4)
		}
		doc = doc[n:]
	}
	return out
}
