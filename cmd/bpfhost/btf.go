package main

import "github.com/spf13/cobra"

func newBTF(a app) *cobra.Command {
	c := &cobra.Command{
		Use:   "btf",
		Short: "Show, search, compare and cut down type information",
		Long: `btf works on BTF, the type information of kernels and eBPF objects.

SRC is "vmlinux" for the running kernel, the name of one of its modules (see list), or a file: BTF, an eBPF
object, a kernel image or a module. A file with the name of a module is meant by ./NAME. - is standard input.
id:N, prog:N and map:N are the types that programs and maps in the kernel came with; they take root.

The types of a module go on from those of its kernel: files of modules need --base.`,
		Example: `  bpfhost btf dump vmlinux --format c > vmlinux.h
  bpfhost btf dump vmlinux --root task_struct
  bpfhost btf find 'bpf_*_opts' --type struct
  bpfhost btf diff old.btf vmlinux --root sk_buff`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.SuggestionsMinimumDistance = 2
	c.AddCommand(newBTFDump(a), newBTFFind(a), newBTFDiff(a), newBTFMin(a), newBTFList(a))
	return c
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
