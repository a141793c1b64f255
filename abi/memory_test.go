package abi

import (
	"bytes"
	"strings"
	"testing"
)

func TestCheckName(t *testing.T) {
	good := []string{"", "xdp_drop", ".rodata", "größe", "a/b", strings.Repeat("x", MaxName)}
	bad := []string{"a\x00", "a\nb", "\x1b[2J", "\x7f", "\xff", "a\u0085", "a\u009bm", strings.Repeat("x", MaxName+1)}
	for _, s := range good {
		if e := CheckName([]byte(s)); e != 0 {
			t.Errorf("CheckName(%q) = %v", s, e)
		}
	}
	for _, s := range bad {
		if e := CheckName([]byte(s)); e != ErrInval {
			t.Errorf("CheckName(%q) = %v, want %v", s, e, ErrInval)
		}
	}
	if e := CheckLine([]byte(strings.Repeat("x", MaxLine))); e != 0 {
		t.Errorf("CheckLine of the longest line = %v", e)
	}
	if e := CheckLine([]byte(strings.Repeat("x", MaxLine+1))); e != ErrInval {
		t.Errorf("CheckLine of a longer line = %v", e)
	}
}

func TestCheckText(t *testing.T) {
	if e := CheckText([]byte("r0 = 0\n\texit\n")); e != 0 {
		t.Errorf("CheckText = %v", e)
	}
	for _, s := range []string{"a\x00b", "\xc3"} {
		if e := CheckText([]byte(s)); e != ErrInval {
			t.Errorf("CheckText(%q) = %v, want %v", s, e, ErrInval)
		}
	}
}

func TestCopyOut(t *testing.T) {
	buf := []byte("....")
	if n := CopyOut(buf, []byte("abcde")); n != 5 || string(buf) != "...." {
		t.Errorf("too small: result %d, buffer %q", n, buf)
	}
	if n := CopyOut(buf, []byte("abc")); n != 3 || string(buf) != "abc." {
		t.Errorf("fits: result %d, buffer %q", n, buf)
	}
	if n := CopyOut(nil, nil); n != 0 {
		t.Errorf("empty value: result %d", n)
	}
}

func TestCopyRecord(t *testing.T) {
	rec := []byte{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8} // 12 bytes now, 8 in minor version 0
	for _, tt := range []struct {
		cap, want int32
	}{{7, -int32(ErrInval)}, {8, 8}, {12, 12}, {100, 12}} {
		buf := make([]byte, tt.cap)
		n := CopyRecord(buf, rec, 8)
		if n != tt.want {
			t.Errorf("buffer of %d: result %d, want %d", tt.cap, n, tt.want)
		}
		if n > 0 && (buf[0] != byte(n) || !bytes.Equal(buf[4:n], rec[4:n])) {
			t.Errorf("buffer of %d: % x", tt.cap, buf)
		}
	}
}

func TestReadRecord(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want Errno
		dst  []byte
	}{
		{"empty", nil, ErrInval, nil},
		{"no room for the size", []byte{3, 0, 0}, ErrInval, nil},
		{"size and length differ", []byte{9, 0, 0, 0, 1, 0, 0, 0}, ErrInval, nil},
		{"shorter", []byte{6, 0, 0, 0, 1, 2}, 0, []byte{6, 0, 0, 0, 1, 2, 0, 0}},
		{"same", []byte{8, 0, 0, 0, 1, 2, 3, 4}, 0, []byte{8, 0, 0, 0, 1, 2, 3, 4}},
		{"longer, tail of zeros", []byte{10, 0, 0, 0, 1, 2, 3, 4, 0, 0}, 0, []byte{10, 0, 0, 0, 1, 2, 3, 4}},
		{"longer, tail in use", []byte{10, 0, 0, 0, 1, 2, 3, 4, 0, 1}, ErrToobig, nil},
	}
	for _, tt := range tests {
		dst := bytes.Repeat([]byte{0xee}, 8)
		if e := ReadRecord(dst, tt.in); e != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, e, tt.want)
		} else if e == 0 && !bytes.Equal(dst, tt.dst) {
			t.Errorf("%s: % x, want % x", tt.name, dst, tt.dst)
		}
	}
}
