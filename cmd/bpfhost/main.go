// Command bpfhost runs WebAssembly plugins that build and patch eBPF programs, shows what they
// would do, and looks into objects and plugins.
//
// Standard output carries data, standard error carries diagnostics. What an exit code means is in
// exit.go.
package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/host"
	"github.com/bpfhost/bpfhost/internal/sys"
)

func main() {
	host.ChildMain()
	os.Exit(execute(context.Background(), os.Args[1:], app{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, terminal: sys.IsTerminal(os.Stdin),
	}))
}

// app is what a command reads from and writes to.
type app struct {
	in       io.Reader
	out, err io.Writer
	terminal bool            // somebody sits there who can answer
	stop     <-chan struct{} // closed when the operator interrupts; nil is never
	signals  *signals        // nil where none are handled
	maxData  *size           // flag of the command; nil where it has none
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, a app) int {
	ctx, signals, stop := interruptible(ctx)
	defer stop()
	a.stop, a.signals = ctx.Done(), signals
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil && (errors.Is(err, context.Cause(ctx)) || errors.Is(err, errInterrupted)) {
		err = errInterrupted // whichever part noticed
	}
	return printError(a.err, err)
}

// newRoot builds the tree of commands.
func newRoot(a app) *cobra.Command {
	root := &cobra.Command{
		Use:   "bpfhost",
		Short: "Run WebAssembly plugins that build and patch eBPF programs",
		Long: `bpfhost runs WebAssembly plugins that build and patch eBPF programs.

A plugin never touches the kernel. It edits specs of programs and maps; bpfhost shows the
outcome as a plan, holds it against a policy, and only then loads and attaches it.`,
		Example: `  bpfhost demo
  bpfhost plan guard.wasm --object drops.o
  sudo bpfhost run guard.wasm --object drops.o --set iface=eth0`,
		Args:          noCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(badFlag)
	root.SetHelpCommand(&cobra.Command{Use: "no-help-command", Hidden: true})
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(newRun(a), newPlan(a), newApply(a), newInspect(a), newFeatures(a), newDoctor(a), newLink(a), newPolicy(a), newSign(a), newVerify(a), newTest(a), newCompare(a), newGC(a), newBTF(a), newABI(a), newDemo(a), newAsm(a), newDisasm(a), newVersion(a))
	return root
}
