package lab

import "testing"

func TestMoveSource(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"fields", "Types: deb\nURIs: x://h/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\nTypes: deb\nURIs: x://h/other\nSuites: s\n",
			"Types: deb\nURIs: x://h/debian\nSuites: trixie\nComponents: main\n"},
		{"lines", "# c\ndeb [signed-by=/k] x://h/debian bookworm main contrib\n", "deb [signed-by=/k] x://h/debian trixie main contrib\n"},
		{"none", "# nothing here\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := moveSource(c.in, "trixie"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLastLine(t *testing.T) {
	if got := lastLine("a\nE: cannot reach\n\n"); got != "E: cannot reach" {
		t.Errorf("got %q", got)
	}
}
