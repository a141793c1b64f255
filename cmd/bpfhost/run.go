package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/internal/quote"
)

func newRun(a app) *cobra.Command {
	r := request{output: newChoice("table", "jsonl")}
	var l life
	var yes bool
	c := &cobra.Command{
		Use:   "run PLUGIN.wasm|FILE.o [flags] [-- plugin arguments]",
		Short: "Load and attach what a plugin plans, and hand it events until Ctrl-C",
		Long: `run makes the plan, loads it, attaches it and hands events to the plugin until Ctrl-C, the end of
--duration, or when the plugin asks for it. Then everything is detached at once, whatever the plugin
or the reader of its output does, and the account of events is printed. A second Ctrl-C waits for
nothing. SIGTERM and SIGHUP are like Ctrl-C. On a terminal it shows the plan first and asks.

An eBPF object runs without a plugin: its programs are attached by their sections, or as --attach says, its
variables are set by --set, and the records of its ring buffers are printed by their types, those that
--filter chooses, with the fields that --fields names. docs/object.md is the manual.

With --simulate nothing of that happens in the kernel: the programs run in user space, on the packets of --pcap or
--traffic and the events of --events, without root, on any system, the same each time; the duration is simulated time.
Without packets and events there is the traffic of 'bpfhost demo'. What is not simulated is refused before anything runs.
It is not the verifier: a kernel may refuse what runs here.`,
		Example: `  sudo bpfhost run guard.wasm --object drops.o --set iface=eth0
  sudo bpfhost run exec.wasm --object exec.o --duration 10s -o jsonl
  sudo bpfhost run drops.o --attach drops=eth0 --set cfg.limit=10 --filter 'reason != NONE && length > 100'
  bpfhost run guard.wasm --object drops.o --set iface=eth0 --simulate --pcap drops.pcap --write-pcap out.pcapng`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := r.take(c, args); err != nil {
				return err
			}
			if err := r.simulate.check(c); err != nil {
				return err
			}
			r.simulate.duration = l.duration
			defer a.signals.hold()()
			s, err := r.open(c.Context(), a)
			if err != nil {
				return err
			}
			defer s.close()
			p, err := s.plugin.Plan(c.Context())
			if err != nil {
				return err
			}
			if a.terminal && !yes && s.sim == nil {
				if err := confirm(a, p); err != nil {
					return err
				}
			} else {
				warnLenient(a, p)
			}
			return l.serve(c.Context(), a, s, p, r.output.value)
		},
	}
	r.flags(c)
	r.simulate.flags(c)
	a.dataFlag(c)
	c.Flags().VarP(&r.output, "output", "o", "how events are printed")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask on a terminal")
	l.flags(c)
	return c
}

// confirm shows a plan and asks whether to apply it. What is asked and shown is no result: it goes
// to standard error. Every answer but yes is errDeclined.
func confirm(a app, p *plan.Plan) error {
	if err := p.WriteText(a.err, plan.TextOptions{}); err != nil {
		return err
	}
	if _, err := fmt.Fprint(a.err, "\nLoad and attach this? [y/N] "); err != nil {
		return err
	}
	answer, err := a.readAnswer()
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errDeclined
}

// warnLenient says what of the operator's objects was read by more than libbpf's rules. The plan,
// which has all notes, is not shown in a run that does not ask.
func warnLenient(a app, p *plan.Plan) {
	for _, c := range p.Objects {
		if c.Before == nil {
			continue
		}
		for _, n := range c.Before.Notes {
			if n.Code == elf.NoteLenient {
				fmt.Fprintf(a.err, "bpfhost: warning: object %s: %s %s\n", quote.Text(c.Source), n.Code, quote.Text(n.Text))
			}
		}
	}
}

// life says how long a run lasts and what happens on the way.
type life struct {
	duration time.Duration // 0 is until interrupted
	ready    string        // file to create once attached
	attached func()        // called once attached
}

// flags declares the flags that run and apply share.
func (l *life) flags(c *cobra.Command) {
	c.Flags().DurationVar(&l.duration, "duration", 0, "stop after this time (default: never)")
	c.Flags().StringVar(&l.ready, "ready", "", "`FILE` that exists while everything is attached, for scripts")
}

// serve applies a plan and hands events to the plugin until its time is over. Whatever happens,
// everything is detached when it returns; the account is printed if there was anything to count.
func (l *life) serve(ctx context.Context, a app, s *session, p *plan.Plan, output string) (err error) {
	if err := l.clearReady(); err != nil {
		return err
	}
	if s.sim != nil {
		fmt.Fprintln(a.err, "bpfhost: "+simulated)
	}
	run, err := s.plugin.Apply(ctx, p)
	if err != nil {
		return err
	}
	defer func() {
		closed := run.Close()
		err = failures{}.with(err, closed, writeAccount(a, run, output, s.sim != nil), s.finish()).err()
	}()
	if l.ready != "" {
		if err := os.WriteFile(l.ready, nil, 0o644); err != nil {
			return fmt.Errorf("create ready file: %w", err)
		}
		defer os.Remove(l.ready)
	}
	if l.duration > 0 && s.sim == nil { // a simulation has its own time
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.duration)
		defer cancel()
	}
	defer context.AfterFunc(ctx, func() { run.Detach() })() // Close returns its error
	if l.attached != nil {
		l.attached()
	}
	return run.Serve(ctx)
}

// clearReady removes the ready file of a run that was killed. What is not empty is somebody else's.
func (l *life) clearReady() error {
	if l.ready == "" {
		return nil
	}
	st, err := os.Lstat(l.ready)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err == nil && (!st.Mode().IsRegular() || st.Size() > 0):
		err = errors.New("it exists and is not an empty file; choose another name")
	case err == nil:
		err = os.Remove(l.ready)
	}
	if err != nil {
		return &inputError{fmt.Errorf("prepare ready file %s: %w", l.ready, err)}
	}
	return nil
}
