package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/abi"
)

// versionDoc is what version -o json prints.
type versionDoc struct {
	Schema  string            `json:"schema"`
	Version string            `json:"version"`
	Commit  string            `json:"commit,omitempty"`
	ABI     string            `json:"abi"`
	Go      string            `json:"go"`
	OS      string            `json:"os"`
	Arch    string            `json:"arch"`
	Modules map[string]string `json:"modules"`
}

func newVersion(a app) *cobra.Command {
	output := newChoice("table", "json")
	c := &cobra.Command{
		Use:   "version",
		Short: "Say which bpfhost this is and which guest ABI it speaks",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			d := readVersion()
			if output.value == "json" {
				return writeJSON(a.out, d)
			}
			_, err := fmt.Fprintf(a.out, "bpfhost %s abi %s %s %s/%s\n", d.Version, d.ABI, d.Go, d.OS, d.Arch)
			return err
		},
	}
	c.Flags().VarP(&output, "output", "o", "how to print it")
	return c
}

// readVersion takes what the linker recorded.
func readVersion() versionDoc {
	d := versionDoc{
		Schema:  "bpfhost.version/v1",
		Version: "(devel)",
		ABI:     fmt.Sprintf("%d.%d", abi.Major, abi.Minor),
		Go:      runtime.Version(),
		OS:      runtime.GOOS,
		Arch:    runtime.GOARCH,
		Modules: map[string]string{},
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return d
	}
	if info.Main.Version != "" {
		d.Version = info.Main.Version
	}
	for _, m := range info.Deps {
		d.Modules[m.Path] = m.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			d.Commit = s.Value
		}
	}
	return d
}
