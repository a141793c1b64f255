package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
)

// objectDoc is what inspect -o json prints of an eBPF object. Fields are only ever added.
type objectDoc struct {
	Schema    string        `json:"schema"`
	ByteOrder string        `json:"byte_order"`
	License   string        `json:"license"`
	Programs  []programDoc  `json:"programs"`
	Maps      []mapDoc      `json:"maps"`
	Variables []variableDoc `json:"variables"`
	Externs   []externDoc   `json:"externs"`
	Notes     []noteDoc     `json:"notes"`
	size      int           // bytes of the file
}

type programDoc struct {
	Name       string `json:"name"`
	Section    string `json:"section"`
	Type       string `json:"type"`
	AttachType string `json:"attach_type"`
	AttachTo   string `json:"attach_to"`
	Insns      int    `json:"insns"` // with those of the functions it calls; a 64-bit load is one
	Flags      uint32 `json:"flags"` // bits of bpf_attr.prog_flags
}

type mapDoc struct {
	Name       string `json:"name"`
	Section    string `json:"section"`
	Type       string `json:"type"`
	KeySize    uint32 `json:"key_size"`
	ValueSize  uint32 `json:"value_size"`
	MaxEntries uint32 `json:"max_entries"`
	Flags      uint32 `json:"flags"` // bits of bpf_attr.map_flags
	Pinning    string `json:"pinning"`
}

type variableDoc struct {
	Name    string `json:"name"`
	Section string `json:"section"`
	Offset  uint32 `json:"offset"`
	Size    uint32 `json:"size"`
}

type externDoc struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Weak bool   `json:"weak"`
}

type noteDoc struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// newObjectDoc describes a collection that was read from a file of that size.
func newObjectDoc(o *spec.Collection, size int) *objectDoc {
	d := &objectDoc{
		Schema:    "bpfhost.object/v1",
		ByteOrder: o.Order.String(),
		License:   o.License,
		Programs:  make([]programDoc, 0, len(o.Programs)),
		Maps:      make([]mapDoc, 0, len(o.Maps)),
		Variables: make([]variableDoc, 0, len(o.Vars)),
		Externs:   make([]externDoc, 0, len(o.Externs)),
		Notes:     make([]noteDoc, 0, len(o.Notes)),
		size:      size,
	}
	for _, p := range o.Programs {
		at := ""
		if p.AttachType != 0 {
			at = p.AttachType.String()
		}
		d.Programs = append(d.Programs, programDoc{p.Name, p.Section, p.Type.String(), at, p.AttachTo,
			len(p.Insns), uint32(p.Flags)})
	}
	for _, m := range o.Maps {
		d.Maps = append(d.Maps, mapDoc{m.Name, m.Section, m.Type.String(), m.KeySize, m.ValueSize, m.MaxEntries,
			uint32(m.Flags), m.Pinning.String()})
	}
	for _, v := range o.Vars {
		d.Variables = append(d.Variables, variableDoc{v.Name, v.Section, v.Offset, v.Size})
	}
	for _, e := range o.Externs {
		d.Externs = append(d.Externs, externDoc{e.Name, e.Kind.String(), e.Weak})
	}
	for _, n := range o.Notes {
		d.Notes = append(d.Notes, noteDoc(n))
	}
	return d
}

// table shows the object to people.
func (d *objectDoc) table(t *table, file string) {
	license := "no license"
	if d.License != "" {
		license = "license " + strconv.Quote(d.License)
	}
	t.text("%s: eBPF object, %s endian, %s, %s bytes", file, d.ByteOrder, license, thousands(d.size))
	var rows [][]string
	for _, p := range d.Programs {
		attach := p.AttachType
		if p.AttachTo != "" {
			attach = strings.TrimSpace(attach + " " + p.AttachTo)
		}
		rows = append(rows, []string{p.Name, p.Section, p.Type, attach, strconv.Itoa(p.Insns), flagBits(p.Flags)})
	}
	t.block([]string{"PROGRAM", "SECTION", "TYPE", "ATTACH", "INSNS", "FLAGS"}, rows)
	rows = nil
	for _, m := range d.Maps {
		rows = append(rows, []string{m.Name, m.Section, m.Type, number(m.KeySize), number(m.ValueSize), number(m.MaxEntries),
			flagBits(m.Flags), m.Pinning})
	}
	t.block([]string{"MAP", "SECTION", "TYPE", "KEY", "VALUE", "MAX", "FLAGS", "PINNING"}, rows)
	rows = nil
	for _, v := range d.Variables {
		rows = append(rows, []string{v.Name, v.Section, number(v.Offset), number(v.Size)})
	}
	t.block([]string{"VARIABLE", "SECTION", "OFFSET", "SIZE"}, rows)
	rows = nil
	for _, e := range d.Externs {
		rows = append(rows, []string{e.Name, e.Kind, strconv.FormatBool(e.Weak)})
	}
	t.block([]string{"EXTERN", "KIND", "WEAK"}, rows)
	rows = nil
	for _, n := range d.Notes {
		rows = append(rows, []string{n.Code, n.Text})
	}
	t.block([]string{"NOTE", "TEXT"}, rows)
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// flagBits shows bits as a hexadecimal number, and nothing for none.
func flagBits(b uint32) string {
	if b == 0 {
		return ""
	}
	return fmt.Sprintf("%#x", b)
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
