package link

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
)

// attachers has the function that attaches as a spec says, for each row of spec.HookFamilies.
var attachers = map[spec.HookKind]func(p *loader.Program, a spec.Attach) (Link, error){
	spec.HookXDP:           attachXDP,
	spec.HookTCX:           attachTCX,
	spec.HookCgroup:        attachCgroup,
	spec.HookTracepoint:    attachTracepoint,
	spec.HookRawTracepoint: attachRawTracepoint,
	spec.HookTracing:       attachTracing,
	spec.HookKprobe:        attachKprobe,
	spec.HookNetns:         attachNetns,
	spec.HookStructOps:     attachStructOps,
}

// Attach attaches a program as a spec says. For kprobes, the target may end in "+offset"; whether
// they run at the return of the function is what the program's section says.
func Attach(p *loader.Program, a spec.Attach) (Link, error) {
	if attach := attachers[a.Kind]; attach != nil {
		return attach(p, a)
	}
	return nil, &Error{
		Program: p.Name(), Kind: a.Kind, Target: fmt.Sprintf("%q", a.Target),
		Err: fmt.Errorf("this kind of attachment: %w", loader.ErrNotSupported),
	}
}
