package testnet

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"
)

// readyTimeout bounds how long a new pair may take until packets cross it.
const readyTimeout = 10 * time.Second

// waitReady waits until packets cross the pair in both directions. An interface that was just
// switched on drops everything without a word until the kernel's worker for link changes has been
// there.
func (n *Net) waitReady() error {
	peer := PeerAddrs()[0]
	if err := crosses(n.Peer, n.Do, localName, Local()); err != nil {
		return err
	}
	return crosses(n.Do, n.Peer, peerName, peer)
}

// crosses sends packets from one side until the interface of the other has received one.
func crosses(from, to func(func() error) error, name string, addr netip.Addr) error {
	for end := time.Now().Add(readyTimeout); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if err := from(func() error { return knock(addr) }); err != nil {
			return err
		}
		var got uint64
		err := to(func() (err error) {
			got, err = received(name)
			return err
		})
		if err != nil || got > 0 {
			return err
		}
	}
	return fmt.Errorf("no packet arrived at %s within %v", name, readyTimeout)
}

// knock sends one packet of a protocol that nobody answers.
func knock(addr netip.Addr) error {
	c, err := net.ListenPacket("ip4:253", "0.0.0.0") // for experiments (RFC 3692)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.WriteTo(make([]byte, 8), &net.IPAddr{IP: addr.AsSlice()})
	return err
}

// received reads how many packets an interface of this thread's network namespace has received.
func received(name string) (uint64, error) {
	b, err := os.ReadFile("/proc/thread-self/net/dev")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if f := bytes.Fields(line); len(f) > 2 && string(f[0]) == name+":" {
			return strconv.ParseUint(string(f[2]), 10, 64)
		}
	}
	return 0, errors.New("interface " + name + " has no counters")
}
