package abi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
)

// definition is the whole table in the form of abi.json.
type definition struct {
	Module     string         `json:"module"`
	Major      int            `json:"major"`
	Minor      int            `json:"minor"`
	Hash       string         `json:"hash,omitempty"`
	Functions  []jsonFunc     `json:"functions"`
	Hooks      []jsonHook     `json:"hooks"`
	Properties []jsonProperty `json:"properties"`
	Records    []jsonRecord   `json:"records"`
	Enums      []jsonEnum     `json:"enums"`
}

type jsonFunc struct {
	ID         uint16      `json:"id"`
	Name       string      `json:"name"`
	Params     []jsonParam `json:"params,omitempty"`
	Phases     []string    `json:"phases"`
	Capability string      `json:"capability,omitempty"`
	Since      uint16      `json:"since"`
	Result     string      `json:"result,omitempty"`
	Doc        string      `json:"doc,omitempty"`
}

type jsonHook struct {
	Name     string      `json:"name"`
	Params   []jsonParam `json:"params,omitempty"`
	Phase    []string    `json:"phase"`
	Required bool        `json:"required,omitempty"`
	Since    uint16      `json:"since"`
	Doc      string      `json:"doc,omitempty"`
}

type jsonParam struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Of   string `json:"of,omitempty"`
}

type jsonProperty struct {
	ID    uint32   `json:"id"`
	Name  string   `json:"name"`
	Kind  string   `json:"kind"`
	Type  string   `json:"type"`
	Of    string   `json:"of,omitempty"`
	Read  []string `json:"read"`
	Write []string `json:"write"`
	Since uint16   `json:"since"`
	Doc   string   `json:"doc,omitempty"`
}

type jsonRecord struct {
	Name   string      `json:"name"`
	Sized  bool        `json:"sized,omitempty"`
	Size   uint32      `json:"size"`
	Since  uint16      `json:"since"`
	Fields []jsonField `json:"fields"`
	Doc    string      `json:"doc,omitempty"`
}

type jsonField struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Offset uint32 `json:"offset"`
	Since  uint16 `json:"since"`
	Doc    string `json:"doc,omitempty"`
}

type jsonEnum struct {
	Name   string      `json:"name"`
	Bits   bool        `json:"bits,omitempty"`
	Kernel bool        `json:"kernel,omitempty"`
	Values []jsonValue `json:"values"`
	Doc    string      `json:"doc,omitempty"`
}

type jsonValue struct {
	Name  string `json:"name"`
	Num   uint32 `json:"num"`
	Since uint16 `json:"since"`
	Doc   string `json:"doc,omitempty"`
}

// JSON returns the whole table as indented JSON, with its hash.
func JSON() ([]byte, error) {
	d := define(true)
	d.Hash = Hash()
	b, err := json.MarshalIndent(d, "", "\t")
	return append(b, '\n'), err
}

// Hash identifies the definition: the SHA-256, in hexadecimal, of its JSON form without
// documentation. Two hosts with one hash offer the same.
func Hash() string { return hash() }

var hash = sync.OnceValue(func() string {
	b, err := json.Marshal(define(false))
	if err != nil { // plain data: cannot happen
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
})

// define builds the JSON form. Without docs only what a guest can observe is left.
func define(docs bool) definition {
	text := func(s string) string {
		if docs {
			return s
		}
		return ""
	}
	d := definition{Module: Module, Major: Major, Minor: Minor}
	for _, f := range funcs {
		d.Functions = append(d.Functions, jsonFunc{uint16(f.ID), f.Name, jsonParams(f.Params), f.Phases.names(),
			f.Capability, f.Since, text(f.Result), text(f.Doc)})
	}
	for _, h := range hooks {
		d.Hooks = append(d.Hooks, jsonHook{h.Name, jsonParams(h.Params), h.Phase.names(), h.Required, h.Since, text(h.Doc)})
	}
	for _, p := range properties {
		d.Properties = append(d.Properties, jsonProperty{uint32(p.ID()), p.FullName(), p.Kind.String(), p.Type.String(),
			p.Of, p.Read.names(), p.Write.names(), p.Since, text(p.Doc)})
	}
	for _, r := range records {
		j := jsonRecord{r.Name, r.Sized, r.Size, r.Since, nil, text(r.Doc)}
		for _, f := range r.Fields {
			j.Fields = append(j.Fields, jsonField{f.Name, f.Type, f.Offset, f.Since, text(f.Doc)})
		}
		d.Records = append(d.Records, j)
	}
	for _, e := range enums {
		j := jsonEnum{e.Name, e.Bits, e.Kernel, nil, text(e.Doc)}
		for _, v := range e.Values {
			j.Values = append(j.Values, jsonValue{v.Name, v.Num, v.Since, text(v.Doc)})
		}
		d.Enums = append(d.Enums, j)
	}
	return d
}

func jsonParams(params []Param) []jsonParam {
	var out []jsonParam
	for _, p := range params {
		out = append(out, jsonParam{p.Name, p.Kind.String(), p.Of})
	}
	return out
}
