package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/link"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host"
	"github.com/bpfhost/bpfhost/host/policy"
)

// TestExitCodes holds the code and the line of every cause.
func TestExitCodes(t *testing.T) {
	reason := errors.New("reason")
	asRoot := ""
	if os.Geteuid() != 0 {
		asRoot = "; run it as root; 'bpfhost plan' needs no privileges"
	}
	tests := []struct {
		err  error
		code int
		line string
	}{
		{reason, 1, "reason"},
		{&usageError{text: "plan: what?", cmd: "bpfhost plan"}, 2, "plan: what?; see 'bpfhost plan --help'"},
		{&host.ParamError{Plugin: "p", Param: "x", Reason: "is unknown"}, 2, `plugin p: parameter "x" is unknown`},
		{&inputError{reason}, 10, "reason"},
		{&inputError{&os.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}}, 10, "open x: permission denied"},
		{&outputError{&os.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}}, 21, "open x: permission denied"},
		{&outputError{errors.New("write x: no space left")}, 1, "write x: no space left"},
		{fmt.Errorf("object x: %w", host.ErrInput), 10, "object x: input rejected"},
		{&policy.SyntaxError{Policy: "p.yaml", Line: 3, Column: 7, Reason: "unknown key"}, 10, "read policy p.yaml:3:7: unknown key"},
		{&policy.Error{Access: "helper bpf_x", Policy: "p.yaml", Line: 4}, 11,
			"policy p.yaml:4 denies helper bpf_x"},
		{&host.PluginError{Plugin: "p", Export: "bpfhost_plan", Kind: host.PluginTrap, Err: reason}, 12, "plugin p: bpfhost_plan: reason"},
		{&host.LimitError{Plugin: "p", Export: "bpfhost_plan", What: "wall time", Max: uint64(5 * time.Second), Unit: host.UnitTime}, 13,
			"plugin p: bpfhost_plan: wall time limit of 5s reached; the plugin was stopped"},
		{&host.PluginError{Plugin: "p", Export: "bpfhost_plan", Kind: host.PluginFailed, Err: &host.LimitError{What: "memory of the host", Used: 300 << 20, Max: 256 << 20, Unit: host.UnitBytes}}, 13,
			"plugin p: bpfhost_plan: memory of the host: 300 MiB exceed the limit of 256 MiB"},
		{fmt.Errorf("load program x: %w", loader.ErrPermission), 21,
			"load program x: permission denied" + asRoot},
		{&loader.FeatureError{Feature: "arena maps", MinKernel: "6.9"}, 22, "arena maps need Linux 6.9"},
		{fmt.Errorf("pin map x: %w", kernel.ErrNotMounted), 22, "pin map x: not mounted"},
		{&link.Error{Program: "x", Kind: spec.HookXDP, Target: "interface e", Err: reason}, 23, `attach program "x" to interface e (xdp): reason`},
		{&link.Error{Program: "x", Kind: spec.HookXDP, Target: "interface e", Err: loader.ErrPermission}, 21,
			`attach program "x" to interface e (xdp): permission denied` + asRoot},
		{(&spec.Map{Name: "m"}).Check(), 10, `check map "m": it has no type`},
		{&host.PluginError{Plugin: "p", Export: "bpfhost_plan", Kind: host.PluginInvalid, Err: (&spec.Map{Name: "m"}).Check()}, 12,
			`plugin p: bpfhost_plan: check map "m": it has no type`},
		{fmt.Errorf("%w: 1 of 2", errDiffer), 15, "programs differ: 1 of 2"},
		{errInterrupted, 130, "interrupted before anything was attached"},
		{failures{&inputError{reason}, errors.New("another")}, 10, "reason\nbpfhost: another"},
		// A plugin whose own failure has a deeper cause fails for that cause.
		{&host.PluginError{Plugin: "p", Export: "bpfhost_loaded", Err: fmt.Errorf("open: %w", loader.ErrPermission)}, 21,
			"plugin p: bpfhost_loaded: open: permission denied" + asRoot},
		// Nothing of an error reaches the terminal as a control.
		{errors.New("read \x1b[2J\nbpfhost: forged"), 1, `read \x1b[2J\nbpfhost: forged`},
	}
	for _, tt := range tests {
		var b bytes.Buffer
		if code := printError(&b, tt.err); code != tt.code {
			t.Errorf("%v: exit code %d, want %d", tt.err, code, tt.code)
		}
		if got, want := b.String(), "bpfhost: "+tt.line+"\n"; got != want {
			t.Errorf("%v:\n got %q\nwant %q", tt.err, got, want)
		}
	}
}
