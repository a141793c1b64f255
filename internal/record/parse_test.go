package record

import (
	"strings"
	"testing"
)

// Text is read as the field's type says, and what does not fit names the type.
func TestFieldParse(t *testing.T) {
	typ := packetType(t)
	for _, tt := range []struct {
		path, text string
		want       int64
		err        string
	}{
		{"length", "65535", 65535, ""},
		{"length", "0x10", 16, ""},
		{"length", "65536", 0, "65536 does not fit length (__u16), which takes 0 to 65535"},
		{"length", "-1", 0, "-1 does not fit length (__u16)"},
		{"length", "ten", 0, `"ten" is not a number, as length (__u16) is`},
		{"delta", "-2147483648", -2147483648, ""},
		{"delta", "2147483648", 0, "which takes -2147483648 to 2147483647"},
		{"delta", "-2147483649", 0, "does not fit"},
		{"options", "7", 7, ""},
		{"options", "8", 0, "8 does not fit options (__u8, 3 bits), which takes 0 to 7"},
		{"seen", "18446744073709551615", -1, ""},
		{"seen", "18446744073709551616", 0, "which takes 0 to 18446744073709551615"},
		{"marked", "true", 1, ""},
		{"marked", "2", 0, "neither true nor false"},
		{"verdict", "DROP", 1, ""},
		{"verdict", "2", 2, ""},
		{"verdict", "DORP", 0, `"DORP" is not a value of enum verdict, did you mean "DROP"?`},
		{"flow.source", "10.0.0.1", 0x0a000001, ""},
		{"flow.source", "::1", 0, "is not a number"},
		{"flow.port", "80", 80, ""},
		{"tag", "1", 0, "tag (char[8]) is not a number"},
	} {
		f, err := typ.Field(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		x, err := f.Parse(tt.text)
		switch {
		case tt.err == "" && (err != nil || int64(x) != tt.want):
			t.Errorf("%s %q: %d, %v", tt.path, tt.text, int64(x), err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s %q: %v, want %s", tt.path, tt.text, err, tt.err)
		}
	}
}
