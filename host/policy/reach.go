package policy

import (
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Reach is what an access sees beyond the plugin's own programs, maps, packets and targets. A policy
// with by_name wants it requested by name.
type Reach string

// The reaches. classes.txt marks the names that have one.
const (
	ReachMemory  Reach = "memory"  // reads memory at an address that the program chooses
	ReachMachine Reach = "machine" // a hook that sees the whole machine
)

// reachTexts say what a reach is: "it …".
var reachTexts = map[Reach]string{
	ReachMemory:  "can read memory at any address",
	ReachMachine: "sees the whole machine",
}

// Reaches returns all of them.
func Reaches() []Reach { return []Reach{ReachMemory, ReachMachine} }

// Text says what it is, to follow "it": "can read memory at any address".
func (r Reach) Text() string { return reachTexts[r] }

// cgroupRoot is where the hierarchy of cgroups is mounted. What is not below it may be the root by
// another name; hybrid systems mount version 2 at unifiedRoot (systemd's CGROUP_HIERARCHY).
const (
	cgroupRoot  = "/sys/fs/cgroup/"
	unifiedRoot = "/sys/fs/cgroup/unified"
)

// Reach returns what the access sees beyond what is the plugin's own; empty is nothing.
func (a Access) Reach() Reach {
	n, ok := a.className()
	if !ok {
		return ""
	}
	if n.kind == ClassHook && n.name == spec.HookCgroup.String() {
		if path := a.names()[0]; !strings.HasPrefix(path, cgroupRoot) || path == unifiedRoot {
			return ReachMachine
		}
	}
	return classTable()[n].reach
}

// unnamed says that the policy wants the access requested by name, and a request with a wildcard, or
// none, is all there is.
func (p *Policy) unnamed(r *Requests, a Access) bool {
	return slices.Contains(p.byName, a.Reach()) && !r.names(a)
}
