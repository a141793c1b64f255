package host_test

import (
	"context"
	"log"
	"os"
	"os/signal"

	"github.com/bpfhost/bpfhost/guests"
	"github.com/bpfhost/bpfhost/host"
	"github.com/bpfhost/bpfhost/host/plan"
)

// The whole job: plan, show, load, attach, stream events until Ctrl-C, and take everything out
// again.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	h, err := host.New(ctx, host.Config{})
	check(err)
	defer h.Close()
	p, err := h.Open(ctx, guests.Quickstart, host.PluginOptions{
		Params: map[string]string{"iface": "eth0"}, Stdout: os.Stdout, Stderr: os.Stderr,
	})
	check(err)
	made, err := p.Plan(ctx)
	check(err)
	check(made.WriteText(os.Stdout, plan.TextOptions{NoInsns: true}))
	run, err := p.Apply(ctx, made)
	check(err)
	defer run.Close()
	check(run.Serve(ctx))
	check(run.Close())
	check(run.WriteAccount(os.Stderr))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
