package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/host/sim"
)

// simulation is the flags of a run in the simulator.
type simulation struct {
	on      bool
	pcap    string
	events  string
	traffic []string
	routes  []string
	write   string
	seed    uint64
	cpus    int
	engine  choice // of sim.EngineNames

	duration time.Duration // of simulated time; 0 is until packets and events end
}

// simulated is what standard error says of a run in the simulator.
const simulated = "simulated, not verified by a kernel"

// flags declares the flags of a simulated run.
func (s *simulation) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&s.on, "simulate", false, "run in user space instead of the kernel: no root, any system, the same each time")
	f.StringVar(&s.pcap, "pcap", "", "`FILE` with the packets of a simulated run, pcap or pcapng")
	f.StringArrayVar(&s.traffic, "traffic", nil, "packets of a simulated run, `udp=N,tcp=N,icmp=N`[,from=2][,size=32][,every=5ms] (repeatable)")
	f.StringVar(&s.events, "events", "", "`FILE` with the events of a simulated run, a JSON object on each line")
	f.StringArrayVar(&s.routes, "route", nil, "route that programs of a simulated run look up, `PREFIX=INTERFACE`[,via=ADDRESS][,mac=MAC] (repeatable)")
	f.StringVar(&s.write, "write-pcap", "", "`FILE` for the packets that a simulated run was over with, and what became of them")
	f.Uint64Var(&s.seed, "seed", 0, "`NUMBER` that random numbers of a simulated run come from")
	s.engine = newChoice(sim.EngineNames...)
	f.Var(&s.engine, "engine", engineUsage)
	f.IntVar(&s.cpus, "cpus", 1, "how many CPUs a simulated run has")
}

// engineUsage describes a flag for programs in user space.
const engineUsage = "how programs run in user space: auto compiles those that run often"

// chosenEngine returns which engine was chosen.
func chosenEngine(c choice) sim.EngineChoice {
	return sim.EngineChoice(max(0, slices.Index(sim.EngineNames, c.value)))
}

// check refuses flags that do not go together.
func (s *simulation) check(c *cobra.Command) error {
	if !s.on {
		for _, name := range []string{"pcap", "traffic", "events", "route", "write-pcap", "seed", "cpus", "engine"} {
			if c.Flags().Changed(name) {
				return badUsage(c, "%s: --%s is for simulated runs only; add --simulate", c.Name(), name)
			}
		}
		return nil
	}
	if s.pcap != "" && len(s.traffic) > 0 {
		return badUsage(c, "%s: --pcap and --traffic are both packets; only one of them is possible", c.Name())
	}
	if s.pcap == "-" && s.events == "-" {
		return badUsage(c, "%s: --pcap and --events cannot both be standard input", c.Name())
	}
	if s.cpus < 1 || s.cpus > 4096 {
		return badUsage(c, "%s: --cpus %d is not from 1 to 4096", c.Name(), s.cpus)
	}
	for _, text := range s.traffic {
		if _, err := sim.ParseFlow(text); err != nil {
			return badUsage(c, "%s: --traffic %q: %v", c.Name(), text, err)
		}
	}
	for _, text := range s.routes {
		if _, err := sim.ParseRoute(text); err != nil {
			return badUsage(c, "%s: --route %q: %v", c.Name(), text, err)
		}
	}
	return nil
}

// simulator is a simulated kernel and the files that belong to it.
type simulator struct {
	*sim.Backend
	a      app
	files  []io.Closer
	record *sim.Recorder // nil is none
	out    *partFile
}

// open makes the simulated kernel. Without packets and events it has the traffic of bpfhost demo, for a
// second if no duration is said. What it returns has to be dropped.
func (s *simulation) open(a app, types *btf.Types, log *slog.Logger) (*simulator, error) {
	out := &simulator{a: a}
	o := sim.Options{CPUs: s.cpus, Seed: s.seed, CoreTypes: types, Duration: s.duration, Print: a.err, Engine: chosenEngine(s.engine)}
	for _, text := range s.routes {
		r, _ := sim.ParseRoute(text) // which check has read
		o.Routes = append(o.Routes, r)
	}
	var err error
	switch {
	case s.pcap != "":
		o.Packets, err = out.capture(s.pcap)
	case len(s.traffic) > 0:
		o.Packets = s.flows()
	case s.events == "":
		o.Packets = sim.Traffic(sim.Flow{UDP: 3, TCP: 2, ICMP: 1, Every: every, Repeat: true})
		if s.duration == 0 {
			o.Duration = time.Second
		}
	}
	if err == nil && s.events != "" {
		var r io.Reader
		if r, err = out.input(s.events); err == nil {
			o.Events = sim.NewEvents(r, s.events)
		}
	}
	if err == nil && s.write != "" {
		if out.out, err = a.beginFile(s.write); err == nil {
			out.record = sim.NewRecorder(out.out)
			o.Outcome = out.record.Record
		}
	}
	if err != nil {
		out.drop()
		return nil, err
	}
	if log != nil {
		o.Result = func(r sim.Returned) {
			log.Debug("program returned", "event", r.Event, "hook", r.Hook, "program", r.Program, "value", r.Value)
		}
	}
	out.Backend = sim.New(o)
	return out, nil
}

// flows returns the packets that the flags ask for.
func (s *simulation) flows() sim.Packets {
	var flows []sim.Flow
	for _, text := range s.traffic {
		f, _ := sim.ParseFlow(text) // which check has read
		flows = append(flows, f)
	}
	return sim.Traffic(flows...)
}

// capture opens packets.
func (s *simulator) capture(name string) (sim.Packets, error) {
	r, err := s.input(name)
	if err != nil {
		return nil, err
	}
	return sim.Capture(r, name)
}

// input opens a file; "-" is standard input.
func (s *simulator) input(name string) (io.Reader, error) {
	if name == "-" {
		return s.a.in, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &inputError{fmt.Errorf("read %s: %w", name, bare(err))}
	}
	s.files = append(s.files, f)
	return bufio.NewReaderSize(f, 64<<10), nil
}

// finish brings what was recorded to its place.
func (s *simulator) finish() error {
	if s.record == nil {
		return nil
	}
	if err := s.record.Close(); err != nil {
		return fmt.Errorf("write %s: %w", s.out.name, bare(err))
	}
	return s.out.keep()
}

// drop closes what is still open, and removes a recording that was not finished.
func (s *simulator) drop() {
	for _, f := range s.files {
		f.Close()
	}
	if s.out != nil {
		s.out.drop()
	}
}
