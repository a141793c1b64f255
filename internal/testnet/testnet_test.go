package testnet

import (
	"errors"
	"net"
	"os"
	"slices"
	"testing"
)

func interfaces(t *testing.T, in func(func() error) error) []string {
	t.Helper()
	var names []string
	err := in(func() error {
		all, err := net.Interfaces()
		for _, i := range all {
			if i.Name != "lo" && i.Flags&net.FlagUp != 0 {
				addrs, err := i.Addrs()
				if err != nil {
					return err
				}
				names = append(names, i.Name)
				for _, a := range addrs {
					names = append(names, a.String())
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestNet(t *testing.T) {
	n := newNet(t)
	if got, want := interfaces(t, n.Do), []string{"veth0", "10.99.0.1/24"}; !slices.Equal(got, want) {
		t.Errorf("local: %v, want %v", got, want)
	}
	if got, want := interfaces(t, n.Peer), []string{"veth1", "10.99.0.2/24", "10.99.0.3/24"}; !slices.Equal(got, want) {
		t.Errorf("peer: %v, want %v", got, want)
	}
	if _, err := os.Stat(n.Path()); err != nil {
		t.Errorf("path: %v", err)
	}
	if _, err := net.InterfaceByName(n.Iface()); err == nil {
		t.Errorf("%s is in the namespace of the test", n.Iface())
	}
}

func TestClose(t *testing.T) {
	n := newNet(t)
	path := n.Path()
	for range 2 {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if to, err := os.Readlink(path); err == nil && len(to) > 4 && to[:4] == "net:" {
		t.Errorf("%s still names a namespace: %s", path, to)
	}
	if err := n.Do(func() error { return nil }); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Do after Close: %v", err)
	}
}

func TestDoReturnsTheError(t *testing.T) {
	n := newNet(t)
	want := errors.New("mine")
	if err := n.Do(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}
