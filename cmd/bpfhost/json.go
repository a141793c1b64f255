package main

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// writeJSON prints a document for people and programs: indented, with a line feed behind it.
func writeJSON(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeLine(w, b)
}

// writeJSONLine prints a document on one line.
func writeJSONLine(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeLine(w, b)
}

// writeLine prints JSON whose strings cannot command a terminal. The encoder has escaped what stands
// below a space; what else does not show is escaped here.
func writeLine(w io.Writer, b []byte) error {
	out := make([]byte, 0, len(b)+1)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case b[0] < 0x7f || r >= 0x80 && unicode.IsPrint(r):
			out = append(out, b[:n]...)
		case r >= 0x10000:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, "\\u%04x\\u%04x", hi, lo)
		default:
			out = fmt.Appendf(out, "\\u%04x", r)
		}
		b = b[n:]
	}
	_, err := w.Write(append(out, '\n'))
	return err
}
