package host

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/host/internal/guest"
)

// What the operator sets takes precedence over what the plugin declares, and neither is what the
// host sets itself. What is wrong with parameters TestParams has.
func TestConfiguration(t *testing.T) {
	x := running(t, PluginOptions{Params: map[string]string{"b": "given"}, Args: []string{"x", "--y"}, Output: "jsonl"})
	p := x.run.plugin
	p.in.Info().Params = []Param{{Name: "a", Type: ParamString, Default: "1"}, {Name: "b", Type: ParamString, Default: "2"}, {Name: "none", Type: ParamString}}
	got, err := p.configuration()
	if err != nil {
		t.Fatal(err)
	}
	want := guest.NewConfig([]string{"x", "--y"}, "jsonl")
	maps.Copy(want, map[string]string{"a": "1", "b": "given"})
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
