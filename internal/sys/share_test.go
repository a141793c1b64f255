//go:build linux

package sys

import (
	"errors"
	"io"
	"testing"

	"golang.org/x/sys/unix"
)

func TestShared(t *testing.T) {
	s, err := NewShared("test", 8192)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{0, 4096, 16384} {
		if err := s.File.Truncate(size); !errors.Is(err, unix.EPERM) {
			t.Errorf("its size can be made %d: %v", size, err)
		}
	}
	other, err := MapShared(s.File, 8192)
	if err != nil {
		t.Fatal(err)
	}
	s.Bytes[8191] = 42
	if other.Bytes[8191] != 42 {
		t.Error("what one writes the other does not read")
	}
	for _, tt := range []struct {
		part []byte
		at   int
		ok   bool
	}{
		{s.Bytes, 0, true}, {s.Bytes[5:8], 5, true}, {s.Bytes[8191:], 8191, true},
		{s.Bytes[5:5], 0, false}, {other.Bytes[:1], 0, false}, {make([]byte, 1), 0, false},
	} {
		if at, ok := Offset(s.Bytes, tt.part); at != tt.at || ok != tt.ok {
			t.Errorf("%d bytes are at %d, %t; want %d, %t", len(tt.part), at, ok, tt.at, tt.ok)
		}
	}
	for _, m := range []*Shared{s, other} {
		if err := m.Unmap(); err != nil {
			t.Error(err)
		}
	}
	if err := s.CloseFile(); err != nil {
		t.Error(err)
	}
}

func TestMessages(t *testing.T) {
	m, other, err := NewMessages()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, text := range []string{"one", "two"} {
		if err := m.Send([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	b := make([]byte, 16)
	if n, err := other.Read(b); err != nil || string(b[:n]) != "one" {
		t.Errorf("the first message is %q, %v", b[:n], err)
	}
	other.Close()
	if n, err := m.Receive(b); n != 0 || err != nil {
		t.Errorf("at the end there are %d bytes, %v", n, err)
	}
	if err := m.Send(b); !errors.Is(err, Errno(unix.EPIPE)) {
		t.Errorf("after the end: %v", err)
	}
}

func TestMemoryFile(t *testing.T) {
	f, err := MemoryFile("test", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 100))
	if err != nil || string(b) != "content" {
		t.Errorf("it has %q, %v", b, err)
	}
}
