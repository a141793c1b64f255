//go:build linux

package sys

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

const ownNetns = "/proc/thread-self/ns/net"

// onThread runs fn on an OS thread of its own. fn says whether the thread is as it was before; if
// not, it is never given back to the scheduler and ends.
func onThread(fn func() (clean bool, err error)) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		clean := false
		err := fmt.Errorf("the function ended its goroutine")
		defer func() {
			if clean {
				runtime.UnlockOSThread()
			}
			done <- err
		}()
		clean, err = fn()
	}()
	return <-done
}

// InNetns runs fn in the network namespace ns, on a locked thread.
func InNetns(ns *FD, fn func() error) error {
	raw, err := ns.Acquire()
	if err != nil {
		return err
	}
	defer ns.Release()
	return onThread(func() (bool, error) {
		own, err := Open(ownNetns)
		if err != nil {
			return true, fmt.Errorf("open own network namespace: %w", err)
		}
		defer own.Close()
		if err := unix.Setns(raw, unix.CLONE_NEWNET); err != nil {
			return true, fmt.Errorf("enter network namespace: %w", wrapErrno(err))
		}
		err = fn()
		return unix.Setns(own.raw, unix.CLONE_NEWNET) == nil, err
	})
}

// InNetnsPath runs fn in the network namespace that path names, on a locked thread.
func InNetnsPath(path string, fn func() error) error {
	ns, err := Open(path)
	if err != nil {
		return fmt.Errorf("open network namespace %s: %w", path, err)
	}
	defer ns.Close()
	return InNetns(ns, fn)
}

// NewNetns makes a network namespace that lives as long as the descriptor.
func NewNetns() (*FD, error) {
	var ns *FD
	err := onThread(func() (bool, error) {
		own, err := Open(ownNetns)
		if err != nil {
			return true, fmt.Errorf("open own network namespace: %w", err)
		}
		defer own.Close()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return true, fmt.Errorf("make network namespace: %w", wrapErrno(err))
		}
		ns, err = Open(ownNetns)
		return unix.Setns(own.raw, unix.CLONE_NEWNET) == nil, err
	})
	return ns, err
}

// InterfaceIndex is the index of an interface in the network namespace of this thread. Only the
// interface's own name is taken: the kernel also knows alternative names, and leaves out a colon and
// what follows it.
func InterfaceIndex(name string) (int, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, fmt.Errorf("interface %q: %w", name, wrapErrno(err))
	}
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, wrapErrno(err)
	}
	defer unix.Close(s)
	if err := unix.IoctlIfreq(s, unix.SIOCGIFINDEX, ifr); err != nil {
		return 0, fmt.Errorf("interface %q: %w", name, wrapErrno(err))
	}
	index := int(ifr.Uint32())
	if err := unix.IoctlIfreq(s, unix.SIOCGIFNAME, ifr); err != nil {
		return 0, fmt.Errorf("interface %q: %w", name, wrapErrno(err))
	}
	if own := ifr.Name(); own != name {
		return 0, fmt.Errorf("interface %q: this is another name of %q; use that", name, own)
	}
	return index, nil
}
