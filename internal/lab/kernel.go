package lab

import (
	"fmt"
	"strings"
)

// Kernel is one kernel to test on.
type Kernel struct {
	Name  string // version as people say it, e.g. "6.12"; the newest has just its major, "7.x"
	Suite string // Debian suite whose packages hold it
	Meta  string // meta package that depends on the newest image
	CPU   string // what QEMU emulates; empty is the default
}

// Kernels are those that the matrix runs on, oldest first.
var Kernels = []Kernel{
	{Name: "5.10", Suite: "bullseye", Meta: "linux-image-cloud-amd64"},
	{Name: "6.1", Suite: "bookworm", Meta: "linux-image-cloud-amd64"},
	{Name: "6.12", Suite: "trixie", Meta: "linux-image-cloud-amd64"},
	// With cmpxchg16b left out, Linux 7 refuses what it allocates without locks: arenas, for
	// instance.
	{Name: "7.x", Suite: "trixie-backports", Meta: "linux-image-cloud-amd64", CPU: "max"},
}

// Find returns the kernel of that name. The error lists the names there are.
func Find(name string) (Kernel, error) {
	var names []string
	for _, k := range Kernels {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return Kernel{}, fmt.Errorf("find kernel %q: there are %s", name, strings.Join(names, ", "))
}

// Select returns the kernels of a list: names separated by commas, or "all".
func Select(list string) ([]Kernel, error) {
	if list == "all" {
		return Kernels, nil
	}
	var ks []Kernel
	for name := range strings.SplitSeq(list, ",") {
		k, err := Find(name)
		if err != nil {
			return nil, err
		}
		ks = append(ks, k)
	}
	return ks, nil
}
