package link

import (
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
)

// LSMOptions say how an LSM program is attached. Where was decided when it was loaded.
type LSMOptions struct {
	Cookie uint64 // bpf_get_attach_cookie (Linux 5.19); 0 is none
}

// LSM attaches a program to the hook of security modules that it was loaded for (Linux 5.7). Those
// of a cgroup are attached with [Cgroup].
func LSM(p *loader.Program, o LSMOptions) (Link, error) {
	return attachTyped(p, spec.ProgramLSM, o.Cookie)
}
