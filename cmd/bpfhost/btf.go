package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/loader"
)

func newBTF(a app) *cobra.Command {
	c := &cobra.Command{
		Use:   "btf",
		Short: "Show, search, compare and cut down type information",
		Long: `btf works on BTF, the type information of kernels and eBPF objects.

SRC is "vmlinux" for the running kernel, the name of one of its modules, or a file: BTF or an eBPF
object. A file with the name of a module is meant by ./NAME.`,
		Example: `  bpfhost btf dump vmlinux --format c > vmlinux.h
  bpfhost btf dump vmlinux --root task_struct
  bpfhost btf find 'bpf_*_opts' --type struct
  bpfhost btf diff old.btf vmlinux --root sk_buff`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.SuggestionsMinimumDistance = 2
	c.AddCommand(newBTFDump(a), newBTFFind(a), newBTFDiff(a), newBTFMin(a))
	return c
}

// kernelBTF is where the kernel shows its types and those of its modules.
const kernelBTF = "/sys/kernel/btf"

// openTypes opens what a SRC argument names. base is the SRC that a split one goes on from; empty is vmlinux for
// modules and nothing for files.
func (a app) openTypes(name, base string) (*btf.Types, error) {
	raw, kernel, err := a.readTypes(name)
	if err != nil {
		return nil, err
	}
	if kernel && name != "vmlinux" && base == "" {
		base = "vmlinux"
	}
	var o btf.Options
	if base != "" {
		if o.Base, err = a.openTypes(base, ""); err != nil {
			return nil, err
		}
	}
	t, err := btf.Parse(raw, o)
	if err == nil && !kernel {
		err = t.Validate()
	}
	if err != nil {
		return nil, &inputError{fmt.Errorf("read types of %s: %w", name, err)}
	}
	return t, nil
}

// readTypes reads BTF, and says whether the kernel has written it.
func (a app) readTypes(name string) (raw []byte, kernel bool, err error) {
	if name != "-" && name != "" && filepath.Base(name) == name && name[0] != '.' {
		raw, err := os.ReadFile(filepath.Join(kernelBTF, name))
		if err == nil {
			return raw, true, nil
		}
		if name == "vmlinux" {
			return nil, false, fmt.Errorf("read kernel types: this kernel shows no BTF (CONFIG_DEBUG_INFO_BTF): %w", loader.ErrNotSupported)
		}
	}
	raw, err = a.readFile(name)
	if err != nil {
		return nil, false, err
	}
	if len(raw) >= 2 && (raw[0] == 0x9f && raw[1] == 0xeb || raw[0] == 0xeb && raw[1] == 0x9f) {
		return raw, false, nil
	}
	obj, err := elf.LoadBytes(raw)
	if err != nil {
		return nil, false, &inputError{fmt.Errorf("read types of %s: %w", name, err)}
	}
	if obj.BTF == nil {
		return nil, false, &inputError{fmt.Errorf("read types of %s: this object has no BTF: compile it with -g", name)}
	}
	return obj.BTF.Bytes(), false, nil
}

// findRoots gives the types that are named "NAME" or "struct NAME".
func findRoots(t *btf.Types, names []string) ([]btf.ID, error) {
	if len(names) == 0 {
		return nil, nil
	}
	ids := []btf.ID{}
	for _, n := range names {
		kind, name, ok := strings.Cut(n, " ")
		if !ok || !slices.Contains(kindNames(), kind) {
			kind, name = "", n
		}
		before := len(ids)
		for _, id := range t.FindAll(name) {
			if kind == "" || t.Kind(id).String() == kind {
				ids = append(ids, id)
			}
		}
		if len(ids) == before {
			return nil, &inputError{fmt.Errorf("find type %q: %w", n, btf.ErrNotFound)}
		}
	}
	return ids, nil
}

// kindNames are the kinds of type that have names.
func kindNames() []string {
	var names []string
	for _, k := range []btf.Kind{btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64, btf.KindTypedef, btf.KindFunc,
		btf.KindVar, btf.KindInt, btf.KindFloat, btf.KindFwd, btf.KindDatasec, btf.KindDeclTag, btf.KindTypeTag} {
		names = append(names, k.String())
	}
	return names
}

// wantArgs says what a command takes.
func wantArgs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return badUsage(c, "%s: %s is missing", c.Name(), names[len(args)])
		}
		if len(args) > len(names) {
			return badUsage(c, "%s: unexpected argument %q", c.Name(), args[len(names)])
		}
		return nil
	}
}
