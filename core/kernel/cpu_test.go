package kernel

import (
	"testing"
)

func TestCountCPUs(t *testing.T) {
	for list, want := range map[string]int{"0": 1, "0-1": 2, "0-3,8": 5, "2,4-5": 3, "": 0, "x": 0, "3-1": 0, "0-99999": 0} {
		if got, ok := countCPUs(list); got != want || ok != (want > 0) {
			t.Errorf("%q: %d, %v", list, got, ok)
		}
	}
}
