package netlab

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"testing"
	"time"
)

// received reads how many packets the near interface has got.
func received(t *testing.T, n *Net) int {
	t.Helper()
	count := -1
	err := n.Do(func() error {
		b, err := os.ReadFile("/proc/thread-self/net/dev")
		if err != nil {
			return err
		}
		for line := range bytes.Lines(b) {
			f := bytes.Fields(line)
			if len(f) > 3 && string(f[0]) == n.Iface()+":" {
				count, err = strconv.Atoi(string(f[2]))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

func TestTrafficIsExact(t *testing.T) {
	n := newNet(t)
	before := received(t, n)
	for _, f := range []Flow{
		{UDP: 20, TCP: 10, ICMP: 5},
		{UDP: 3, From: Far()[1], Size: 1000},
		{TCP: 4, From: Far()[1]},
	} {
		sent, err := n.Traffic(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		if sent.UDP != f.UDP || sent.TCP != f.TCP || sent.ICMP != f.ICMP {
			t.Errorf("sent %+v of %+v", sent, f)
		}
		after := received(t, n)
		if after-before != f.Total() {
			t.Errorf("received %d packets of %d", after-before, f.Total())
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
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
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
