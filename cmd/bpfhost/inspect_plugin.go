package main

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/host"
)

// pluginDoc is what inspect -o json prints of a plugin. Fields are only ever added.
type pluginDoc struct {
	Schema   string     `json:"schema"`
	File     string     `json:"file"` // as it was named; - is standard input
	Name     string     `json:"name"`
	Version  string     `json:"version"`
	Doc      string     `json:"doc"`
	ABI      string     `json:"abi"`      // version that it was built for
	ABIHash  string     `json:"abi_hash"` // definition that its SDK was made from; empty is unknown
	SHA256   string     `json:"sha256"`
	Signers  []string   `json:"signers,omitempty"` // of the signature beside the file
	Size     int        `json:"size"`              // bytes
	Params   []paramDoc `json:"params"`
	Requests []string   `json:"requests"` // in policy words
	Hooks    []string   `json:"hooks"`    // exports that the host calls
	Imports  []string   `json:"imports"`  // module.name

	Sections []host.Section `json:"sections"` // of objects, which it knows
}

type paramDoc struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Default  string `json:"default"`
	Required bool   `json:"required"`
	Doc      string `json:"doc"`
}

// newPluginDoc describes a plugin.
func newPluginDoc(info host.Info) *pluginDoc {
	d := &pluginDoc{
		Schema:   "bpfhost.plugin/v1",
		Name:     info.Name,
		Version:  info.Version,
		Doc:      info.Doc,
		ABI:      fmt.Sprintf("%d.%d", info.ABIMajor, info.ABIMinor),
		ABIHash:  info.ABIHash,
		SHA256:   info.SHA256,
		Signers:  info.Signers,
		Size:     info.Size,
		Params:   make([]paramDoc, 0, len(info.Params)),
		Requests: append([]string{}, info.Requests...),
		Hooks:    append([]string{}, info.Hooks...),
		Imports:  append([]string{}, info.Imports...),
		Sections: append([]host.Section{}, info.Sections...),
	}
	for _, p := range info.Params {
		d.Params = append(d.Params, paramDoc{p.Name, string(p.Type), p.Default, p.Required, p.Doc})
	}
	return d
}

func (d *pluginDoc) named(file string) { d.File = file }

// table shows the plugin to people.
func (d *pluginDoc) table(t *table, file string) {
	t.text("%s: plugin %s, ABI %s, %s bytes", file, strings.TrimSpace(d.Name+" "+d.Version), d.ABI, thousands(d.Size))
	if d.Doc != "" {
		t.text("%s", d.Doc)
	}
	t.text("sha256 %s", d.SHA256)
	for _, key := range d.Signers {
		t.text("signed by %s", key)
	}
	var rows [][]string
	for _, p := range d.Params {
		def := p.Default
		if p.Required {
			def = "(required)"
		}
		rows = append(rows, []string{p.Name, p.Type, def, p.Doc})
	}
	t.block([]string{"PARAM", "TYPE", "DEFAULT", "MEANING"}, rows)
	rows = nil
	for _, w := range d.Requests {
		rows = append(rows, []string{w})
	}
	t.block([]string{"REQUESTS"}, rows)
	rows = nil
	for _, s := range d.Sections {
		rows = append(rows, []string{s.Name, s.Type, s.AttachType, bitNames(s.Flags, programFlags)})
	}
	t.block([]string{"SECTION", "TYPE", "ATTACH", "FLAGS"}, rows)
	t.text("")
	t.text("hooks: %s", strings.Join(d.Hooks, " "))
	d.importLines(t)
}

// importLines lists imports by the module that they come from.
func (d *pluginDoc) importLines(t *table) {
	var froms []string
	names := map[string][]string{}
	for _, i := range d.Imports {
		from, name, _ := strings.Cut(i, ".")
		if names[from] == nil {
			froms = append(froms, from)
		}
		names[from] = append(names[from], name)
	}
	for _, from := range froms {
		t.text("imports from %s: %s", from, strings.Join(names[from], " "))
	}
}
