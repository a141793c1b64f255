package policy

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestNames finds names in the tables that do not exist, such as misspelt ones.
func TestNames(t *testing.T) {
	for name := range dangerousHelpers {
		if _, ok := asm.ParseHelper(name); !ok {
			t.Errorf("there is no helper %s", name)
		}
	}
	for name := range rightOf {
		if dangerousPrograms[name] == "" {
			t.Errorf("program type %s needs a right but is not dangerous", name)
		}
	}
	for name := range dangerousPrograms {
		if _, ok := spec.ParseProgramType(name); !ok {
			t.Errorf("there is no program type %s", name)
		}
	}
}

// TestDangerOfKfuncs: a kernel function that decides what the system does, and one that nobody
// classified, is granted by its name only.
func TestDangerOfKfuncs(t *testing.T) {
	for name, danger := range map[string]bool{
		"bpf_rdonly_cast": false, "bpf_ct_insert_entry": false, "bpf_sock_destroy": true,
		"bpf_set_dentry_xattr": true, "bpf_send_signal_task": true, "bpf_of_next_year": true,
	} {
		a := Access{Kind: KindKfunc, Name: name}
		if got := a.danger() != ""; got != danger {
			t.Errorf("%s: danger %q", name, a.danger())
		}
		wide := parse(t, "programs: {kfuncs: [\"*\"]}")
		if d := wide.Decision(nil, a); d.Allowed == danger {
			t.Errorf("a wildcard: %v", d)
		}
		if d := parse(t, "programs: {kfuncs: ["+name+"]}").Decision(nil, a); !d.Allowed {
			t.Errorf("by name: %v", d)
		}
	}
}
