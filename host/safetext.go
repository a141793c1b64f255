package host

import "github.com/bpfhost/bpfhost/internal/quote"

// SafeText makes text that came from a plugin, an object or a policy fit for one line of a
// terminal: control characters (line breaks too), invalid UTF-8 and characters that reorder or
// hide what stands beside them are written as escapes such as \x1b, \n or \u202e.
func SafeText(s string) string { return quote.Text(s) }

// SafeLines is SafeText for text of several lines: line feeds and tabs stay.
func SafeLines(s string) string { return quote.Lines(s) }

// SafeJSON returns the same JSON document with every character that a terminal may take for a
// command written as an escape. It changes nothing of what the document means.
func SafeJSON(doc []byte) []byte { return quote.JSON(doc) }
