package sdk

import (
	"encoding/json"
	"testing"
)

func TestAppendJSON(t *testing.T) {
	for in, want := range map[string]string{
		"plain":           `"plain"`,
		"a\"b\\c":         `"a\"b\\c"`,
		"\x00\n\x1b[2J":   `"\u0000\u000a\u001b[2J"`,
		"größe\u009b":     `"größe\u009b"`,
		"\u2028":          `"\u2028"`,
		"bad \xff byte":   "\"bad \ufffd byte\"",
		"":                `""`,
		"\U0001f41d\x7f.": "\"\U0001f41d\\u007f.\"",
	} {
		got := string(AppendJSON(nil, in))
		if got != want {
			t.Errorf("AppendJSON(%q) = %s, want %s", in, got, want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("AppendJSON(%q) = %s is not JSON", in, got)
		}
	}
}

func TestAppendIPv4(t *testing.T) {
	if got := string(AppendIPv4([]byte("from "), []byte{192, 0, 2, 1, 9})); got != "from 192.0.2.1" {
		t.Errorf("got %q", got)
	}
	if got := AppendIPv4(nil, []byte{1, 2, 3}); got != nil {
		t.Errorf("three bytes give %q", got)
	}
}

func TestCString(t *testing.T) {
	for in, want := range map[string]string{"sh\x00junk": "sh", "full": "full", "\x00": "", "": ""} {
		if got := CString([]byte(in)); got != want {
			t.Errorf("CString(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestParseUint(t *testing.T) {
	for in, want := range map[string]uint64{"0": 0, "42": 42, "0x2a": 42, "0XFF": 255, "18446744073709551615": 1<<64 - 1} {
		if got, ok := parseUint(in); got != want || !ok {
			t.Errorf("parseUint(%q) = %d, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "0x", "-1", "1 ", "18446744073709551616", "abc"} {
		if got, ok := parseUint(in); ok {
			t.Errorf("parseUint(%q) = %d", in, got)
		}
	}
}
