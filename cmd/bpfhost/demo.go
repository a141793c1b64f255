package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/guests"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

func newDemo(a app) *cobra.Command {
	d := demo{request: request{plugin: "quickstart.wasm", output: newChoice("table", "jsonl"), wasm: guests.Quickstart}}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run the built-in quickstart plugin on a network made for it, or simulated",
		Long: `demo makes two network namespaces joined by a pair of virtual interfaces, runs the built-in quickstart
plugin on one end and sends packets from the other. It touches nothing else and removes everything.
Without the privileges for that, and on systems other than Linux, program and packets are simulated.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			defer a.signals.hold()()
			return d.run(c.Context(), a)
		},
	}
	c.Flags().DurationVar(&d.duration, "duration", 5*time.Second, "how long packets are sent")
	c.Flags().VarP(&d.output, "output", "o", "how the plugin shall print events")
	c.Flags().BoolVarP(&d.verbose, "verbose", "v", false, "show debug messages too")
	return c
}

// demo is a request for the quickstart plugin on a network of its own.
type demo struct {
	request
	duration time.Duration
	shown    bool // the plan
}

// The demonstration sends a packet every so often and shows one in sample of each protocol.
const (
	every  = 5 * time.Millisecond
	sample = 20
)

func (d *demo) run(ctx context.Context, a app) error {
	lab, err := testnet.New()
	if err == nil {
		if err = d.runOn(ctx, a, lab); err == nil {
			fmt.Fprintln(a.err, "bpfhost: demo: everything is removed again")
		}
		err = failures{}.with(err, lab.Close()).err()
	}
	if errors.Is(err, loader.ErrPermission) || errors.Is(err, loader.ErrNotSupported) {
		fmt.Fprintf(a.err, "bpfhost: demo: %s; so it is simulated\n", quote.Text(err.Error()))
		return d.runSimulated(ctx, a)
	}
	return err
}

// runSimulated runs the plugin in the simulator, on packets like those of the network.
func (d *demo) runSimulated(ctx context.Context, a app) error {
	d.simulate = simulation{on: true, cpus: 1, duration: d.duration}
	d.set = []string{"iface=veth0", fmt.Sprintf("sample=%d", sample)}
	fmt.Fprintf(a.err, "bpfhost: demo: now this runs:\n\n  bpfhost run quickstart.wasm --set %s --simulate --duration %s\n\n",
		strings.Join(d.set, " --set "), d.duration)
	return d.serve(ctx, a, life{})
}

// runOn runs the plugin on the near end of a network and sends packets from its far end.
func (d *demo) runOn(ctx context.Context, a app, lab *testnet.Net) error {
	d.set = []string{"iface=" + lab.Iface(), "netns=" + lab.Path(), fmt.Sprintf("sample=%d", sample)}
	fmt.Fprintf(a.err, "bpfhost: demo: made a network namespace with interface %s; now this runs:\n\n"+
		"  bpfhost run quickstart.wasm --set %s --duration %s\n\n", lab.Iface(), strings.Join(d.set, " --set "), d.duration)
	ctx, stop := context.WithCancel(ctx)
	var sending sync.WaitGroup
	err := d.serve(ctx, a, life{duration: d.duration, attached: func() {
		fmt.Fprintln(a.err, "bpfhost: demo: loaded and attached; sending packets")
		sending.Go(func() { d.send(ctx, a, lab) })
	}})
	stop()
	sending.Wait()
	return err
}

// serve shows the plan, once, and applies it.
func (d *demo) serve(ctx context.Context, a app, l life) error {
	s, err := d.open(ctx, a)
	if err != nil {
		return err
	}
	defer s.close()
	p, err := s.plugin.Plan(ctx)
	if err != nil {
		return err
	}
	if d.output.value == "table" && !d.shown {
		d.shown = true
		if err := p.WriteText(a.out, plan.TextOptions{NoInsns: true}); err != nil {
			return err
		}
		fmt.Fprintln(a.out)
	}
	return l.serve(ctx, a, s, p, d.output.value)
}

// send keeps packets coming until ctx ends.
func (d *demo) send(ctx context.Context, a app, lab *testnet.Net) {
	for ctx.Err() == nil {
		if _, err := lab.Traffic(ctx, testnet.Flow{UDP: 3, TCP: 2, ICMP: 1, Every: every}); err != nil {
			fmt.Fprintf(a.err, "bpfhost: demo: %s\n", quote.Text(err.Error()))
			return
		}
	}
}
