package budget

import (
	"errors"
	"sync"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
)

func TestAccount(t *testing.T) {
	all := NewAccount(1000, "memory of all", "", nil)
	a, b := NewAccount(800, "memory of a", "ask for less", all), NewAccount(800, "memory of b", "", all)
	if err := a.Take(700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		from *Account
		want string
	}{
		{a, "memory of a: 1200 bytes exceed the limit of 800 bytes; ask for less"},
		{b, "memory of all: 1200 bytes exceed the limit of 1000 bytes"},
	} {
		err := tt.from.Take(500)
		var limit *LimitError
		if !errors.As(err, &limit) || !errors.Is(err, abi.ErrLimit) || err.Error() != tt.want || limit.Used != 1200 {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
	if a.Used() != 700 || b.Used() != 0 || all.Used() != 700 {
		t.Errorf("after refusals %d, %d, %d bytes are held", a.Used(), b.Used(), all.Used())
	}
	a.Return(100)
	a.Close()
	a.Close()
	if a.Used() != 0 || all.Used() != 0 || a.Peak() != 700 || all.Peak() != 700 {
		t.Errorf("at the end %d and %d bytes are held, %d and %d at most", a.Used(), all.Used(), a.Peak(), all.Peak())
	}
	var none *Account
	if err := none.Take(1 << 40); err != nil {
		t.Error(err)
	}
	none.Return(1 << 40)
}

// Takes of several goroutines are counted each, and together never exceed the limit.
func TestAccountConcurrent(t *testing.T) {
	all := NewAccount(64, "memory", "", nil)
	var group sync.WaitGroup
	for range 8 {
		a := NewAccount(1<<20, "memory", "", all)
		group.Go(func() {
			for range 1000 {
				if a.Take(10) == nil {
					if all.Used() > 64+8*10 { // a refused take is there for a moment
						t.Error("more is held than the limit")
					}
					a.Return(10)
				}
			}
		})
	}
	group.Wait()
	if all.Used() != 0 || all.Peak() > 64 {
		t.Errorf("%d bytes are held at the end, %d were at most", all.Used(), all.Peak())
	}
}
