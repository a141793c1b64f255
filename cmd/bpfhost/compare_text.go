package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/internal/compare"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// compareDoc is what came of a comparison, in JSON.
type compareDoc struct {
	Schema  string           `json:"schema"`
	Seed    uint64           `json:"seed"`
	Objects []comparedObject `json:"objects"`
}

func newCompareDoc(seed uint64) *compareDoc {
	return &compareDoc{Schema: "bpfhost.compare/v1", Seed: seed, Objects: []comparedObject{}}
}

// comparedObject is two versions of an object.
type comparedObject struct {
	A        string            `json:"a"`
	B        string            `json:"b"`
	Programs []comparedProgram `json:"programs"`
	OnlyA    []string          `json:"only_a"` // programs
	OnlyB    []string          `json:"only_b"`
}

// comparedProgram is two versions of a program.
type comparedProgram struct {
	A           string          `json:"a"`
	B           string          `json:"b"`
	Type        string          `json:"type,omitempty"`
	Outcome     string          `json:"outcome"` // identical, same, differs, or error: they could not be run
	Given       int             `json:"given"`
	Random      int             `json:"random"`
	Differing   int             `json:"differing"`
	Differences []comparedInput `json:"differences"`
	Allowed     []string        `json:"allowed"` // what differed and was allowed to
	OnlyA       []string        `json:"maps_only_a,omitempty"`
	OnlyB       []string        `json:"maps_only_b,omitempty"`
	Reason      string          `json:"reason,omitempty"`
}

// comparedInput is an input on which something differs.
type comparedInput struct {
	Input   string         `json:"input"`
	Before  int            `json:"before"` // inputs that ran on the same maps before it
	Packet  string         `json:"packet,omitempty"`
	Context string         `json:"context,omitempty"`
	Items   []comparedItem `json:"items"`
	First   comparedFirst  `json:"first"`
}

type comparedItem struct {
	Kind  string `json:"kind"`
	Name  string `json:"name,omitempty"`
	Where string `json:"where,omitempty"`
	A     string `json:"a"`
	B     string `json:"b"`
}

// comparedFirst are the first instructions that do something else.
type comparedFirst struct {
	A *compare.Place `json:"a"`
	B *compare.Place `json:"b"`
}

func newComparedProgram(p compare.Pair, r *compare.Report, err error) comparedProgram {
	d := comparedProgram{A: p.A, B: p.B, Outcome: "same", Differences: []comparedInput{}, Allowed: []string{}}
	if err != nil {
		d.Outcome, d.Reason = "error", err.Error()
		return d
	}
	d.Type, d.Given, d.Random, d.Differing = r.Type.String(), r.Given, r.Random, r.Differing
	d.Allowed, d.OnlyA, d.OnlyB = append(d.Allowed, r.Allowed...), r.OnlyA, r.OnlyB
	switch {
	case r.Identical:
		d.Outcome = "identical"
	case r.Differing > 0:
		d.Outcome = "differs"
	}
	for _, x := range r.Shown {
		in := comparedInput{
			Input: x.Input.Name, Before: x.Before, Items: []comparedItem{}, First: comparedFirst{x.A, x.B},
			Packet: hex.EncodeToString(x.Input.Packet), Context: hex.EncodeToString(x.Input.Context),
		}
		for _, i := range x.Items {
			in.Items = append(in.Items, comparedItem(i))
		}
		d.Differences = append(d.Differences, in)
	}
	return d
}

// differing returns how many programs differ, those that only one version has among them, of how many.
func (d *compareDoc) differing() (n, all int) {
	for _, o := range d.Objects {
		n += len(o.OnlyA) + len(o.OnlyB)
		all += len(o.OnlyA) + len(o.OnlyB) + len(o.Programs)
		for _, p := range o.Programs {
			if p.Outcome == "differs" {
				n++
			}
		}
	}
	return n, all
}

// compareWidth is how wide lines for people are.
const compareWidth = 80

// textLines is text for people, whose lines are cut to that width.
type textLines struct{ b strings.Builder }

// line adds a line, after an indentation.
func (t *textLines) line(indent int, text string) {
	text = quote.Text(text)
	if room := compareWidth - indent; utf8.RuneCountInString(text) > room {
		text = string([]rune(text)[:room-1]) + "…"
	}
	t.b.WriteString(strings.Repeat(" ", indent) + text + "\n")
}

func (t *textLines) linef(indent int, format string, args ...any) {
	t.line(indent, fmt.Sprintf(format, args...))
}

// write prints the outcome for people.
func (d *compareDoc) write(w io.Writer) error {
	var t textLines
	counts := map[string]int{}
	for i, o := range d.Objects {
		if i > 0 {
			t.line(0, "")
		}
		t.line(0, "A  "+o.A)
		t.line(0, "B  "+o.B)
		for _, p := range o.Programs {
			p.write(&t)
			counts[p.Outcome]++
		}
		for _, name := range o.OnlyA {
			t.line(0, "")
			t.linef(0, "%s: in A only", name)
		}
		for _, name := range o.OnlyB {
			t.line(0, "")
			t.linef(0, "%s: in B only", name)
		}
		counts["differs"] += len(o.OnlyA) + len(o.OnlyB)
	}
	t.line(0, "")
	t.linef(0, "%d differ, %d without difference, %d identical, %d not compared",
		counts["differs"], counts["same"], counts["identical"], counts["error"])
	_, err := io.WriteString(w, t.b.String())
	return err
}

// write adds what came of a program.
func (p *comparedProgram) write(t *textLines) {
	name := p.A
	if p.B != p.A {
		name += " and " + p.B
	}
	t.line(0, "")
	switch p.Outcome {
	case "error":
		t.line(0, name+": not compared")
		return
	case "identical":
		t.linef(0, "%s (%s): identical", name, p.Type)
		return
	case "same":
		t.linef(0, "%s (%s): no difference in %s inputs", name, p.Type, thousands(p.Given+p.Random))
	default:
		t.linef(0, "%s (%s): %s of %s inputs differ", name, p.Type, thousands(p.Differing), thousands(p.Given+p.Random))
	}
	for _, m := range p.OnlyA {
		t.line(2, "map "+m+" is in A only")
	}
	for _, m := range p.OnlyB {
		t.line(2, "map "+m+" is in B only")
	}
	if len(p.Allowed) > 0 {
		t.line(2, "differs as allowed: "+strings.Join(p.Allowed, ", "))
	}
	for i := range p.Differences {
		p.Differences[i].write(t)
	}
	if more := p.Differing - len(p.Differences); more > 0 && len(p.Differences) > 0 {
		t.linef(2, "and %s more; --show shows more of them", thousands(more))
	}
}

// write adds a difference.
func (d *comparedInput) write(t *textLines) {
	what := d.Input
	if n := len(d.Packet) / 2; n > 0 {
		what += fmt.Sprintf(", %d bytes", n)
	}
	if d.Before > 0 {
		what += ", input " + thousands(d.Before+1) + " on these maps"
	}
	t.line(2, what)
	writeHex(t, d.Packet)
	if d.Packet == "" {
		writeHex(t, d.Context)
	}
	rows := make([][3]string, 0, len(d.Items))
	var widths [2]int
	for _, i := range d.Items {
		label := strings.Join(strings.Fields(i.Kind+" "+i.Name+" "+i.Where), " ")
		rows = append(rows, [3]string{quote.Text(label), "A " + quote.Text(i.A), "B " + quote.Text(i.B)})
		if n := len(rows) - 1; utf8.RuneCountInString(strings.Join(rows[n][:], ""))+8 <= compareWidth {
			widths[0] = max(widths[0], utf8.RuneCountInString(label))
			widths[1] = max(widths[1], utf8.RuneCountInString(rows[n][1]))
		}
	}
	for _, r := range rows {
		if line := fmt.Sprintf("%-*s  %-*s  %s", widths[0], r[0], widths[1], r[1], r[2]); utf8.RuneCountInString(line)+4 <= compareWidth {
			t.line(4, line)
			continue
		}
		t.line(4, r[0])
		t.line(6, r[1])
		t.line(6, r[2])
	}
	if d.First.A == nil && d.First.B == nil {
		return
	}
	t.line(4, "first differing instruction")
	writePlace(t, "A", d.First.A)
	writePlace(t, "B", d.First.B)
}

// writeHex adds bytes, 16 on a line; of many the first.
func writeHex(t *textLines, text string) {
	const line, most = 32, 8
	for i := 0; i < len(text); i += line {
		if i == most*line {
			t.linef(4, "… %d more bytes", (len(text)-i)/2)
			return
		}
		part := text[i:min(i+line, len(text))]
		var b strings.Builder
		for k := 0; k < len(part); k += 4 {
			b.WriteString(" " + part[k:min(k+4, len(part))])
		}
		t.linef(4, "%04x %s", i/2, b.String())
	}
}

// writePlace adds an instruction with its line of source.
func writePlace(t *textLines, side string, p *compare.Place) {
	if p == nil {
		t.line(6, side+" none")
		return
	}
	text := fmt.Sprintf("%s %d: %s", side, p.Insn, p.Text)
	if p.File == "" {
		t.line(6, text)
		return
	}
	t.line(6, text)
	t.linef(8, "%s:%d: %s", p.File, p.Line, strings.TrimSpace(p.Source))
}
