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

// writeLine prints JSON whose strings cannot command a terminal, with a line feed behind it.
func writeLine(w io.Writer, b []byte) error {
	_, err := w.Write(append(safeJSON(b), '\n'))
	return err
}

// jsonOut is a writer of JSON in pieces, none of which ends inside of a character.
type jsonOut struct{ w io.Writer }

// Write writes a piece. Its strings cannot command a terminal.
func (j jsonOut) Write(b []byte) (int, error) {
	if _, err := j.w.Write(safeJSON(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// safeJSON gives JSON with escapes for what does not show. The encoder has escaped what stands below a space.
func safeJSON(b []byte) []byte {
	safe := 0
	for safe < len(b) && b[safe] < 0x7f {
		safe++
	}
	if safe == len(b) {
		return b
	}
	out := append(make([]byte, 0, len(b)+1), b[:safe]...)
	for b = b[safe:]; len(b) > 0; {
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
	return out
}
