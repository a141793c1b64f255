package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestWriteJSON holds that strings come back as they were and that nothing in between commands a
// terminal.
func TestWriteJSON(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain é 漢", `"plain é 漢"`},
		{"\x1b[2J\n\x7f", `"\u001b[2J\n\u007f"`},
		{"\u009b31m \u202e \u2028 \ufeff", `"\u009b31m \u202e \u2028 \ufeff"`},
		{"\U000e0041", `"\udb40\udc41"`},
	}
	for _, tt := range tests {
		var b strings.Builder
		if err := writeJSONLine(&b, tt.in); err != nil {
			t.Fatal(err)
		}
		if b.String() != tt.want+"\n" {
			t.Errorf("%q: got %s want %s", tt.in, b.String(), tt.want)
		}
		var back string
		if err := json.Unmarshal([]byte(b.String()), &back); err != nil || back != tt.in {
			t.Errorf("%q comes back as %q, %v", tt.in, back, err)
		}
	}
}
