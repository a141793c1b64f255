package labtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
)

func TestTypes(t *testing.T) {
	types := Types(t, "6.12")
	if enum := Enum(t, types, "bpf_func_id"); len(enum.Values) < 200 {
		t.Errorf("Linux 6.12 has %d helpers", len(enum.Values))
	}
	module := ModuleTypes(t, "6.12")
	if id, err := module.Find("nf_conntrack_init_net", btf.KindFunc); err != nil || id < btf.ID(types.Len()) {
		t.Errorf("the module has its function as type %d of %d: %v", id, types.Len(), err)
	}
}

// TestMissing runs a test of this package where nothing was collected: it skips, and fails where
// the lab is required.
func TestMissing(t *testing.T) {
	if os.Getenv("LABTEST_CHILD") != "" {
		Types(t, "6.12")
		return
	}
	for require, want := range map[string]string{"": "--- SKIP: TestMissing", "lab": "--- FAIL: TestMissing"} {
		child := exec.Command(os.Args[0], "-test.run=^TestMissing$", "-test.v")
		child.Env = append(os.Environ(), "LABTEST_CHILD=1", "XDG_CACHE_HOME="+t.TempDir(), "BPFHOST_REQUIRE="+require)
		out, _ := child.CombinedOutput()
		if text := string(out); !strings.Contains(text, want) || !strings.Contains(text, "not collected") {
			t.Errorf("with BPFHOST_REQUIRE=%q:\n%s", require, text)
		}
	}
}
