package btf

import (
	"sync"
	"testing"
)

// TestMemo adds elements of few hashes, while others read.
func TestMemo(t *testing.T) {
	type element struct{ n int }
	var m memo[element]
	hash := func(e *element) uint32 { return uint32(e.n % 7) }
	find := func(n int) *element {
		table := m.table.Load()
		if table == nil {
			return nil
		}
		for h := uint32(n % 7); ; h++ {
			if e := table.at(h); e == nil || e.n == n {
				return e
			}
		}
	}
	const count = 500
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for n := range count {
				if e := find(n); e != nil && e.n != n {
					t.Errorf("%d is found for %d", e.n, n)
				}
			}
		})
	}
	for n := range count {
		if find(n) != nil {
			t.Fatalf("%d is there already", n)
		}
		m.lock.Lock()
		m.put(&element{n}, hash)
		m.lock.Unlock()
		if e := find(n / 2); e == nil || e.n != n/2 {
			t.Fatalf("%d is lost after %d were added", n/2, n+1)
		}
	}
	readers.Wait()
	if n := m.table.Load().count; n != count {
		t.Errorf("count is %d", n)
	}
}
