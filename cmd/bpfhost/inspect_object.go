package main

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/internal/report"
)

// objectDoc is what inspect -o json prints of an eBPF object. Fields are only ever added.
type objectDoc struct {
	Schema        string              `json:"schema"`
	File          string              `json:"file"` // as it was named; - is standard input
	ByteOrder     string              `json:"byte_order"`
	License       string              `json:"license"`
	Programs      []programDoc        `json:"programs"`
	Maps          []mapDoc            `json:"maps"`
	Variables     []variableDoc       `json:"variables"`
	Externs       []externDoc         `json:"externs"`
	Notes         []report.Note       `json:"notes"`
	Errors        []report.CheckError `json:"errors"`         // what has to be mended before it can be loaded
	KernelVersion uint32              `json:"kernel_version"` // of a section "version"; 0 is none
	Refs          []refDoc            `json:"refs"`           // what refers to what
	Core          []report.CoreRelo   `json:"core"`           // what depends on the kernel's types
	Sizes         sizesDoc            `json:"sizes"`
	Requirements  report.Requirements `json:"requirements"`
	Diagnostics   []report.Diagnostic `json:"diagnostics"` // programs that kernels refuse, or are likely to
}

type mapDoc struct {
	Name       string        `json:"name"`
	Section    string        `json:"section"`
	Type       string        `json:"type"`
	KeySize    uint32        `json:"key_size"`
	ValueSize  uint32        `json:"value_size"`
	MaxEntries uint32        `json:"max_entries"`
	Flags      uint32        `json:"flags"` // bits of bpf_attr.map_flags
	Pinning    string        `json:"pinning"`
	Key        string        `json:"key"`   // type in C; empty is unknown
	Value      string        `json:"value"` // likewise
	Extra      uint64        `json:"map_extra"`
	NUMANode   uint32        `json:"numa_node"`
	Optional   bool          `json:"optional"`
	Tags       []string      `json:"tags"`
	Memory     uint64        `json:"memory"`  // bytes of the kernel when it is full, without what each CPU adds
	PerCPU     bool          `json:"per_cpu"` // it has a value for each CPU
	CPUMemory  uint64        `json:"memory_per_cpu"`
	Inner      *mapDoc       `json:"inner"`  // template of its maps; null is none
	Values     []mapValueDoc `json:"values"` // entries that are maps or programs
}

type mapValueDoc struct {
	Key  uint32 `json:"key"`
	Name string `json:"name"`
}

type variableDoc struct {
	Name    string `json:"name"`
	Section string `json:"section"`
	Offset  uint32 `json:"offset"`
	Size    uint32 `json:"size"`
	Type    string `json:"type"` // in C; empty is unknown
	Linkage string `json:"linkage"`
}

type externDoc struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Weak bool   `json:"weak"`
	Type string `json:"type"` // in C; empty is unknown
}

// sizesDoc has sizes in bytes, but for Insns.
type sizesDoc struct {
	File         int    `json:"file"`
	Insns        int    `json:"insns"` // of all programs, with those of the functions that each calls
	Code         int    `json:"code"`  // of these
	BTF          int    `json:"btf"`
	Data         int    `json:"data"`           // initial contents of maps
	Memory       uint64 `json:"memory"`         // bytes of maps when they are full, without what each CPU adds
	MemoryPerCPU uint64 `json:"memory_per_cpu"` // bytes that each CPU adds
}

// readObject reads an object file. With lenient options, it is read as run and plan do it.
// kernel may be nil.
func readObject(b []byte, how elf.Options, kernel *btf.Types) (*objectDoc, error) {
	c, err := elf.LoadBytes(b, how)
	if err != nil {
		return nil, err
	}
	if !how.Lenient {
		if err := refuseNotes(c.Notes); err != nil {
			return nil, err
		}
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("rejected by --strict: %w", err)
		}
	}
	return newObjectDoc(c, len(b), kernel), nil
}

// refuseNotes makes an error of notes.
func refuseNotes(notes []spec.Note) error {
	if len(notes) == 0 {
		return nil
	}
	const most = 4
	var list []string
	for _, n := range notes[:min(len(notes), most)] {
		list = append(list, n.Code+" "+n.Text)
	}
	if more := len(notes) - most; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return errors.New("rejected by --strict: " + strings.Join(list, "; "))
}

// newObjectDoc describes a collection that was read from a file of that size.
func newObjectDoc(c *spec.Collection, size int, kernel *btf.Types) *objectDoc {
	d := &objectDoc{
		Schema:        "bpfhost.object/v1",
		ByteOrder:     c.Order.String(),
		License:       c.License,
		Programs:      make([]programDoc, 0, len(c.Programs)),
		Maps:          make([]mapDoc, 0, len(c.Maps)),
		Variables:     make([]variableDoc, 0, len(c.Vars)),
		Externs:       make([]externDoc, 0, len(c.Externs)),
		Notes:         report.Notes(c.Notes),
		Errors:        report.CheckErrors(c.CheckAll()),
		KernelVersion: c.KernelVersion,
		Refs:          listRefs(c),
		Core:          listCore(c, kernel),
		Sizes:         sizesDoc{File: size},
		Requirements:  report.NewRequirements(lint.Requirements(c)),
		Diagnostics:   []report.Diagnostic{},
	}
	t := typeNames{c.BTF}
	linter := lint.New(c)
	for _, p := range c.Programs {
		d.Programs = append(d.Programs, newProgramDoc(p))
		for _, found := range linter.Program(p) {
			d.Diagnostics = append(d.Diagnostics, report.NewDiagnostic(found))
		}
	}
	for _, m := range c.Maps {
		d.Maps = append(d.Maps, newMapDoc(m, t))
	}
	for _, v := range c.Vars {
		d.Variables = append(d.Variables, variableDoc{v.Name, v.Section, v.Offset, v.Size, t.name(v.Type), v.Linkage.String()})
	}
	for _, e := range c.Externs {
		d.Externs = append(d.Externs, externDoc{e.Name, e.Kind.String(), e.Weak, t.name(e.Type)})
	}
	d.Sizes.add(c, d)
	return d
}

// add sums up what the parts take.
func (s *sizesDoc) add(c *spec.Collection, d *objectDoc) {
	for i := range d.Programs {
		s.Insns += d.Programs[i].Insns
		s.Code += d.Programs[i].Code
	}
	if c.BTF != nil {
		s.BTF = len(c.BTF.Bytes())
	}
	for i := range d.Maps {
		s.Data += len(c.Maps[i].Data)
		s.Memory += min(d.Maps[i].Memory, math.MaxUint64-s.Memory) // it saturates, as the sum does
		s.MemoryPerCPU += min(d.Maps[i].CPUMemory, math.MaxUint64-s.MemoryPerCPU)
	}
}

func newMapDoc(m *spec.Map, t typeNames) mapDoc {
	d := mapDoc{
		Name: m.Name, Section: m.Section, Type: m.Type.String(), KeySize: m.KeySize, ValueSize: m.ValueSize,
		MaxEntries: m.MaxEntries, Flags: uint32(m.Flags), Pinning: m.Pinning.String(), Key: t.name(m.Key), Value: t.name(m.Value),
		Extra: m.Extra, NUMANode: m.NUMANode, Optional: m.Optional, Tags: append([]string{}, m.Tags...),
		PerCPU: m.Type.PerCPU(), Values: make([]mapValueDoc, 0, len(m.Values)),
	}
	d.Memory, d.CPUMemory = m.MemoryByCPU()
	if m.Inner != nil {
		inner := newMapDoc(m.Inner, t)
		d.Inner = &inner
	}
	for _, v := range m.Values {
		d.Values = append(d.Values, mapValueDoc{v.Key, v.Name})
	}
	return d
}

// typeNames names types of an object; nil has none.
type typeNames struct{ *btf.Types }

// name writes a type in C, of a function its declaration, and nothing for one that is unknown.
func (t typeNames) name(id btf.ID) string {
	if t.Types == nil || id == 0 {
		return ""
	}
	if typ, err := t.Type(id); err == nil {
		if f, ok := typ.(*btf.Func); ok {
			return t.Declare(f.Type, f.Name)
		}
	}
	return t.TypeName(id)
}
