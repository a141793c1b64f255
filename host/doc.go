// Package host runs plugins: WebAssembly modules that build and patch eBPF programs without ever
// touching the kernel themselves.
//
// # The flow
//
//	h, err := host.New(ctx, host.Config{})
//	p, err := h.Open(ctx, wasm, host.PluginOptions{…}) // check, start, bpfhost_describe
//	plan, err := p.Plan(ctx)                           // bpfhost_configure, bpfhost_plan; check; policy
//	run, err := p.Apply(ctx, plan)                     // policy; load; bpfhost_loaded; attach; bpfhost_started
//	err = run.Serve(ctx)                               // events and ticks, until ctx ends
//	err = run.Close()                                  // detach; rest of the events; bpfhost_stop; close
//
// An object without a plugin is opened by OpenObject; the rest is the same, done by a plugin in Go
// that is built in.
//
// Up to the plan everything is data: the kernel is not touched and no privilege is needed. Nothing
// that has an effect on the kernel can be called before Apply, by the plugin or by the host.
//
// # The transaction
//
// A plugin edits clones of the operator's objects. They become the plan when bpfhost_plan returns
// zero or more and what it describes passes spec.Collection.Check and the policy. A negative
// result, a trap or a deadline drops them: the operator's objects are as before, and nothing is
// loaded. Every edit is logged with the value before and after (Plan.Edits).
//
// # Policy
//
// A plugin may do what it requested, as far as the policy grants it. This is asked where a plugin
// does something (so that it learns of a refusal in place), again of the whole plan, and again
// before anything is loaded. Changing an object of the operator takes the right "object edit"; what
// a plugin adds itself, and attachments, need none for the editing.
//
// # What guests cannot do
//
// Guests name objects by handles that say nothing about the host, go stale for good when closed and
// are bounded in number. Every pointer is checked at every use, bad ones are counted and in the end
// stop the plugin, and no memory of a guest is kept but the event buffers that it registered. What
// a guest writes is held until its hook is over and then printed line by line, with everything
// escaped that a terminal would take for a command (SafeText).
//
// # Isolation
//
// With Config.Isolate modules run in separate processes, which may do nothing but compute; what
// they call still runs here. Such a process is this program, started again, so main begins with
// ChildMain:
//
//	func main() {
//		host.ChildMain()
//		…
//	}
//
// # Events
//
// One goroutine moves records from the rings to the guest: each is copied once, into the guest's
// own buffer, and a batch is handed over when the buffer is full, when it has as many records as
// the guest asked for, or when its first record has waited long enough. A guest that takes nothing
// is not given more; the kernel then counts what does not fit. Every record is accounted for: sent
// = delivered + lost + dropped, where the program counts what it sends and loses.
//
// # Errors
//
// Every error is one line: what, which plugin and export, why. Callers act on *PluginError,
// *LimitError, *ParamError, *OptionError, *policy.Error, *loader.VerifierError, loader.ErrPermission,
// loader.ErrNotSupported, *link.Error and ErrInput.
package host
