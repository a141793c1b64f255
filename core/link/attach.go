package link

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
)

// attachers has the function that attaches as a spec says, for each row of spec.HookFamilies.
var attachers = map[spec.HookKind]func(p *loader.Program, a spec.Attach, t spec.Target) (Link, error){
	spec.HookXDP:           attachXDP,
	spec.HookTCX:           attachTCX,
	spec.HookCgroup:        attachCgroup,
	spec.HookTracepoint:    attachTracepoint,
	spec.HookRawTracepoint: attachRawTracepoint,
	spec.HookTracing:       attachTracing,
	spec.HookKprobe:        attachKprobe,
	spec.HookNetns:         attachNetns,
	spec.HookStructOps:     attachStructOps,
	spec.HookSocket:        attachSocket,
}

// Attach attaches a program as a spec says, to what spec.ResolveTarget returns for it.
func Attach(p *loader.Program, a spec.Attach) (Link, error) {
	attach := attachers[a.Kind]
	err := fmt.Errorf("this kind of attachment: %w", loader.ErrNotSupported)
	if attach != nil {
		var t spec.Target
		if t, err = spec.ResolveTarget(&spec.Program{Name: p.Name(), AttachTo: p.AttachTo()}, a); err == nil {
			return attach(p, a, t)
		}
	}
	return nil, &Error{Program: p.Name(), Kind: a.Kind, Target: fmt.Sprintf("%q", a.Target), Err: err}
}
