package sdk

import (
	"errors"
	"testing"
	"unsafe"
)

func TestRun(t *testing.T) {
	if rc := run(nil); rc != 0 {
		t.Errorf("no hook: %d", rc)
	}
	if rc := run(func() error { return nil }); rc != 0 {
		t.Errorf("success: %d", rc)
	}
	if rc := run(func() error { return &Error{Code: ErrNoent} }); rc != -int32(ErrNoent) {
		t.Errorf("error of the host: %d", rc)
	}
	if rc := run(func() error { return errors.New("no interface") }); rc != -int32(ErrInternal) {
		t.Errorf("error of the plugin: %d", rc)
	}
}

// TestRunEvents hands over a batch that lies in the buffer of a source.
func TestRunEvents(t *testing.T) {
	defer func() { registered, buffers = Plugin{}, nil }()
	words := make([]uint64, 8)
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 64)
	copy(bytes[8:], record(EventData, 1, "hello"))
	buffers = []buffer{{src: 3}, {src: 5, words: words}}
	at := address(words)

	var got string
	Register(Plugin{Events: func(b Batch) error {
		for e := range b.All {
			got += string(e.Data)
		}
		if b.Source != 5 {
			t.Errorf("source %d, want 5", b.Source)
		}
		return nil
	}})
	if rc := runEvents(5, at+8, 24, 1); rc != 1 || got != "hello" {
		t.Errorf("result %d, payload %q", rc, got)
	}
	for name, rc := range map[string]int32{
		"unknown source":    runEvents(4, at, 24, 1),
		"before the buffer": runEvents(5, at-8, 24, 1),
		"past the buffer":   runEvents(5, at+48, 24, 1),
	} {
		if rc != -int32(ErrBadh) {
			t.Errorf("%s: %d, want %d", name, rc, -int32(ErrBadh))
		}
	}
	Register(Plugin{Events: func(Batch) error { return ErrIO }})
	if rc := runEvents(5, at, 24, 1); rc != -int32(ErrIO) {
		t.Errorf("failing hook: %d", rc)
	}
	Register(Plugin{})
	if rc := runEvents(5, at, 24, 9); rc != 9 {
		t.Errorf("no hook: %d, want all 9 consumed", rc)
	}
}
