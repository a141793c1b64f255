package sandbox

import (
	"bytes"
	"math"
	"testing"
)

func TestMemory(t *testing.T) {
	g := load(t, newEngine(t, EngineOptions{}), newModule(), testOptions())
	const size = PageSize
	for _, tt := range []struct {
		ptr, n uint32
		ok     bool
	}{
		{0, 0, true}, {0, size, true}, {size - 1, 1, true}, {size, 0, true},
		{0, size + 1, false}, {size, 1, false}, {size + 1, 0, false},
		{math.MaxUint32, 1, false}, {math.MaxUint32, math.MaxUint32, false}, {1, math.MaxUint32, false},
	} {
		if b, ok := g.Read(tt.ptr, tt.n); ok != tt.ok || len(b) != int(tt.n)*btoi(ok) {
			t.Errorf("Read(%d, %d): %d bytes, %v", tt.ptr, tt.n, len(b), ok)
		}
		if b, ok := g.View(tt.ptr, tt.n); ok != tt.ok || cap(b) != len(b) {
			t.Errorf("View(%d, %d): %d of %d bytes, %v", tt.ptr, tt.n, len(b), cap(b), ok)
		}
		if tt.n <= size+1 {
			if ok := g.Write(tt.ptr, make([]byte, tt.n)); ok != tt.ok {
				t.Errorf("Write(%d, %d bytes): %v", tt.ptr, tt.n, ok)
			}
		}
	}
	copied, _ := g.Read(100, 3)
	view, _ := g.View(100, 3)
	if !g.Write(100, []byte("abc")) {
		t.Fatal("write failed")
	}
	if !bytes.Equal(view, []byte("abc")) || !bytes.Equal(copied, []byte{0, 0, 0}) {
		t.Errorf("view %q, copy %q", view, copied)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
