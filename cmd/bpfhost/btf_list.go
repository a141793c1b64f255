package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// listSchema names the fields of listDoc.
const listSchema = "bpfhost.btf-list/v1"

// listDoc is what btf list -o json prints. Fields are only ever added.
type listDoc struct {
	Schema  string      `json:"schema"`
	Sources []sourceDoc `json:"sources"`
}

type sourceDoc struct {
	ID       uint32   `json:"id,omitempty"` // only with --all; the kernel proper has one since Linux 5.11
	Name     string   `json:"name"`         // empty for what came with programs and maps
	Types    int      `json:"types"`        // how many, without those of the kernel proper
	Bytes    int      `json:"bytes"`
	Programs []uint32 `json:"programs,omitempty"` // ids of those that it came with
	Maps     []uint32 `json:"maps,omitempty"`
}

func newBTFList(a app) *cobra.Command {
	output := newChoice("table", "json")
	var all bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the running kernel and its modules with their types",
		Long: `list shows what of the running kernel has types: the kernel proper, "vmlinux", and modules that are loaded. Their names
are SRC arguments of the other commands. With --all it shows too what came with programs and maps, by the ids
of BTF objects, programs and maps: "id:N" is a SRC argument as well.`,
		Example: `  bpfhost btf list
  sudo bpfhost btf list --all`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			src := a.sources()
			defer src.close()
			list := src.list
			if all {
				list = src.listAll
			}
			d, err := list()
			if err != nil {
				return err
			}
			if output.value == "json" {
				return writeJSON(a.out, d)
			}
			return d.write(a, all)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "what came with programs and maps too; takes root")
	c.Flags().VarP(&output, "output", "o", "how to print it")
	return c
}

// list opens the types of the kernel and of its modules. A module whose types cannot be read is
// left out, with a word.
func (s *sources) list() (listDoc, error) {
	d := listDoc{Schema: listSchema}
	t, err := s.kernel.Types()
	if err != nil {
		return d, err
	}
	d.add(sourceDoc{Name: vmlinux}, t)
	modules, err := s.kernel.Modules()
	if err != nil {
		return d, err
	}
	for _, name := range modules {
		if t, err = s.kernel.ModuleTypes(name); err != nil {
			s.warn(err)
			continue
		}
		d.add(sourceDoc{Name: name}, t)
	}
	return d, nil
}

// listAll is list with what programs and maps brought.
func (s *sources) listAll() (listDoc, error) {
	d := listDoc{Schema: listSchema}
	loaded, err := s.kernel.LoadedTypes()
	if err != nil {
		return d, err
	}
	if !slices.ContainsFunc(loaded, func(l kernel.TypesInfo) bool { return l.Name == vmlinux }) { // before Linux 5.11
		if d, err = s.list(); err != nil {
			return d, err
		}
	}
	for _, l := range loaded {
		t, err := s.kernel.TypesByID(l.ID)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just gone
		}
		if err != nil {
			s.warn(err)
			continue
		}
		d.add(sourceDoc{ID: l.ID, Name: l.Name, Programs: l.Programs, Maps: l.Maps}, t)
	}
	return d, nil
}

func (s *sources) warn(err error) { fmt.Fprintf(s.err, "bpfhost: %s\n", quote.Text(err.Error())) }

func (d *listDoc) add(doc sourceDoc, t *btf.Types) {
	doc.Types, doc.Bytes = t.Len()-int(t.First()), len(t.Bytes())
	d.Sources = append(d.Sources, doc)
}

// write shows the sources to people.
func (d listDoc) write(a app, all bool) error {
	head := []string{"NAME", "TYPES", "BYTES"}
	if all {
		head = []string{"ID", "NAME", "TYPES", "BYTES", "CAME WITH"}
	}
	var rows [][]string
	for _, s := range d.Sources {
		row := []string{s.Name, thousands(s.Types), thousands(s.Bytes)}
		if all {
			id := ""
			if s.ID != 0 {
				id = number(s.ID)
			}
			row = append(append([]string{id}, row...), s.users())
		}
		rows = append(rows, row)
	}
	var t table
	t.block(head, rows)
	return t.write(a.out)
}

// users are the programs and maps that types came with, as SRC arguments.
func (s *sourceDoc) users() string {
	var list []string
	for _, id := range s.Programs {
		list = append(list, "prog:"+number(id))
	}
	for _, id := range s.Maps {
		list = append(list, "map:"+number(id))
	}
	return strings.Join(list, " ")
}
