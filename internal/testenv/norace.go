//go:build !race

package testenv

import "testing"

// Race says whether the race detector is in the test.
const Race = false

const raceOptions = ""

// NeedAllocations skips a test that counts allocations where the race detector is in it.
func NeedAllocations(testing.TB) {}
