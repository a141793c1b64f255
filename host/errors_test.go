package host

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
)

// What the sandbox says becomes what callers of this package act on.
func TestPluginError(t *testing.T) {
	var (
		failed *PluginError
		limit  *LimitError
	)
	for _, tt := range []struct {
		err  error
		as   any
		want string
	}{
		{&sandbox.Trap{Export: "bpfhost_plan", Reason: "unreachable"}, &failed, `plugin a\x1bb: bpfhost_plan: trapped: unreachable`},
		{budget.Late("bpfhost_plan", 2*time.Second, time.Second), &limit, `plugin a\x1bb: bpfhost_plan: wall time limit of 1s reached; the plugin was stopped`},
		{fmt.Errorf("call: %w", sandbox.ErrPoisoned), &failed, `plugin a\x1bb: x: call: guest failed earlier and is not called again`},
		{fmt.Errorf("add: %w", budget.TooMany("handles", 11, 10, "close some")), &failed, `plugin a\x1bb: x: add: handles: 11 exceed the limit of 10; close some`},
		{fmt.Errorf("add: %w", budget.TooMany("handles", 11, 10, "close some")), &limit, `plugin a\x1bb: x: add: handles: 11 exceed the limit of 10; close some`},
		{&LimitError{Plugin: "a\x1bb", Export: "e", What: "w", Max: 1}, &limit, `plugin a\x1bb: e: w limit of 1 reached; the plugin was stopped`},
	} {
		err := pluginError("a\x1bb", "x", tt.err)
		if !errors.As(err, tt.as) || err.Error() != tt.want {
			t.Errorf("%v gives %q, want %q", tt.err, err, tt.want)
		}
	}
	if err := pluginError("p", "x", &sandbox.Reject{Reason: "no memory"}); !errors.Is(err, ErrInput) || err.Error() != "plugin p: no memory" {
		t.Errorf("a refused module gives %q", err)
	}
}
