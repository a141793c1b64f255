package host_test

import (
	"context"
	"fmt"
	"os"

	"github.com/bpfhost/bpfhost/host"
)

// An object without a plugin is planned, and applied, as a plugin is.
func ExampleHost_OpenObject() {
	ctx := context.Background()
	h, err := host.New(ctx, host.Config{NoCache: true})
	check(err)
	defer h.Close()
	object, err := os.ReadFile("../guests/netwatch/netwatch.bpf.o")
	check(err)
	p, err := h.OpenObject(ctx, host.Object{Name: "netwatch.bpf.o", Data: object}, host.ObjectOptions{
		Attach: map[string][]string{"netwatch": {"eth0"}},
		Set:    map[string]string{"cfg.port": "53", "cfg.verdict": "DROP"},
		Filter: "length > 100",
	})
	check(err)
	plan, err := p.Plan(ctx)
	check(err)
	for _, a := range plan.Objects[0].After.Attach {
		fmt.Println("attach", a.Name())
	}
	for _, n := range plan.Notes {
		fmt.Println(n.Text)
	}
	_, err = h.OpenObject(ctx, host.Object{Name: "netwatch.bpf.o", Data: object}, host.ObjectOptions{
		Attach: map[string][]string{"netwatch": {"eth0"}},
		Filter: "lenght > 100",
	})
	fmt.Println(err)
	// Output:
	// attach netwatch xdp:eth0
	// records are struct packet of 56 bytes, the only type of the size that is sent
	// object netwatch.bpf.o: --filter 'lenght > 100': column 1: struct packet has no field "lenght", did you mean "length"?
}
