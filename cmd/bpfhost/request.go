package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/host"
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

	wasm []byte // the plugin, if it comes from no file
}

// flags declares the flags that run and plan share.
func (r *request) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&r.objects, "object", nil, "eBPF object `FILE.o` that the plugin may patch (repeatable)")
	f.StringArrayVar(&r.set, "set", nil, "parameter of the plugin, `key=value` (repeatable); inspect lists them")
	f.StringVar(&r.policy, "policy", "", "policy `FILE`; what it does not grant is denied (default: what the plugin requests, less the dangerous rights)")
	f.StringVar(&r.signature, "signature", "", "`FILE` with the signatures of the plugin (default: PLUGIN.wasm.sig, where it exists)")
	f.StringVar(&r.kernel, "kernel", "", "`SRC` of the kernel types that CO-RE is computed for: BTF of a kernel that has none, or vmlinux (default: what the running kernel has when the plan is applied)")
	f.BoolVarP(&r.verbose, "verbose", "v", false, "show debug messages too")
}

// take splits the arguments: one plugin, and what comes after -- for it.
func (r *request) take(c *cobra.Command, args []string) error {
	own := args
	if n := c.ArgsLenAtDash(); n >= 0 {
		own, r.args = args[:n], args[n:]
	}
	switch {
	case len(own) == 0:
		return badUsage(c, "%s: PLUGIN.wasm is missing", c.Name())
	case len(own) > 1:
		return badUsage(c, "%s: %q is one argument too many; arguments for the plugin come after --", c.Name(), own[1])
	}
	r.plugin = own[0]
	seen := map[string]bool{}
	for _, kv := range r.set {
		k, _, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return badUsage(c, "%s: --set %q is not key=value", c.Name(), kv)
		}
		if seen[k] {
			return badUsage(c, "%s: --set %s is given twice", c.Name(), k)
		}
		seen[k] = true
	}
	return nil
}

// options reads every file that the request names.
func (r *request) options(a app) (host.PluginOptions, error) {
	o := host.PluginOptions{
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
			return o, err
		}
		o.Objects = append(o.Objects, host.Object{Name: name, Data: b})
	}
	if r.policy != "" {
		b, err := a.readFile(r.policy)
		if err != nil {
			return o, err
		}
		if o.Policy, err = policy.Parse(filepath.Base(r.policy), b); err != nil {
			return o, err
		}
	}
	if r.wasm != nil {
		return o, nil // it comes with this command
	}
	var err error
	o.Signature, err = a.readSignature(r.plugin, r.signature)
	return o, err
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
}

// open reads the files, starts a host and opens the plugin in it.
func (r *request) open(ctx context.Context, a app) (*session, error) {
	wasm := r.wasm
	if wasm == nil {
		var err error
		if wasm, err = a.readFile(r.plugin); err != nil {
			return nil, err
		}
	}
	o, err := r.options(a)
	if err != nil {
		return nil, err
	}
	s := &session{types: a.sources()}
	c := host.Config{Log: newLog(a.err, r.verbose)}
	if a.maxData != nil {
		c.Limits.ObjectData = a.maxData.bytes
	}
	if r.kernel != "" {
		if c.CoreTypes, err = s.types.open(r.kernel, ""); err != nil {
			s.close()
			return nil, err
		}
	}
	if s.host, err = host.New(ctx, c); err == nil {
		s.plugin, err = s.host.Open(ctx, wasm, o)
		err = a.raised(err)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) close() {
	if s.plugin != nil {
		s.plugin.Close()
	}
	if s.host != nil {
		s.host.Close()
	}
	s.types.close()
}
