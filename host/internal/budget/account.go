package budget

import "sync/atomic"

// Account counts bytes that are held for somebody, as part of what a parent account counts. It is safe
// for concurrent use. A nil account counts nothing.
type Account struct {
	what, advice string // of the error
	max          int64
	parent       *Account
	used, peak   atomic.Int64
}

// NewAccount returns an account of so many bytes, all of which count in parent, too, unless that is nil.
// what and advice are those of the error where there are not enough.
func NewAccount(max uint64, what, advice string, parent *Account) *Account {
	return &Account{max: int64(min(max, 1<<62)), what: what, advice: advice, parent: parent}
}

// Take counts n bytes that are about to be held. The error is a *LimitError, and then nothing is counted.
func (a *Account) Take(n int) error {
	if a == nil || n <= 0 {
		return nil
	}
	used := a.used.Add(int64(n))
	if used > a.max {
		a.used.Add(-int64(n))
		return &LimitError{What: a.what, Used: uint64(used), Max: uint64(a.max), Unit: Bytes, Advice: a.advice}
	}
	if err := a.parent.Take(n); err != nil {
		a.used.Add(-int64(n))
		return err
	}
	for peak := a.peak.Load(); used > peak && !a.peak.CompareAndSwap(peak, used); {
		peak = a.peak.Load()
	}
	return nil
}

// Return counts n bytes, which were taken before, as held no more.
func (a *Account) Return(n int) {
	if a == nil || n <= 0 {
		return
	}
	a.used.Add(-int64(n))
	a.parent.Return(n)
}

// Used returns how many bytes are held.
func (a *Account) Used() uint64 { return uint64(max(a.used.Load(), 0)) }

// Peak returns how many bytes were held at most.
func (a *Account) Peak() uint64 { return uint64(a.peak.Load()) }

// Close returns everything. Closing again does nothing.
func (a *Account) Close() { a.Return(int(a.used.Load())) }
