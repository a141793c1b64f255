package plan

import (
	"encoding/json"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/report"
)

// Schema names the form of a plan in JSON. Fields are only ever added to it.
const Schema = "bpfhost.plan/v1"

type jsonPlan struct {
	Schema       string            `json:"schema"`
	Plugin       Info              `json:"plugin"`
	Policy       string            `json:"policy"`
	Allowed      bool              `json:"allowed"`
	Collections  []jsonCollection  `json:"collections"`
	Decisions    []policy.Decision `json:"decisions"`
	PolicyNotes  []string          `json:"policy_notes,omitempty"`
	Runtime      Runtime           `json:"runtime"`
	Notes        []jsonNote        `json:"notes"`
	Edits        []jsonEdit        `json:"edits"`
	Requirements Requirements      `json:"requirements"`
	Diagnostics  []jsonDiagnostic  `json:"diagnostics"`        // an error among them keeps the plan from being applied
	Verified     *Verification     `json:"verified,omitempty"` // with --verify
	Summary      Summary           `json:"summary"`
}

type jsonCollection struct {
	Name     string            `json:"name"`
	Source   string            `json:"source"` // empty if the plugin built it
	SHA256   string            `json:"sha256,omitempty"`
	Removed  bool              `json:"removed,omitempty"`
	License  string            `json:"license"`
	Programs []jsonProgram     `json:"programs"`
	Maps     []jsonMap         `json:"maps"`
	Attach   []jsonAttach      `json:"attach"`
	Changes  []jsonChange      `json:"changes"`
	Notes    []report.Note     `json:"notes"` // what is unusual about the object file
	Core     []report.CoreRelo `json:"core"`  // results of CO-RE relocations; empty where no types are known

	Unfit []report.CheckError `json:"unfit"` // what is wrong with optional parts, which are not loaded
}

type jsonProgram struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	AttachTo string `json:"attach_to"`
	Insns    int    `json:"insns"`
	Change   string `json:"change"` // "add", "change", or empty for one that is as in the object
}

type jsonMap struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	KeySize    uint32 `json:"key_size"`
	ValueSize  uint32 `json:"value_size"`
	MaxEntries uint32 `json:"max_entries"`
	Change     string `json:"change"`

	Pin *jsonPin `json:"pin,omitempty"` // of a map that is shared by name
}

type jsonAttach struct {
	Program  string `json:"program"`
	Kind     string `json:"kind"`
	Target   string `json:"target"`
	Netns    string `json:"netns"`
	Flags    uint32 `json:"flags"`
	Cookie   uint64 `json:"cookie"`
	Optional bool   `json:"optional"`

	Direction string `json:"direction,omitempty"` // of tcx: "ingress" or "egress"
}

type jsonChange struct {
	Op    string     `json:"op"` // "add", "remove" or "change"
	Kind  string     `json:"kind"`
	Name  string     `json:"name"`
	Props []jsonProp `json:"props,omitempty"`
	Hunks []jsonHunk `json:"hunks,omitempty"`
}

type jsonProp struct {
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

type jsonHunk struct {
	OldAt  int        `json:"old_at"`
	OldLen int        `json:"old_len"`
	NewAt  int        `json:"new_at"`
	NewLen int        `json:"new_len"`
	Lines  []jsonLine `json:"lines"`
}

type jsonLine struct {
	Op    string `json:"op"` // " ", "-" or "+"
	Old   int    `json:"old"`
	New   int    `json:"new"`
	Func  string `json:"func,omitempty"`
	Label string `json:"label,omitempty"`
	Text  string `json:"text"`
	By    string `json:"by,omitempty"` // who made it
}

type jsonNote struct {
	About    string `json:"about"`
	Severity string `json:"severity"`
	Text     string `json:"text"`
}

type jsonEdit struct {
	Object string `json:"object"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	What   string `json:"what"`
	Old    string `json:"old"`
	New    string `json:"new"`
}

// MarshalJSON returns the plan as a document of schema Schema.
func (p *Plan) MarshalJSON() ([]byte, error) {
	out := jsonPlan{
		Schema: Schema, Plugin: p.Plugin, Policy: p.Policy, Allowed: p.Denied() == nil, Requirements: p.Requirements, Summary: p.Summary(),
		Collections: []jsonCollection{}, Decisions: p.Decisions, PolicyNotes: p.PolicyNotes, Runtime: p.Runtime(), Notes: []jsonNote{}, Edits: []jsonEdit{},
		Diagnostics: jsonDiagnostics(p.Diagnostics), Verified: p.Verified,
	}
	if out.Decisions == nil {
		out.Decisions = []policy.Decision{}
	}
	for i := range p.Objects {
		out.Collections = append(out.Collections, p.jsonCollection(&p.Objects[i]))
	}
	for _, n := range p.Notes {
		out.Notes = append(out.Notes, jsonNote{n.About, n.severity(), n.Text})
	}
	for _, e := range p.Edits {
		out.Edits = append(out.Edits, jsonEdit{e.Object, e.Kind, e.Name, e.What, e.Old, e.New})
	}
	b, err := json.Marshal(out)
	return quote.JSON(b), err
}

func (p *Plan) jsonCollection(c *Object) jsonCollection {
	out := jsonCollection{
		Name: c.Name, Source: c.Source, SHA256: c.SHA256, Programs: []jsonProgram{}, Maps: []jsonMap{},
		Attach: []jsonAttach{}, Changes: []jsonChange{}, Notes: []report.Note{}, Core: []report.CoreRelo{}, Unfit: report.CheckErrors(c.Unfit), Removed: c.After == nil,
	}
	if c.After == nil {
		return out
	}
	l := newLookup(c)
	out.License = c.After.License
	out.Notes = report.Notes(c.After.Notes)
	for _, m := range c.After.Maps {
		out.Maps = append(out.Maps, jsonMap{m.Name, m.Type.String(), m.KeySize, m.ValueSize, m.MaxEntries, l.changed(spec.ObjectMap, m.Name), c.jsonPin(m.Name)})
	}
	for _, q := range c.After.Programs {
		out.Programs = append(out.Programs, jsonProgram{q.Name, q.Type.String(), q.AttachTo, q.Insns.Len(), l.changed(spec.ObjectProgram, q.Name)})
	}
	for _, a := range c.After.Attach {
		a := resolved(l.after, a)
		out.Attach = append(out.Attach, jsonAttach{a.Program, a.Kind.String(), a.Target, a.Netns, a.Flags, a.Cookie, a.Optional, direction(l.after, a)})
	}
	for _, ch := range c.Changes {
		out.Changes = append(out.Changes, p.jsonChange(ch))
	}
	for _, f := range c.Core {
		d := report.NewCoreRelo(f.Program, f.Insn, f.Relo, c.After.BTF)
		d.SetResult(f)
		out.Core = append(out.Core, d)
	}
	return out
}

func (p *Plan) jsonChange(ch spec.Change) jsonChange {
	out := jsonChange{Op: ch.Op.String(), Kind: ch.Kind.String(), Name: ch.Name}
	for _, q := range ch.Props {
		out.Props = append(out.Props, jsonProp(q))
	}
	for _, h := range ch.Hunks {
		j := jsonHunk{OldAt: h.OldAt, OldLen: h.OldLen, NewAt: h.NewAt, NewLen: h.NewLen}
		for _, l := range h.Lines {
			by := ""
			if l.Op != ' ' {
				by = p.Plugin.Name
			}
			j.Lines = append(j.Lines, jsonLine{string(l.Op), l.Old, l.New, l.Func, l.Label, l.Text, by})
		}
		out.Hunks = append(out.Hunks, j)
	}
	return out
}
