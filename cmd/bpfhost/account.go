package main

import (
	"errors"
	"io"
	"time"

	"github.com/bpfhost/bpfhost/host"
)

// accountDoc is the account of one event source as a line of JSON: sent = delivered + lost +
// dropped + missing. What the program does not count is null.
type accountDoc struct {
	Schema    string  `json:"schema"`
	Source    string  `json:"source"`
	Sent      *uint64 `json:"sent"`
	Delivered uint64  `json:"delivered"`
	Lost      *uint64 `json:"lost"`
	Dropped   uint64  `json:"dropped"`
	Missing   int64   `json:"missing"`
	Simulated bool    `json:"simulated,omitempty"` // the run was not verified by a kernel
}

// writeAccount prints the account of events: lines for people, and with jsonl a record for each
// source.
func writeAccount(a app, run *host.Run, output string, simulated bool) error {
	if err := run.WriteAccount(bounded(a.err)); err != nil || output != "jsonl" {
		return err
	}
	out := bounded(a.out)
	for _, s := range run.Account() {
		d := newAccountDoc(s)
		d.Simulated = simulated
		if err := writeJSONLine(out, d); err != nil {
			return err
		}
	}
	if o := run.Output(); o != (host.OutputAccount{}) {
		return writeJSONLine(out, outputDoc{"bpfhost.output/v1", o.Refused, o.Unread})
	}
	return nil
}

// outputDoc says in JSON what the plugin wrote and nobody got, in bytes.
type outputDoc struct {
	Schema  string `json:"schema"`
	Refused uint64 `json:"refused"`
	Unread  uint64 `json:"unread"`
}

// readerTime is how long the end of a run waits for a reader of standard output or error.
const readerTime = 2 * time.Second

// bounded returns a writer to w whose Write fails when nobody reads for readerTime.
func bounded(w io.Writer) io.Writer { return boundedWriter{w, readerTime} }

type boundedWriter struct {
	w    io.Writer
	time time.Duration
}

// Write leaves a goroutine in a write that hangs.
func (b boundedWriter) Write(p []byte) (int, error) {
	late := time.NewTimer(b.time)
	defer late.Stop()
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := b.w.Write(p)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-late.C:
		return 0, errors.New("nobody reads it")
	}
}

func newAccountDoc(s host.SourceAccount) accountDoc {
	d := accountDoc{Schema: "bpfhost.account/v1", Source: s.Source, Delivered: s.Delivered, Dropped: s.Dropped, Missing: s.Missing}
	if s.SentKnown || s.LostKnown {
		d.Sent, d.Lost = &s.Sent, &s.Lost
	}
	return d
}
