package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestClassTable reads the table strictly: every word is known, no name has two classes.
func TestClassTable(t *testing.T) {
	seen := map[className]Class{}
	reaches := 0
	for line := range strings.Lines(classesText) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		class, ok := ParseClass(fields[0])
		if !ok || len(fields) < 3 {
			t.Errorf("line %q", line)
			continue
		}
		kind, reach, marked := strings.Cut(fields[1], "/")
		if marked {
			reaches++
			if !slices.Contains(Reaches(), Reach(reach)) {
				t.Errorf("there is no reach %q", reach)
			}
		}
		for _, name := range fields[2:] {
			n := className{ClassKind(kind), name}
			if old, twice := seen[n]; twice {
				t.Errorf("%s %s is in %s and %s", n.kind, name, old, class)
			}
			seen[n] = class
			if !exists(n) {
				t.Errorf("there is no %s %s", n.kind, name)
			}
		}
	}
	if len(seen) != len(classTable()) || reaches == 0 {
		t.Errorf("%d names, the table has %d; %d lines with a reach", len(seen), len(classTable()), reaches)
	}
}

// exists reports whether something has the name. Kernel functions are not listed anywhere else.
func exists(n className) bool {
	ok := false
	switch n.kind {
	case ClassProgram:
		_, ok = spec.ParseProgramType(n.name)
	case ClassHelper:
		_, ok = asm.ParseHelper(n.name)
	case ClassHook:
		_, ok = spec.ParseHookKind(n.name)
	case ClassRight:
		_, ok = map[string]bool{
			RightSleepable: true, RightFreplace: true, RightSyscall: true, RightStructOps: true, RightModifyReturn: true,
		}[n.name]
	case ClassKfunc:
		ok = true
	}
	return ok
}

// TestClassified finds what this version has a name for and nobody put into a class.
func TestClassified(t *testing.T) {
	want := func(a Access) {
		if _, ok := classOf(a); !ok {
			t.Errorf("%s is in no class", a)
		}
	}
	for h := asm.Helper(1); ; h++ {
		if _, ok := asm.ParseHelper(h.String()); !ok {
			break
		}
		want(Helper(h))
	}
	for p := spec.ProgramType(1); ; p++ {
		if _, ok := spec.ParseProgramType(p.String()); !ok {
			break
		}
		want(ProgramType(p))
	}
	for _, f := range spec.HookFamilies() {
		want(hook(f.Kind, "x"))
	}
	for _, name := range rightOf {
		want(Access{Kind: KindRight, Name: name})
	}
}

func TestClassGrants(t *testing.T) {
	kfunc := func(name string) Access { return Access{Kind: KindKfunc, Name: name} }
	for _, tt := range []struct {
		a                             Access
		any, enforce, mutate, observe bool
	}{
		{ProgramType(spec.ProgramTracing), true, true, true, true},
		{ProgramType(spec.ProgramXDP), true, true, true, false},
		{ProgramType(spec.ProgramCgroupDevice), true, true, false, false},
		{ProgramType(spec.ProgramCgroupSockAddr), true, true, false, false},
		{ProgramType(spec.ProgramLSM), true, true, false, false},
		{ProgramType(spec.ProgramExt), true, true, false, false},
		{ProgramType(999), true, false, false, false},
		{Helper(asm.HelperMapLookupElem), true, true, true, true},
		{Helper(asm.HelperRedirect), true, true, true, false},
		{Helper(asm.HelperProbeWriteUser), true, true, true, false},
		{Helper(asm.HelperOverrideReturn), true, true, false, false},
		{Helper(asm.HelperSetRetval), true, true, false, false},
		{Helper(asm.HelperSendSignal), true, true, false, false},
		{Helper(9999), true, false, false, false},
		{kfunc("bpf_rdonly_cast"), true, true, true, true},
		{kfunc("bpf_ct_insert_entry"), true, true, true, false},
		{kfunc("bpf_sock_destroy"), true, true, false, false},
		{kfunc("bpf_set_dentry_xattr"), true, true, false, false},
		{kfunc("crash_kexec"), true, true, false, false},
		{kfunc("bpf_of_next_year"), true, false, false, false},
		{hook(spec.HookTracepoint, "sched/sched_switch"), true, true, true, true},
		{hook(spec.HookXDP, "eth0"), true, true, true, false},
		{hook(spec.HookStructOps, "cong"), true, true, false, false},
		{hook(spec.HookKind(999), "x"), true, false, false, false},
		{Access{Kind: KindRight, Name: RightModifyReturn}, true, true, false, false},
		{Access{Kind: KindRight, Name: RightSleepable}, true, true, true, true},
		{Access{Kind: KindMap, Name: "hash"}, true, true, true, true},
	} {
		var got [4]bool
		for i, c := range []Class{ClassAny, ClassEnforce, ClassMutate, ClassObserve} {
			_, got[i] = c.grants(tt.a)
		}
		if want := [4]bool{tt.any, tt.enforce, tt.mutate, tt.observe}; got != want {
			t.Errorf("%s: any, enforce, mutate, observe are %v, want %v", tt.a, got, want)
		}
	}
}

// TestClassNames: a class contains the narrower ones.
func TestClassNames(t *testing.T) {
	for _, kind := range ClassKinds() {
		before := 0
		for _, c := range Classes() {
			names := c.Names(kind)
			if len(names) < before || c == ClassEnforce && len(names) == 0 {
				t.Errorf("%s: %d names of kind %s, the narrower class has %d", c, len(names), kind, before)
			}
			before = len(names)
		}
	}
	if names := ClassAny.Names(ClassHelper); names != nil {
		t.Errorf("any: %v", names)
	}
}
