package testnet

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"sync"

	"github.com/bpfhost/bpfhost/internal/sys"
)

const (
	localName = "veth0"
	peerName  = "veth1"
	prefix    = 24
)

var (
	localMAC = [6]byte{0x02, 0xbf, 0, 0, 0, 1} // locally administered
	peerMAC  = [6]byte{0x02, 0xbf, 0, 0, 0, 2}
)

// Local returns the address of the local side, 10.99.0.1.
func Local() netip.Addr { return netip.AddrFrom4([4]byte{10, 99, 0, 1}) }

// PeerAddrs returns the addresses of the peer, 10.99.0.2 and 10.99.0.3.
func PeerAddrs() [2]netip.Addr {
	return [2]netip.Addr{netip.AddrFrom4([4]byte{10, 99, 0, 2}), netip.AddrFrom4([4]byte{10, 99, 0, 3})}
}

// Net is a throw-away network. Its methods may be called at the same time.
type Net struct {
	local, peer *sys.FD
	path        string
	once        sync.Once
}

// New makes a network. It takes CAP_SYS_ADMIN and CAP_NET_ADMIN; without them the error wraps
// fs.ErrPermission.
func New() (*Net, error) {
	n := &Net{}
	if err := n.build(); err != nil {
		n.Close()
		if names := sys.MissingCapabilities(sys.CapSysAdmin, sys.CapNetAdmin); names != "" && errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("make network: this process lacks %s: %w", names, err)
		}
		return nil, fmt.Errorf("make network: %w", err)
	}
	return n, nil
}

func (n *Net) build() (err error) {
	if n.local, err = sys.NewNetns(); err != nil {
		return err
	}
	if n.peer, err = sys.NewNetns(); err != nil {
		return err
	}
	raw, err := n.local.Acquire()
	if err != nil {
		return err
	}
	n.path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), raw)
	n.local.Release()
	for _, side := range []func(func() error) error{n.Do, n.Peer} {
		if err := side(quiet); err != nil {
			return err
		}
	}
	err = n.Do(func() error {
		local, peer := sys.End{Name: localName, MAC: localMAC}, sys.End{Name: peerName, MAC: peerMAC}
		if err := sys.CreateVeth(local, peer, n.peer); err != nil {
			return fmt.Errorf("create veth pair: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	peer := PeerAddrs()
	if err := n.Peer(func() error { return up(peerName, peer[:], []netip.Addr{Local()}, localMAC) }); err != nil {
		return err
	}
	if err := n.Do(func() error { return up(localName, []netip.Addr{Local()}, peer[:], peerMAC) }); err != nil {
		return err
	}
	return n.waitReady()
}

// quiet switches loopback on and IPv6 off, which would send packets of its own.
func quiet() error {
	const v6 = "/proc/sys/net/ipv6/conf/"
	for _, which := range []string{"all", "default"} {
		err := os.WriteFile(v6+which+"/disable_ipv6", []byte("1"), 0)
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("switch IPv6 off: %w", err)
		}
	}
	index, err := sys.InterfaceIndex("lo")
	if err != nil {
		return err
	}
	if err := sys.SetUp(index); err != nil {
		return fmt.Errorf("switch lo on: %w", err)
	}
	return nil
}

// up sets an interface's addresses and those of its peer, and switches it on.
func up(name string, own, peer []netip.Addr, peerMAC [6]byte) error {
	index, err := sys.InterfaceIndex(name)
	if err != nil {
		return err
	}
	for _, a := range own {
		if err := sys.AddAddress(index, netip.PrefixFrom(a, prefix)); err != nil {
			return fmt.Errorf("add address %s to %s: %w", a, name, err)
		}
	}
	if err := sys.SetUp(index); err != nil {
		return fmt.Errorf("switch %s on: %w", name, err)
	}
	for _, a := range peer {
		if err := sys.AddNeighbour(index, a, peerMAC); err != nil {
			return fmt.Errorf("add neighbour %s to %s: %w", a, name, err)
		}
	}
	return nil
}

// Iface returns the name of the local interface.
func (n *Net) Iface() string { return localName }

// Path names the local namespace in the file system, "/proc/<pid>/fd/<n>". It is good until Close.
func (n *Net) Path() string { return n.path }

// Do runs fn in the local namespace on an OS thread of its own. Goroutines that fn starts are not
// in the namespace. After Close the error wraps os.ErrClosed.
func (n *Net) Do(fn func() error) error { return sys.InNetns(n.local, fn) }

// Peer is Do for the peer namespace.
func (n *Net) Peer(fn func() error) error { return sys.InNetns(n.peer, fn) }

// Close removes the network. It may be called again.
func (n *Net) Close() error {
	var err error
	n.once.Do(func() {
		if n.local != nil && n.path != "" {
			// The kernel would remove the pair with the namespaces, but some time later. Without a
			// pair there is nothing to remove.
			err = n.Do(func() error {
				index, e := sys.InterfaceIndex(localName)
				if e != nil {
					return nil
				}
				return sys.DeleteInterface(index)
			})
		}
		n.local.Close()
		n.peer.Close()
	})
	if err != nil {
		return fmt.Errorf("remove network: %w", err)
	}
	return nil
}
