package quote

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ name, in, line, lines string }{
		{"plain", "drops.o: 3 programs", "drops.o: 3 programs", "drops.o: 3 programs"},
		{"empty", "", "", ""},
		{"utf8", "größe 東京", "größe 東京", "größe 東京"},
		{"clear screen", "a\x1b[2Jb", `a\x1b[2Jb`, `a\x1b[2Jb`},
		{"line forging", "ok\nPlan: allowed", `ok\nPlan: allowed`, "ok\nPlan: allowed"},
		{"carriage return", "secret\rhidden", `secret\rhidden`, `secret\rhidden`},
		{"tab", "a\tb", `a\tb`, "a\tb"},
		{"nul", "a\x00b", `a\x00b`, `a\x00b`},
		{"delete", "a\x7f", `a\x7f`, `a\x7f`},
		{"c1 csi", "a\u009b2J", `a\u009b2J`, `a\u009b2J`},
		{"c1 as byte", "a\x9b2J", `a\x9b2J`, `a\x9b2J`},
		{"bidi override", "a\u202eb", `a\u202eb`, `a\u202eb`},
		{"zero width", "a\u200bb", `a\u200bb`, `a\u200bb`},
		{"line separator", "a\u2028b", `a\u2028b`, `a\u2028b`},
		{"tag character", "a\U000e0041b", `a\U000e0041b`, `a\U000e0041b`},
		{"cut off", "a\xe6\x9d", `a\xe6\x9d`, `a\xe6\x9d`},
		{"replacement itself", "a\ufffdb", "a\ufffdb", "a\ufffdb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Text(tt.in); got != tt.line {
				t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.line)
			}
			if got := Lines(tt.in); got != tt.lines {
				t.Errorf("Lines(%q) = %q, want %q", tt.in, got, tt.lines)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	in := "a\u009b2J\u202e\U000e0041\x7f größe"
	doc, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	safe := JSON(doc)
	if want := `"a\u009b2J\u202e\udb40\udc41\u007f größe"`; string(safe) != want {
		t.Errorf("JSON = %s, want %s", safe, want)
	}
	var out string
	if err := json.Unmarshal(safe, &out); err != nil || out != in {
		t.Errorf("it means %q, %v; want %q", out, err, in)
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b]0;title\a")
	f.Add("\xff\xfe\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		out := Text(s)
		if !utf8.ValidString(out) {
			t.Fatalf("Text(%q) = %q is not UTF-8", s, out)
		}
		for _, r := range out {
			if isDangerous(r) {
				t.Fatalf("Text(%q) = %q keeps %U", s, out, r)
			}
		}
		if again := Text(out); again != out {
			t.Fatalf("Text is not a fixed point: %q, %q", out, again)
		}
	})
}
