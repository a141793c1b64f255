package guest

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// textSchema names the form of a line of text among lines of JSON.
const textSchema = "bpfhost.text/v1"

// textLine is a line of text that a plugin wrote where lines of JSON are wanted.
type textLine struct {
	Schema string `json:"schema"`
	Plugin string `json:"plugin"`
	Text   string `json:"text"`
}

// appendJSONLine appends a line of results as a JSON object. An object of the plugin stays as it
// is; everything else is a field of a textLine, and so is an object that claims a schema of the
// host, which could pass for the host's account.
func appendJSONLine(dst []byte, plugin string, line []byte) []byte {
	if isObject(line) && !claimsSchema(line) {
		return append(dst, quote.JSON(line)...)
	}
	b, err := json.Marshal(textLine{Schema: textSchema, Plugin: plugin, Text: string(line)})
	if err != nil { // strings alone: cannot happen
		return dst
	}
	return append(dst, quote.JSON(b)...)
}

// isObject reports whether a line is one JSON object, and nothing else that could move a cursor.
func isObject(line []byte) bool {
	return len(line) > 0 && line[0] == '{' && !bytes.ContainsRune(line, '\r') && utf8.Valid(line) && json.Valid(line)
}

// claimsSchema reports whether an object has a key "schema", in any case and however it is written,
// whose value begins with the host's name. Most lines name neither and are not read.
func claimsSchema(line []byte) bool {
	if !bytes.Contains(line, []byte("bpfhost.")) && !bytes.ContainsRune(line, '\\') {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if _, err := d.Token(); err != nil {
		return true
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return true
		}
		var value any
		if d.Decode(&value) != nil {
			return true
		}
		name, _ := key.(string)
		if text, ok := value.(string); ok && strings.EqualFold(name, "schema") && strings.HasPrefix(text, "bpfhost.") {
			return true
		}
	}
	return false
}
