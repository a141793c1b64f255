package guest

import (
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
)

func TestHandles(t *testing.T) {
	h := newHandles(4, nil)
	a, b := new(int), new(int)
	ha, err := h.open(abi.KindProgram, a)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := h.open(abi.KindProgram, a); again != ha {
		t.Errorf("the same object got handles %#x and %#x", ha, again)
	}
	hb, err := h.open(abi.KindMap, b)
	if err != nil || hb == ha {
		t.Fatalf("second handle %#x, %v; the first is %#x", hb, err, ha)
	}
	if got, err := h.get(uint32(ha), abi.KindProgram); err != nil || got != a {
		t.Errorf("get = %v, %v", got, err)
	}
	for _, tt := range []struct {
		name string
		h    handle
		want abi.Kind
		code abi.Errno
	}{
		{"zero", 0, abi.KindProgram, abi.ErrBadh},
		{"all bits", ^handle(0), abi.KindProgram, abi.ErrBadh},
		{"other kind", hb, abi.KindProgram, abi.ErrKind},
		{"forged kind", makeHandle(abi.KindProgram, hb.gen(), hb.index()), abi.KindProgram, abi.ErrBadh},
		{"forged generation", makeHandle(abi.KindProgram, ha.gen()+1, ha.index()), abi.KindProgram, abi.ErrBadh},
		{"index too large", makeHandle(abi.KindProgram, 1, 500), abi.KindProgram, abi.ErrBadh},
	} {
		if _, err := h.get(uint32(tt.h), tt.want); !errors.Is(err, tt.code) {
			t.Errorf("%s: get(%#x) = %v, want %s", tt.name, tt.h, err, tt.code)
		}
	}
	if err := h.close(uint32(ha)); err != nil {
		t.Fatal(err)
	}
	if err := h.close(uint32(ha)); !errors.Is(err, abi.ErrBadh) {
		t.Errorf("closing twice = %v, want BADH", err)
	}
	if again, err := h.open(abi.KindProgram, a); err != nil || again == ha {
		t.Errorf("handle after closing = %#x, %v; the stale one is %#x", again, err, ha)
	}
}

func TestHandlesQuota(t *testing.T) {
	h := newHandles(3, nil)
	var first handle
	for i := range 3 {
		got, err := h.open(abi.KindMap, new(int))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got
		}
	}
	if _, err := h.open(abi.KindMap, new(int)); !errors.Is(err, abi.ErrLimit) {
		t.Errorf("one handle too many = %v, want LIMIT", err)
	}
	if err := h.close(uint32(first)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.open(abi.KindMap, new(int)); err != nil {
		t.Errorf("after closing one: %v", err)
	}
	h.closeAll()
	if n := len(h.byObj); n != 0 {
		t.Errorf("%d handles are open after closeAll", n)
	}
}

// A stale handle must never come alive again, so slots whose generations are used up retire.
func TestHandlesGenerations(t *testing.T) {
	h := newHandles(1, nil)
	seen := make(map[handle]bool)
	for range 3 * handleGenMask {
		got, err := h.open(abi.KindMap, new(int))
		if err != nil {
			t.Fatal(err)
		}
		if seen[got] {
			t.Fatalf("handle %#x came twice", got)
		}
		seen[got] = true
		if err := h.close(uint32(got)); err != nil {
			t.Fatal(err)
		}
	}
}
