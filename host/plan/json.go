package plan

import (
	"encoding/json"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Schema names the form of a plan in JSON. Fields are only ever added to it.
const Schema = "bpfhost.plan/v1"

type jsonPlan struct {
	Schema      string            `json:"schema"`
	Plugin      Info              `json:"plugin"`
	Policy      string            `json:"policy"`
	Allowed     bool              `json:"allowed"`
	Collections []jsonCollection  `json:"collections"`
	Decisions   []policy.Decision `json:"decisions"`
	Notes       []jsonNote        `json:"notes"`
	Edits       []jsonEdit        `json:"edits"`
	Needs       Requirements      `json:"needs"`
	Summary     Summary           `json:"summary"`
}

type jsonCollection struct {
	Name     string        `json:"name"`
	Source   string        `json:"source"` // empty if the plugin built it
	SHA256   string        `json:"sha256,omitempty"`
	Removed  bool          `json:"removed,omitempty"`
	License  string        `json:"license"`
	Programs []jsonProgram `json:"programs"`
	Maps     []jsonMap     `json:"maps"`
	Attach   []jsonAttach  `json:"attach"`
	Changes  []jsonChange  `json:"changes"`
	Odd      []jsonOdd     `json:"odd"`  // what is odd about the object file
	Core     []jsonCore    `json:"core"` // what CO-RE relocations come to; empty where it is not said for which types
}

// jsonCore is a CO-RE relocation.
type jsonCore struct {
	Program    string          `json:"program"`
	Insn       int             `json:"insn"`
	Kind       string          `json:"kind"` // as libbpf names it, e.g. "byte_off"
	Type       string          `json:"type"` // root type in C, as the object has it
	Path       string          `json:"path"` // "comm[3]", or an enumerator; empty is the type itself
	Local      int64           `json:"local"`
	Value      int64           `json:"value"`
	LocalSize  uint32          `json:"local_size"`  // of the field in bytes, with byte_off
	TargetSize uint32          `json:"target_size"` // likewise
	Poison     bool            `json:"poison"`      // there is no value: the instruction must not be reached
	Reason     string          `json:"reason"`      // why Poison is set, or the value is 0
	Error      string          `json:"error"`       // why the program cannot be loaded
	Candidates []jsonCandidate `json:"candidates"`
}

type jsonCandidate struct {
	Type  uint32 `json:"type"`
	Match bool   `json:"match"` // it has what is asked for
	Value int64  `json:"value"` // when it matches
}

// jsonOdd is a note of the reader of object files; its codes are those of package elf.
type jsonOdd struct {
	Code string `json:"code"`
	Text string `json:"text"`
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
}

type jsonAttach struct {
	Program  string `json:"program"`
	Kind     string `json:"kind"`
	Target   string `json:"target"`
	Netns    string `json:"netns"`
	Flags    uint32 `json:"flags"`
	Cookie   uint64 `json:"cookie"`
	Optional bool   `json:"optional"`
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
		Schema: Schema, Plugin: p.Plugin, Policy: p.Policy, Allowed: p.Denied() == nil, Needs: p.Requirements, Summary: p.Summary(),
		Collections: []jsonCollection{}, Decisions: p.Decisions, Notes: []jsonNote{}, Edits: []jsonEdit{},
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
		Attach: []jsonAttach{}, Changes: []jsonChange{}, Odd: []jsonOdd{}, Core: []jsonCore{}, Removed: c.After == nil,
	}
	if c.After == nil {
		return out
	}
	out.License = c.After.License
	for _, n := range c.After.Notes {
		out.Odd = append(out.Odd, jsonOdd(n))
	}
	for _, m := range c.After.Maps {
		out.Maps = append(out.Maps, jsonMap{m.Name, m.Type.String(), m.KeySize, m.ValueSize, m.MaxEntries, c.changed(spec.ObjectMap, m.Name)})
	}
	for _, q := range c.After.Programs {
		out.Programs = append(out.Programs, jsonProgram{q.Name, q.Type.String(), q.AttachTo, q.Insns.Len(), c.changed(spec.ObjectProgram, q.Name)})
	}
	for _, a := range c.After.Attach {
		out.Attach = append(out.Attach, jsonAttach{a.Program, a.Kind.String(), a.Target, a.Netns, a.Flags, a.Cookie, a.Optional})
	}
	for _, ch := range c.Changes {
		out.Changes = append(out.Changes, p.jsonChange(ch))
	}
	for _, f := range c.Core {
		out.Core = append(out.Core, newJSONCore(f, c.After.BTF))
	}
	return out
}

func newJSONCore(f spec.CoreFixup, types *btf.Types) jsonCore {
	j := jsonCore{
		Program: f.Program, Insn: f.Insn, Kind: f.Relo.Kind.String(), Path: f.Relo.Access, Local: int64(f.Local), Value: int64(f.Value),
		LocalSize: f.LocalSize, TargetSize: f.TargetSize, Poison: f.Poison, Reason: f.Reason, Candidates: []jsonCandidate{},
	}
	if root, path, err := types.CorePath(f.Relo); err == nil {
		j.Type, j.Path = root, path
	}
	if f.Err != nil {
		j.Error = f.Err.Error()
	}
	for _, c := range f.Found {
		j.Candidates = append(j.Candidates, jsonCandidate{uint32(c.Type), c.Match, int64(c.Value)})
	}
	return j
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
