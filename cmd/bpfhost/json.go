package main

import (
	"encoding/json"
	"io"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// writeJSON prints a document for people and programs: indented, with a line feed after it.
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

// writeLine prints JSON whose strings cannot command a terminal, with a line feed after it.
func writeLine(w io.Writer, b []byte) error {
	_, err := w.Write(append(quote.JSON(b), '\n'))
	return err
}

// jsonOut is a writer of JSON in pieces, none of which ends inside of a character.
type jsonOut struct{ w io.Writer }

// Write writes a piece. Its strings cannot command a terminal.
func (j jsonOut) Write(b []byte) (int, error) {
	if _, err := j.w.Write(quote.JSON(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}
