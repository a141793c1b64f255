package budget

import (
	"testing"
	"time"
)

func TestLimitError(t *testing.T) {
	for _, tt := range []struct {
		err  LimitError
		want string
	}{
		{LimitError{What: "handles", Used: 11, Max: 10, Advice: "close some"}, "handles: 11 exceed the limit of 10; close some"},
		{LimitError{What: "memory", Used: 3 << 20, Max: 1 << 10, Unit: Bytes}, "memory: 3 MiB exceed the limit of 1 KiB"},
		{LimitError{Export: "run", What: "wall time", Used: uint64(2 * time.Second), Max: uint64(time.Second), Unit: Time}, "wall time limit of 1s reached in run"},
		{LimitError{Plugin: "a\x1bb", Export: "run", What: "text", Max: 1500, Unit: Bytes}, `plugin a\x1bb: run: text limit of 1500 bytes reached; the plugin was stopped`},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
