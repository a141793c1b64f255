package main

import "github.com/bpfhost/bpfhost/host"

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
}

// writeAccount prints the account of events: lines for people, and with jsonl a record for each
// source.
func writeAccount(a app, run *host.Run, output string) error {
	if err := run.WriteAccount(a.err); err != nil || output != "jsonl" {
		return err
	}
	for _, s := range run.Account() {
		if err := writeJSONLine(a.out, newAccountDoc(s)); err != nil {
			return err
		}
	}
	return nil
}

func newAccountDoc(s host.SourceAccount) accountDoc {
	d := accountDoc{Schema: "bpfhost.account/v1", Source: s.Source, Delivered: s.Delivered, Dropped: s.Dropped, Missing: s.Missing}
	if s.SentKnown || s.LostKnown {
		d.Sent, d.Lost = &s.Sent, &s.Lost
	}
	return d
}
