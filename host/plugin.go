package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/host/signature"
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// PluginOptions say what a plugin gets from its operator. In a run nobody waits for Stdout and
// Stderr: a Write that hangs keeps a goroutine, and what is too much is dropped, see Run.Output.
type PluginOptions struct {
	Name    string            // what to call it until it says its own name; empty is "plugin"
	Params  map[string]string // values of its parameters, by name
	Args    []string          // arguments of its own, as cfg keys args.0, args.1, …
	Objects []Object          // eBPF objects that it may patch
	Policy  *policy.Policy    // what it may do; nil is policy.BuiltIn

	// Signature is the text of package signature that says who signed the module; empty is nobody.
	Signature []byte

	Stdout io.Writer // its results; nil discards them
	Stderr io.Writer // its diagnostics, and all that it writes before Apply, each line after its name; nil discards it
	Output string    // the format of its results, as cfg key output: "text" or "jsonl"; empty is text

	// Audit gets a line of JSON for each decision of the policy and each effect in the kernel, of
	// AuditSchema, in one Write each, before the effect counts as done. Where it has a method Sync,
	// as a file has, that is called too, but for writes to maps. If it fails, so does what was to be
	// written down, and nothing more is done for the plugin.
	Audit io.Writer
}

// Object is an eBPF object file for a plugin.
type Object struct {
	Name string // file name, e.g. "drops.bpf.o"; plugins open it as "drops"
	Data []byte
}

// What a plugin is and declares is part of every plan of it.
type (
	// Info is what a plugin is.
	Info = plan.Info
	// Param is a parameter that a plugin declares.
	Param = plan.Param
	// ParamType says what a parameter takes.
	ParamType = plan.ParamType
	// Section is a name of program sections that a plugin declares.
	Section = plan.Section
)

// The types of parameters.
const (
	ParamString = plan.ParamString // text
	ParamU64    = plan.ParamU64    // number from 0 up: decimal, or hexadecimal after 0x
	ParamBool   = plan.ParamBool   // true or false
)

// Plugin is a module that is ready to plan. Its methods are for one goroutine at a time; Close may
// be called from any.
type Plugin struct {
	host    *Host
	in      *guest.Instance
	options PluginOptions
	policy  *policy.Policy
	signers []signature.Key
	limits  Limits
	audit   *audit // nil is none
	memory  *budget.Account
	inputs  []tx.Input
	code    guest.Code
	denied  error // why the plan cannot be applied, if the policy denies it
	planned bool
	applied bool
	busy    sync.Mutex // held by who works on the plan: Plan, Apply, and the end of Close

	mu   sync.Mutex // guards what follows
	run  *Run
	gone bool

	closing sync.Once
	closed  error
}

// Open reads a module, checks it, starts it and has it describe itself. Then it reads the objects.
// Nothing of it reaches the kernel.
//
// The error wraps ErrInput when the module or an object is not what it should be, is a *PluginError
// when the module's own code fails, a *LimitError when it takes too long or too much, or wraps the
// cause of ctx. Where the plugin should run in a separate process and cannot, it wraps
// ErrNotIsolated or ErrNoChildMain.
func (h *Host) Open(ctx context.Context, wasm []byte, o PluginOptions) (*Plugin, error) {
	sum := sha256.Sum256(wasm)
	info := Info{SHA256: hex.EncodeToString(sum[:]), Size: len(wasm)}
	_, info.ABIHash, _ = abi.FindMarker(wasm)
	signers, err := verify(wasm, o.Signature)
	if err != nil {
		return nil, &inputError{what: "signature of plugin", name: o.Name, err: err}
	}
	for _, k := range signers {
		info.Signers = append(info.Signers, string(k))
	}
	p := h.newPlugin(info, o)
	p.signers = signers
	if !bytes.HasPrefix(wasm, []byte("\x00asm")) {
		if what := elf.Describe(wasm); what != "" {
			err := fmt.Errorf("this is %s, not a WebAssembly module", what)
			return nil, oneline.Join(&inputError{what: "plugin", name: p.options.Name, err: err}, p.Close())
		}
	}
	return p.openModule(ctx, guest.Module{Engine: h.engine, Wasm: wasm, Digest: sum, Limits: p.limits.sandbox()})
}

// verify returns who signed a module; nobody without a signature.
func verify(wasm, text []byte) ([]signature.Key, error) {
	if len(text) == 0 {
		return nil, nil
	}
	return signature.Verify(wasm, text)
}

// newPlugin makes a plugin without code, of which what is in info is known.
func (h *Host) newPlugin(info Info, o PluginOptions) *Plugin { return h.logging(info, o, h.config.Log) }

// logging is newPlugin for one that logs elsewhere.
func (h *Host) logging(info Info, o PluginOptions, log *slog.Logger) *Plugin {
	fill(&o.Name, "plugin")
	fill(&o.Output, "text")
	fill(&o.Policy, policy.BuiltIn())
	limits := h.config.Limits.under(o.Policy.Wasm())
	p := &Plugin{host: h, options: o, policy: o.Policy, limits: limits}
	p.memory = budget.NewAccount(limits.HostBytes, "memory of the host", "make less at once, or raise Limits.HostBytes", h.memory)
	p.audit = newAudit(o.Audit, func() *Info { return p.in.Info() })
	p.in = guest.New(guest.Options{
		Name: o.Name, Limits: limits.guest(), Policy: o.Policy, Stdout: o.Stdout, Stderr: o.Stderr, Log: log,
		JSONLines: o.Output == "jsonl", Decided: p.decided(), Memory: p.memory,
	})
	info.Name = o.Name
	*p.in.Info() = info
	return p
}

// decided returns what writes down the decisions on what the plugin does, when it does it: denials,
// and in a run everything. What is allowed before is in the plan, whose decisions are written too. A
// log that fails is noticed when the hook is over.
func (p *Plugin) decided() func(policy.Decision) {
	if p.audit == nil {
		return nil
	}
	return func(v policy.Decision) {
		if !v.Allowed || p.applied {
			_ = p.audit.decisions(p.in.Export(), v)
		}
	}
}

// open starts the code of a plugin, a module or Go, and reads the objects.
func (p *Plugin) open(ctx context.Context, code guest.Code) (*Plugin, error) {
	p.code = code
	err := p.start(ctx, code)
	if err == nil && p.inputs == nil {
		p.inputs, err = readObjects(p.options.Objects, p.in.ObjectOptions())
	}
	if err == nil {
		err = p.host.add(p)
	}
	if err != nil {
		return nil, oneline.Join(err, p.Close())
	}
	return p, nil
}

// readObjects reads the operator's objects.
func readObjects(objects []Object, how elf.Options) ([]tx.Input, error) {
	var inputs []tx.Input
	for _, o := range objects {
		c, err := elf.LoadBytes(o.Data, how)
		if err != nil {
			return nil, &inputError{what: "object", name: o.Name, err: err}
		}
		sum := sha256.Sum256(o.Data)
		in := tx.Input{Name: objectName(o.Name), Source: plan.BaseName(o.Name), SHA256: hex.EncodeToString(sum[:]), Collection: c}
		if slices.ContainsFunc(inputs, func(have tx.Input) bool { return have.Name == in.Name }) {
			return nil, &inputError{what: "object", name: o.Name, err: fmt.Errorf("another object is called %q too; rename one of the files", in.Name)}
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

// objectName is what a plugin calls a file: its base name without .o and .bpf.o.
func objectName(file string) string {
	file = plan.BaseName(file)
	return strings.TrimSuffix(strings.TrimSuffix(file, ".o"), ".bpf")
}

// start takes the code to the point where it has described itself.
func (p *Plugin) start(ctx context.Context, code guest.Code) error {
	if err := p.in.Allow(policy.Module(p.in.Info().SHA256, p.signers)); err != nil {
		return fmt.Errorf("plugin %s: %w", SafeText(p.name()), err)
	}
	if err := p.in.Start(ctx, code); err != nil {
		return p.failed(ctx, "_initialize", err)
	}
	if err := p.checkVersion(ctx); err != nil {
		return err
	}
	if err := p.must(ctx, hookDescribe); err != nil {
		return err
	}
	if err := p.in.Described(); err != nil {
		return &PluginError{Plugin: p.name(), Export: hookDescribe.export, Kind: PluginABI, Err: err}
	}
	return nil
}

// checkVersion asks the guest for the version it was built for.
func (p *Plugin) checkVersion(ctx context.Context) error {
	rc, err := p.call(ctx, hookABI)
	if err != nil {
		return err
	}
	v := abi.Version(rc)
	info := p.in.Info()
	info.ABIMajor, info.ABIMinor = v.Major(), v.Minor()
	if rc < 0 || !abi.Current.Accepts(v) {
		return &PluginError{Plugin: info.Name, Export: hookABI.export, Kind: PluginABI,
			Err: fmt.Errorf("built for ABI %s, this host has %s; build it with an SDK of %s or use a newer bpfhost", v, abi.Current, abi.Current)}
	}
	return nil
}

// Info says what the plugin is.
func (p *Plugin) Info() Info {
	i := *p.in.Info()
	i.Params, i.Requests, i.Sections = slices.Clone(i.Params), slices.Clone(i.Requests), slices.Clone(i.Sections)
	i.Hooks, i.Imports = slices.Clone(i.Hooks), slices.Clone(i.Imports)
	return i
}

// MemoryUse says what a plugin takes, in bytes. Compiled code, which all plugins of one module share, is
// not in it.
type MemoryUse struct {
	Guest uint64 // the module's own memory
	Host  uint64 // that it makes the host hold now, by the estimate of Limits.HostBytes
	Peak  uint64 // the most that Host has been

	// Process is what the plugin's process uses, with Guest as far as it is touched; 0 if it has none.
	Process uint64
}

// Memory says what the plugin takes now.
func (p *Plugin) Memory() MemoryUse {
	m := MemoryUse{Guest: uint64(p.in.MemorySize()), Host: p.memory.Used(), Peak: p.memory.Peak()}
	if process, has := p.Process(); has {
		m.Process = process.Memory()
	}
	return m
}

// logMemory says in the log what a plugin took whose run has ended.
func (p *Plugin) logMemory() {
	if log := p.host.config.Log; log != nil {
		m := p.Memory()
		log.Debug("memory in bytes", "plugin", p.name(), "guest", m.Guest, "host", m.Host, "peak", m.Peak, "process", m.Process)
	}
}

// Close ends the plugin, and its run if there is one. Closing again does nothing.
func (p *Plugin) Close() error {
	p.closing.Do(func() {
		p.mu.Lock()
		run := p.run
		p.gone = true
		p.mu.Unlock()
		var err error
		if run != nil {
			err = run.Close()
			p.logMemory()
		}
		p.closed = oneline.Join(err, p.end())
		p.host.remove(p)
	})
	return p.closed
}

// detach takes the programs of the plugin's run off their hooks. Closing the run returns the error.
func (p *Plugin) detach() {
	p.mu.Lock()
	run := p.run
	p.mu.Unlock()
	if run != nil {
		run.Detach()
	}
}

// end closes the guest. A hook that runs is broken off, and who called it comes to its end first.
func (p *Plugin) end() error {
	err := p.in.Close()
	p.busy.Lock()
	defer p.busy.Unlock()
	defer p.memory.Close()
	return oneline.Join(err, p.in.Finish())
}
