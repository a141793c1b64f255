package link

import (
	"fmt"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// onInterface names an interface for messages.
func onInterface(name, netns string) string {
	if netns == "" {
		return "interface " + name
	}
	return fmt.Sprintf("interface %s in %s", name, netns)
}

// atInterface calls fn with the index of an interface, inside the network namespace it lives in.
func atInterface(name, netns string, fn func(index int) error) error {
	if name == "" {
		return fmt.Errorf("no interface was given")
	}
	inside := func() error {
		index, err := sys.InterfaceIndex(name)
		if err != nil {
			return err
		}
		return fn(index)
	}
	if netns == "" {
		return inside()
	}
	return sys.InNetnsPath(netns, inside)
}

// atFile calls fn with the descriptor of a file that stands for a target: a cgroup, a namespace.
func atFile(path string, fn func(fd int) error) error {
	f, err := sys.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	raw, err := f.Acquire()
	if err != nil {
		return err
	}
	defer f.Release()
	return fn(raw)
}
