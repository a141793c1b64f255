package main

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/host/policy"
)

// gcSchema names the fields of gcDoc.
const gcSchema = "bpfhost.gc/v1"

// gcDoc is what gc -o json prints. Fields are only ever added.
type gcDoc struct {
	Schema    string        `json:"schema"`
	Root      string        `json:"root"`
	DryRun    bool          `json:"dry_run,omitempty"` // nothing was removed
	Leftovers []leftoverDoc `json:"leftovers"`
}

type leftoverDoc struct {
	Path     string   `json:"path"`               // the staging directory
	Folder   string   `json:"folder"`             // where its pins were to appear
	Pins     []string `json:"pins"`               // paths of pins that are removed
	Restored bool     `json:"restored,omitempty"` // the folder was being replaced, and is put back
}

func newGC(a app) *cobra.Command {
	output := newChoice("table", "json")
	root := policy.PinRoot
	var dry bool
	c := &cobra.Command{
		Use:   "gc",
		Short: "Remove what runs left that were killed",
		Long: `gc removes what runs left in the bpf file system that were killed while they made pins: pins that nobody has seen, and those
that are only part of what was to appear. The next run that has pins does the same. What a run makes that is still
there is left alone, and so are pins that were published: remove those with rm. It takes root.`,
		Example: `  sudo bpfhost gc --dry-run
  sudo bpfhost gc --root /sys/fs/bpf/app`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			sweep := loader.RemoveLeftovers
			if dry {
				sweep = loader.Leftovers
			}
			list, err := sweep(root)
			if errors.Is(err, fs.ErrNotExist) { // nobody has pinned anything
				err = nil
			}
			d := gcDoc{Schema: gcSchema, Root: root, DryRun: dry, Leftovers: []leftoverDoc{}}
			for _, l := range list {
				d.Leftovers = append(d.Leftovers, leftoverDoc{l.Path, l.Folder, append([]string{}, l.Pins...), l.Old})
			}
			return failures{}.with(d.print(a, output.value), err).err()
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only show what would be removed")
	c.Flags().StringVar(&root, "root", root, "directory of a bpf file system that the directories of pins are in")
	c.Flags().VarP(&output, "output", "o", "how to print it")
	return c
}

// print shows what was found.
func (d gcDoc) print(a app, output string) error {
	if output == "json" {
		return writeJSON(a.out, d)
	}
	var t table
	if len(d.Leftovers) == 0 {
		t.text("nothing is left in %s", d.Root)
	}
	var rows [][]string
	for _, l := range d.Leftovers {
		done := "removed"
		if d.DryRun {
			done = "to be removed"
		}
		rows = append(rows, []string{l.Path, "", done})
		for _, p := range l.Pins {
			rows = append(rows, []string{p, "pin", done})
		}
		if l.Restored {
			done = "put back"
			if d.DryRun {
				done = "to be put back"
			}
			rows = append(rows, []string{l.Folder, "", done})
		}
	}
	t.block([]string{"PATH", "KIND", "DONE"}, rows)
	return t.write(a.out)
}
