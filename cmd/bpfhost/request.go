package main

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/host"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
)

// request is what run, plan and demo have in common: a plugin and what it is given.
type request struct {
	plugin    string // file; "-" is standard input
	objects   []string
	set       []string
	policy    string
	signature string // file; empty is the one beside the plugin, if there is one
	kernel    string // SRC of types; empty is nothing
	args      []string
	output    choice
	verbose   bool
	audit     string // file; empty is none
	object    objectFlags
	usage     *cobra.Command // that the request came with
	simulate  simulation
	isolate   choice

	parameters *plan.ObjectParameters // what object says
	wasm       []byte                 // the plugin, if it comes from no file
}

// flags declares the flags that run and plan share.
func (r *request) flags(c *cobra.Command) {
	r.inputFlags(c)
	r.policyFlag(c)
	r.common(c)
}

// policyFlag declares the flag that names a policy.
func (r *request) policyFlag(c *cobra.Command) {
	c.Flags().StringVar(&r.policy, "policy", "", "policy `FILE`; what it does not grant is denied (default: what the plugin requests, less the dangerous rights)")
}

// inputFlags declares the flags for what a plugin plans from.
func (r *request) inputFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&r.objects, "object", nil, "eBPF object `FILE.o` that the plugin may patch (repeatable)")
	f.StringArrayVar(&r.set, "set", nil, "parameter of the plugin, or variable of FILE.o, `key=value` (repeatable); inspect lists them")
	f.StringVar(&r.signature, "signature", "", "`FILE` with the signatures of the plugin (default: PLUGIN.wasm.sig, where it exists)")
	f.StringVar(&r.kernel, "kernel", "", "`SRC` of the kernel types that CO-RE is computed for: BTF of a kernel that has none, or vmlinux (default: what the running kernel has when the plan is applied)")
	r.object.declare(c)
}

// common declares the flags that apply has too.
func (r *request) common(c *cobra.Command) {
	r.guestFlags(c)
	c.Flags().StringVar(&r.audit, "audit", "", "`FILE` to append a line of JSON to for each decision and each effect in the kernel")
}

// guestFlags declares the flags of everything that runs a plugin.
func (r *request) guestFlags(c *cobra.Command) {
	c.Flags().BoolVarP(&r.verbose, "verbose", "v", false, "show debug messages too")
	r.isolate = newIsolate()
	c.Flags().Var(&r.isolate, "isolate", "run the plugin in a process that may do nothing but compute; auto: unless the policy pins it by digest or signature")
	c.Flags().Lookup("isolate").NoOptDefVal = "true"
}

// newIsolate returns the values of the flag that decides where a plugin runs.
func newIsolate() choice { return newChoice("auto", "true", "false") }

// isolates are the values of the flag; without it, the plugin is bpfhost's own.
var isolates = map[string]host.Isolate{"auto": host.IsolateUnpinned, "true": host.IsolateAll, "false": host.IsolateNone}

// take splits the arguments: one plugin, and what comes after -- for it.
func (r *request) take(c *cobra.Command, args []string) error {
	own := args
	if n := c.ArgsLenAtDash(); n >= 0 {
		own, r.args = args[:n], args[n:]
	}
	switch {
	case len(own) == 0:
		return badUsage(c, "%s: PLUGIN.wasm or FILE.o is missing", c.Name())
	case len(own) > 1:
		return badUsage(c, "%s: %q is one argument too many; arguments for the plugin come after --", c.Name(), own[1])
	}
	r.plugin, r.usage = own[0], c
	if _, err := pairs(c, "--set", r.set); err != nil {
		return err
	}
	var err error
	r.parameters, err = r.object.parse(c)
	return err
}

// suits refuses flags for an object with a plugin, and flags for a plugin with an object.
func (r *request) suits(object bool) error {
	switch given := r.object.given(); {
	case r.usage == nil:
	case !object && given != "":
		return badUsage(r.usage, "%s: %s is for an eBPF object, and %s is a plugin", r.usage.Name(), given, r.plugin)
	case object && r.objects != nil:
		return badUsage(r.usage, "%s: --object is for a plugin, and %s is an eBPF object", r.usage.Name(), r.plugin)
	case object && r.signature != "":
		return badUsage(r.usage, "%s: --signature is for a plugin, and %s is an eBPF object", r.usage.Name(), r.plugin)
	case object && len(r.args) > 0:
		return badUsage(r.usage, "%s: arguments after -- are for a plugin, and %s is an eBPF object", r.usage.Name(), r.plugin)
	}
	return nil
}

// material is what a request names, read: each file once, so that what is judged is what is used.
type material struct {
	wasm    []byte // the plugin, or the object that runs without one
	options host.PluginOptions
	object  *plan.ObjectParameters // of an object that runs without a plugin; nil is a plugin
	set     map[string]string      // values of the object's variables
	inputs  plan.Inputs            // the same for a saved plan, but for the kernel
	types   *sources               // of core, and of the running kernel
	core    *btf.Types             // that CO-RE is computed for; nil without --kernel
}

// read reads every file that the request names. What it returns is closed with its types.
func (r *request) read(a app) (*material, error) {
	m := &material{wasm: r.wasm, types: a.sources()}
	var err error
	if r.wasm == nil {
		m.wasm, err = a.readFile(r.plugin)
	}
	if err == nil {
		m.inputs.Plugin = plan.NewFile(absolute(r.plugin), m.wasm)
		if isObject(m.wasm) {
			m.object = r.parameters
		}
		if err = r.suits(m.object != nil); err == nil {
			err = r.readOptions(a, m)
		}
	}
	if err == nil && r.kernel != "" {
		err = r.readTypes(m)
	}
	if err != nil {
		m.types.close()
		return nil, err
	}
	m.inputs.Parameters = plan.NewParameters(m.options.Params, r.args, m.object)
	if m.object != nil {
		m.options.Name, m.options.Params, m.set = "", nil, m.options.Params
	}
	return m, nil
}

// readTypes reads the types that CO-RE is computed for.
func (r *request) readTypes(m *material) error {
	var err error
	if m.core, err = m.types.open(r.kernel, ""); err != nil {
		return err
	}
	name := r.kernel
	if m.types.isFile(name) {
		name = absolute(name)
	}
	f := plan.NewFile(name, m.core.Bytes())
	m.inputs.CoreTypes = &f
	return nil
}

// absolute is the name of a file in whatever directory it is used; standard input stays "-".
func absolute(name string) string {
	if abs, err := filepath.Abs(name); err == nil && name != "-" && name != "" {
		return abs
	}
	return name
}

// readOptions reads what the plugin gets from its operator.
func (r *request) readOptions(a app, m *material) error {
	o := &m.options
	*o = host.PluginOptions{
		Name:   pluginName(r.plugin),
		Args:   r.args,
		Params: make(map[string]string, len(r.set)),
		Stdout: a.out,
		Stderr: a.err,
	}
	if r.output.value == "jsonl" {
		o.Output = "jsonl"
	}
	for _, kv := range r.set {
		k, v, _ := strings.Cut(kv, "=")
		o.Params[k] = v
	}
	for _, name := range r.objects {
		b, err := a.readFile(name)
		if err != nil {
			return err
		}
		o.Objects = append(o.Objects, host.Object{Name: name, Data: b})
		m.inputs.Objects = append(m.inputs.Objects, plan.NewFile(absolute(name), b))
	}
	m.inputs.Policy = plan.NewFile("", []byte(policy.BuiltInText))
	if r.policy != "" {
		b, err := a.readFile(r.policy)
		if err != nil {
			return err
		}
		if o.Policy, err = policy.Parse(filepath.Base(r.policy), b); err != nil {
			return err
		}
		m.inputs.Policy = plan.NewFile(absolute(r.policy), b)
	}
	if r.wasm != nil || m.object != nil {
		return nil // it comes with this command, or is not signed
	}
	var err error
	o.Signature, err = a.readSignature(r.plugin, r.signature)
	if o.Signature != nil {
		f := plan.NewFile(absolute(cmp.Or(r.signature, r.plugin+signatureSuffix)), o.Signature)
		m.inputs.Signature = &f
	}
	return err
}

// pluginName is the name that messages use until the plugin says its own.
func pluginName(file string) string {
	if file == "-" {
		return "stdin"
	}
	return strings.TrimSuffix(filepath.Base(file), ".wasm")
}

// session is a host with the one plugin of a request.
type session struct {
	host   *host.Host
	plugin *host.Plugin
	types  *sources // of the types given
	inputs plan.Inputs
	audit  *auditFile // nil is none
	sim    *simulator // nil is a run on the kernel
}

// open reads the files, starts a host and opens the plugin in it.
func (r *request) open(ctx context.Context, a app) (*session, error) {
	m, err := r.read(a)
	if err != nil {
		return nil, err
	}
	return r.start(ctx, a, m)
}

// start starts a host and opens the plugin in it.
func (r *request) start(ctx context.Context, a app, m *material) (*session, error) {
	s := &session{types: m.types, inputs: m.inputs}
	c := host.Config{Log: newLog(a.err, r.verbose), CoreTypes: m.core, Isolate: isolates[r.isolate.value]}
	if a.maxData != nil {
		c.Limits.ObjectData = a.maxData.bytes
	}
	var err error
	if r.audit != "" {
		if s.audit, err = openAudit(r.audit); err == nil {
			m.options.Audit = s.audit
		}
	}
	if err == nil && r.simulate.on {
		if s.sim, err = r.simulate.open(a, m.core, c.Log); err == nil {
			c.Backend = s.sim
		}
	}
	if err == nil {
		s.host, err = host.New(ctx, c)
	}
	if err == nil {
		if m.object != nil {
			s.plugin, err = s.host.OpenObject(ctx, host.Object{Name: objectBase(r.plugin), Data: m.wasm}, m.objectOptions())
		} else {
			s.plugin, err = s.host.Open(ctx, m.wasm, m.options)
		}
		err = a.raised(err)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// finish brings what a simulated run recorded to its place.
func (s *session) finish() error {
	if s.sim == nil {
		return nil
	}
	return s.sim.finish()
}

func (s *session) close() {
	if s.plugin != nil {
		s.plugin.Close()
	}
	if s.host != nil {
		s.host.Close()
	}
	if s.sim != nil {
		s.sim.drop()
	}
	if s.audit != nil {
		s.audit.Close()
	}
	s.types.close()
}
