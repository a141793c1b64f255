package testnet

import (
	"context"
	"testing"
	"time"
)

// arrived reads how many packets the local interface has received, once that is at least want.
func arrived(t *testing.T, n *Net, want uint64) uint64 {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		var got uint64
		err := n.Do(func() (err error) {
			got, err = received(n.Iface())
			return err
		})
		if err != nil {
			t.Error(err)
			return got
		}
		if got >= want || time.Now().After(end) {
			return got
		}
	}
}

func TestTrafficIsExact(t *testing.T) {
	n := newNet(t)
	before := arrived(t, n, 0)
	for _, f := range []Flow{
		{UDP: 20, TCP: 10, ICMP: 5},
		{UDP: 3, From: PeerAddrs()[1], Size: 1000},
		{TCP: 4, From: PeerAddrs()[1]},
	} {
		sent, err := n.Traffic(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		if sent.UDP != f.UDP || sent.TCP != f.TCP || sent.ICMP != f.ICMP {
			t.Errorf("sent %+v of %+v", sent, f)
		}
		total := uint64(f.Total())
		after := arrived(t, n, before+total)
		if after-before != total {
			t.Errorf("received %d packets of %d", after-before, total)
		}
		before = after
	}
}

func TestTrafficStops(t *testing.T) {
	n := newNet(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if sent, err := n.Traffic(ctx, Flow{UDP: 1, Every: time.Hour}); err != nil || sent.Total() != 0 {
		t.Errorf("cancelled before: sent %d, %v", sent.Total(), err)
	}
	before := arrived(t, n, 0)
	ctx, cancel = context.WithCancel(context.Background())
	go func() {
		defer cancel()
		arrived(t, n, before+1)
	}()
	if sent, err := n.Traffic(ctx, Flow{UDP: 2, Every: time.Hour}); err != nil || sent.Total() != 1 {
		t.Errorf("cancelled after the first: sent %d, %v", sent.Total(), err)
	}
}

func TestChecksum(t *testing.T) {
	// RFC 1071, section 3.
	if got := checksum([]byte{0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7}); got != ^uint16(0xddf2) {
		t.Errorf("%#x", got)
	}
}
