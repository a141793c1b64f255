//go:build race

package testenv

import "testing"

// Race says whether the race detector is in the test.
const Race = true

// raceOptions keep the race detector from waiting a second whenever a process ends.
const raceOptions = "atexit_sleep_ms=0"

// NeedAllocations skips a test that counts allocations where the race detector is in it: what it
// watches is compiled in other ways, with allocations that the product does not have (append of a
// new slice).
func NeedAllocations(t testing.TB) {
	t.Helper()
	t.Skip("counts allocations, to which the race detector adds its own")
}
