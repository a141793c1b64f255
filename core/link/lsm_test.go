package link

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestCheckModules(t *testing.T) {
	if err := checkModules([]string{"lockdown", "capability", "bpf"}); err != nil {
		t.Error(err)
	}
	err := checkModules([]string{"lockdown", "capability"})
	want := "programs of LSM hooks: not supported while bpf is not an active security module, they would never run; boot with lsm=lockdown,capability,bpf"
	if !errors.Is(err, loader.ErrNotSupported) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestLSM attaches a program that counts the opened files of this process; on a machine without bpf
// among its security modules, where it would count none, it is refused.
func TestLSM(t *testing.T) {
	needKernel(t)
	testenv.NeedConfig(t, "CONFIG_BPF_LSM")
	type hook struct {
		attach spec.AttachType
		allow  int32 // what the program returns
		link   func(*loader.Program) (Link, error)
	}
	hooks := map[string]hook{"lsm": {spec.AttachTypeLSMMac, 0, func(p *loader.Program) (Link, error) { return LSM(p, LSMOptions{}) }}}
	if !kernel.New(kernel.Options{}).Before(spec.AttachTypeLSMCgroup.Since()) {
		dir := newCgroup(t)
		hooks["lsm_cgroup"] = hook{spec.AttachTypeLSMCgroup, 1, func(p *loader.Program) (Link, error) { return Cgroup(p, CgroupOptions{Path: dir}) }}
	}
	modules, err := kernel.New(kernel.Options{}).SecurityModules()
	if err != nil {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	for name, h := range hooks {
		c, err := loader.Load(counting(spec.Program{Type: spec.ProgramLSM, AttachType: h.attach, AttachTo: "file_open"}, true, h.allow), loader.Options{})
		if errors.Is(err, loader.ErrPermission) {
			testenv.Refused(t, "LSM programs", err)
		}
		if err != nil {
			t.Fatalf("%s: %+v", name, err)
		}
		defer c.Close()
		if slices.Contains(modules, "bpf") {
			if h.attach == spec.AttachTypeLSMMac { // this process is in no cgroup of the other
				fires(t, c, h.link)
			}
			continue
		}
		if l, err := h.link(c.Program("count")); !errors.Is(err, loader.ErrNotSupported) || !strings.Contains(err.Error(), "boot with lsm=") {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}
