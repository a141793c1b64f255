package host_test

import (
	"context"
	"fmt"

	"github.com/bpfhost/bpfhost/guests"
	"github.com/bpfhost/bpfhost/host"
)

// A plan needs neither privileges nor a kernel with BPF.
func ExamplePlugin_Plan() {
	ctx := context.Background()
	h, err := host.New(ctx, host.Config{NoCache: true})
	check(err)
	defer h.Close()
	p, err := h.Open(ctx, guests.Quickstart, host.PluginOptions{Params: map[string]string{"iface": "eth0"}})
	check(err)
	plan, err := p.Plan(ctx)
	check(err)
	for _, a := range plan.Objects[0].After.Attach {
		fmt.Printf("attach %s to %s %s, evaluated by policy %q\n", a.Program, a.Kind, a.Target, plan.Policy)
	}
	// Output: attach count to xdp eth0, evaluated by policy "built-in default"
}

// Text of a plugin cannot command a terminal.
func ExampleSafeText() {
	fmt.Println(host.SafeText("done\x1b[2J\nPlan: allowed"))
	// Output: done\x1b[2J\nPlan: allowed
}
