package asm

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// show quotes a name for a message: texts and names come from others.
func show(name string) string { return quote.Quoted(name) }

// isWord reports whether a name can stand without quotes as a label or a function.
func isWord(s string) bool {
	for i := range len(s) {
		if !wordByte(s[i], i == 0) {
			return false
		}
	}
	return s != ""
}

// wordByte reports whether c can be part of a name, or start it.
func wordByte(c byte, first bool) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '.', c == '$':
		return true
	}
	return !first && '0' <= c && c <= '9'
}

// labelNumber returns the label that a word such as L12 names by its number.
func labelNumber(s string) (Label, bool) {
	if len(s) < 2 || s[0] != 'L' || s[1] == '0' || s[1] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:], 10, 32)
	return Label(n), err == nil
}

// appendName appends a name, in quotes where it is not a word.
func appendName(dst []byte, name string) []byte {
	if isWord(name) {
		return append(dst, name...)
	}
	return strconv.AppendQuote(dst, name)
}

// appendLabel appends the name of a label, or L and its number. Names that look like a number of
// another label are quoted.
func (o TextOptions) appendLabel(dst []byte, l Label) []byte {
	if len(o.LabelNames) != 0 {
		if name := o.LabelNames[l]; name != "" {
			if _, number := labelNumber(name); number {
				return strconv.AppendQuote(dst, name)
			}
			return appendName(dst, name)
		}
	}
	return strconv.AppendUint(append(dst, 'L'), uint64(l), 10)
}

// maxScan is the largest number of label names that is looked through for every call.
const maxScan = 64

// plainFunc reports whether a call of a function can be written with its bare name: Parse would take
// neither a label nor a helper for it.
func (o TextOptions) plainFunc(name string) bool {
	if _, number := labelNumber(name); number || !isWord(name) || strings.HasPrefix(name, "bpf_") {
		return false
	}
	if name == "pc" || len(o.LabelNames) > maxScan {
		return false
	}
	for _, label := range o.LabelNames {
		if label == name {
			return false
		}
	}
	return true
}

// appendBracketed appends a name that stands in brackets, in quotes unless it is plain.
func appendBracketed(dst []byte, name string) []byte {
	plain := name != ""
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || c == '"' || c == '[' || c == ']' || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return append(dst, name...)
	}
	return strconv.AppendQuote(dst, name)
}

// appendSource appends the lines of a comment. Characters that a terminal might act on are escaped,
// for the text comes from an object file.
func appendSource(dst []byte, text string) []byte {
	for line := range strings.Lines(text) {
		dst = append(dst, "; "...)
		for _, r := range strings.TrimRight(line, "\r\n") {
			if r == '\t' || r != utf8.RuneError && quote.Printable(r) {
				dst = utf8.AppendRune(dst, r)
				continue
			}
			dst = strconv.AppendQuoteRuneToASCII(dst, r)
		}
		dst = append(dst, '\n')
	}
	return dst
}
