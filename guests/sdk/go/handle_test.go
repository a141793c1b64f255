package sdk

import (
	"errors"
	"testing"
	"unsafe"
)

func TestFetch(t *testing.T) {
	long := make([]byte, 300)
	calls := 0
	b, err := fetch(func(_ unsafe.Pointer, n uint32) int32 {
		calls++
		return int32(len(long))
	})
	if err != nil || len(b) != 300 || calls != 2 {
		t.Errorf("%d bytes after %d calls, %v", len(b), calls, err)
	}
	if _, err := fetch(func(unsafe.Pointer, uint32) int32 { return -int32(ErrBadh) }); !errors.Is(err, ErrBadh) {
		t.Errorf("%v, want %v", err, ErrBadh)
	}
}

func TestKind(t *testing.T) {
	if k := Handle(3<<27 | 5<<16 | 9).Kind(); k != KindProgram {
		t.Errorf("kind %d, want program", k)
	}
}
