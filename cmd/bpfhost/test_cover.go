package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// coverage is the flags of bpfhost test for what cases ran of programs.
type coverage struct {
	on      bool
	profile string // file
	html    string // file
}

func (o *coverage) flags(c *cobra.Command) {
	c.Flags().BoolVar(&o.on, "cover", false, "say how many lines of source the cases ran")
	c.Flags().StringVar(&o.profile, "coverprofile", "", "`FILE` for the lines that the cases ran, as 'go tool cover' reads it")
	c.Flags().StringVar(&o.html, "coverhtml", "", "`FILE` for a page that shows the lines that the cases ran")
}

func (o *coverage) wanted() bool { return o.on || o.profile != "" || o.html != "" }

// coverageDoc is how much of a file of source was run, as a line of JSON.
type coverageDoc struct {
	Schema  string `json:"schema"`
	File    string `json:"file"`
	Lines   int    `json:"lines"`
	Covered int    `json:"covered"`
}

// write says what was run, and writes the files that are wanted.
func (o *coverage) write(t *tester) error {
	if t.cover == nil {
		return nil
	}
	files := t.cover.Files()
	for _, f := range files {
		var err error
		if t.output.value == "jsonl" {
			err = writeJSONLine(t.out, coverageDoc{"bpfhost.coverage/v1", f.Name, f.Lines, f.Covered})
		} else {
			_, err = fmt.Fprintf(t.out, "coverage: %.1f%% of %d lines of %s\n", f.Percent(), f.Lines, quote.Text(f.Name))
		}
		if err != nil {
			return err
		}
	}
	if len(files) == 0 {
		fmt.Fprintln(t.err, "bpfhost: warning: the objects do not say which lines their programs are made from; compile them with -g")
	}
	for _, out := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{o.profile, func(w io.Writer) error { _, err := t.cover.WriteTo(w); return err }},
		{o.html, t.cover.WriteHTML},
	} {
		if out.name == "" {
			continue
		}
		if err := t.writeWith(out.name, out.write); err != nil {
			return err
		}
	}
	return nil
}

// writeWith writes a file by a function; "-" is standard output.
func (a app) writeWith(name string, write func(io.Writer) error) error {
	f, err := a.beginFile(name)
	if err != nil {
		return err
	}
	defer f.drop()
	if err := write(f); err != nil {
		return &outputError{fmt.Errorf("write %s: %w", name, bare(err))}
	}
	return f.keep()
}
