package quote

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestName holds that a name is escaped once, with and without quotes.
func TestName(t *testing.T) {
	long := strings.Repeat("é", 40) // 80 bytes; the limit is inside of none of them
	short := strings.Repeat(`\u00e9`, 32)
	for _, tt := range []struct{ name, in, bare, quoted, plain string }{
		{"plain", "drop", "drop", `"drop"`, "drop"},
		{"empty", "", "", `""`, ""},
		{"control", "a\x1bb", `a\x1bb`, `"a\x1bb"`, `"a\x1bb"`},
		{"quote", `a"b`, `a\"b`, `"a\"b"`, `a"b`},
		{"backslash", `a\b`, `a\\b`, `"a\\b"`, `a\b`},
		{"letters", "größe", `gr\u00f6\u00dfe`, `"gr\u00f6\u00dfe"`, "größe"},
		{"invalid", "a\xff", `a\xff`, `"a\xff"`, `"a\xff"`},
		{"replacement", "a\ufffd", `a\ufffd`, `"a\ufffd"`, `"a\ufffd"`},
		{"long", long, short + "…", `"` + short + `"…`, long[:64] + "…"},
		{"long control", "\x1b" + long, `\x1b` + short[:31*6] + "…", `"\x1b` + short[:31*6] + `"…`, `"\x1b` + short[:31*6] + `"…`},
		{"no character starts", strings.Repeat("\x80", 99), strings.Repeat(`\x80`, 64) + "…", `"` + strings.Repeat(`\x80`, 64) + `"…`, `"` + strings.Repeat(`\x80`, 64) + `"…`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fmt.Sprintf("%s", Name(tt.in)); got != tt.bare {
				t.Errorf("%%s: %s, want %s", got, tt.bare)
			}
			if got := fmt.Sprint(Name(tt.in)); got != tt.bare {
				t.Errorf("%%v: %s, want %s", got, tt.bare)
			}
			if got := fmt.Sprintf("%q", Name(tt.in)); got != tt.quoted {
				t.Errorf("%%q: %s, want %s", got, tt.quoted)
			}
			if got := Quoted(tt.in); got != tt.quoted {
				t.Errorf("Quoted: %s, want %s", got, tt.quoted)
			}
			if got := Plain(tt.in, 64); got != tt.plain {
				t.Errorf("Plain: %s, want %s", got, tt.plain)
			}
		})
	}
}

func FuzzName(f *testing.F) {
	f.Add("\x1b]0;title\a")
	f.Add("\xff\xfe\u202e")
	f.Add("größe \ufffd\t" + strings.Repeat("\xe6\x9d", 80))
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{Name(s).String(), Quoted(s), Plain(s, 100)} {
			if !utf8.ValidString(out) {
				t.Fatalf("%q becomes %q, which is not UTF-8", s, out)
			}
			if i := strings.IndexFunc(out, func(r rune) bool { return !Printable(r) }); i >= 0 {
				t.Fatalf("%q becomes %q; what is at %d does not print", s, out, i)
			}
			if again := Text(out); again != out {
				t.Fatalf("%q is escaped again: %q", out, again)
			}
		}
		if len(s) <= maxName {
			if back, err := strconv.Unquote(Quoted(s)); err != nil || back != s {
				t.Fatalf("%q comes back as %q, %v", s, back, err)
			}
		}
	})
}
