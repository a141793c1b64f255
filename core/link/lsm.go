package link

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
)

// LSMOptions say how an LSM program is attached. Where was decided when it was loaded.
type LSMOptions struct {
	Cookie uint64 // bpf_get_attach_cookie (Linux 5.19); 0 is none
}

// LSM attaches a program to the hook of security modules that it was loaded for (Linux 5.7). Those
// of a cgroup are attached with [Cgroup]. Where bpf is not among the active security modules, so
// that the kernel would attach the program and never run it, the error wraps ErrNotSupported.
func LSM(p *loader.Program, o LSMOptions) (Link, error) {
	return attachTyped(p, spec.ProgramLSM, o.Cookie)
}

// lsmActive returns an error where no program of an LSM hook is ever called. That the list of
// modules cannot be read is none.
func lsmActive() error {
	list, err := kernel.New(kernel.Options{}).SecurityModules()
	if err != nil {
		return nil
	}
	return checkModules(list)
}

// checkModules is lsmActive for a list of security modules.
func checkModules(list []string) error {
	if slices.Contains(list, "bpf") {
		return nil
	}
	active := strings.Join(list, ",")
	return fmt.Errorf("programs of LSM hooks: %w while bpf is not an active security module, they would never run; boot with lsm=%s,bpf", loader.ErrNotSupported, active)
}
