package host

import (
	"errors"
	"fmt"
	"testing"

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
		{&sandbox.Limit{Export: "bpfhost_plan", What: "wall time", Max: "1s"}, &limit, `plugin a\x1bb: bpfhost_plan: wall time limit of 1s reached; the plugin was stopped`},
		{fmt.Errorf("call: %w", sandbox.ErrPoisoned), &failed, `plugin a\x1bb: x: call: guest failed earlier and is not called again`},
		{&LimitError{Plugin: "a\x1bb", Export: "e", What: "w", Max: "1"}, &limit, `plugin a\x1bb: e: w limit of 1 reached; the plugin was stopped`},
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
