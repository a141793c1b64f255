package policy

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestNames finds names in the tables that do not exist, such as misspelt ones.
func TestNames(t *testing.T) {
	known := func(name string) bool {
		_, helper := asm.ParseHelper(name)
		_, program := spec.ParseProgramType(name)
		_, kfunc := dangerousKfuncs[name]
		return helper || program || kfunc || name == RightFreplace || name == RightModifyReturn
	}
	for name := range dangerousHelpers {
		if _, ok := asm.ParseHelper(name); !ok {
			t.Errorf("there is no helper %s", name)
		}
	}
	for _, table := range []map[string]bool{observePrograms, enforceOnly, observeNever} {
		for name := range table {
			if !known(name) {
				t.Errorf("there is no %s", name)
			}
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

func TestClassAdmits(t *testing.T) {
	for _, tt := range []struct {
		s                        Access
		enforce, mutate, observe bool
	}{
		{ProgramType(spec.ProgramTracing), true, true, true},
		{ProgramType(spec.ProgramXDP), true, true, false},
		{ProgramType(spec.ProgramCgroupDevice), true, true, false},
		{ProgramType(spec.ProgramLSM), true, false, false},
		{ProgramType(spec.ProgramExt), true, false, false},
		{ProgramType(999), true, true, false},
		{Helper(asm.HelperMapLookupElem), true, true, true},
		{Helper(asm.HelperRedirect), true, true, false},
		{Helper(asm.HelperProbeWriteUser), true, true, false},
		{Helper(asm.HelperOverrideReturn), true, false, false},
		{Helper(asm.HelperSendSignal), true, false, false},
		{Access{Kind: KindKfunc, Name: "crash_kexec"}, true, false, false},
		{Access{Kind: KindRight, Name: RightModifyReturn}, true, false, false},
		{Access{Kind: KindRight, Name: RightSleepable}, true, true, true},
		{Access{Kind: KindMap, Name: "hash"}, true, true, true},
	} {
		got := [3]bool{ClassEnforce.grants(tt.s), ClassMutate.grants(tt.s), ClassObserve.grants(tt.s)}
		if want := [3]bool{tt.enforce, tt.mutate, tt.observe}; got != want {
			t.Errorf("%s: enforce, mutate, observe are %v, want %v", tt.s, got, want)
		}
	}
}
