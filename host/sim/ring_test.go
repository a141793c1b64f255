package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

// TestRing reads a ring as it is written.
func TestRing(t *testing.T) {
	arrive := packets{{Data: frame(60)}, {Data: frame(61), Time: 1}}
	b := New(Options{Packets: &arrive})
	ringMap := &spec.Map{Name: "ring", Type: spec.MapRingbuf, MaxEntries: 4096}
	p := programOf(t, "p", spec.ProgramXDP, "r2 = r1\nr1 = map[ring] ll\nr3 = 12\nr4 = 0\ncall bpf_ringbuf_output\nr0 = 2\nexit")
	l, h := attach(t, b, p, spec.Attach{Program: "p", Kind: spec.HookXDP, Target: "e"}, ringMap)
	r, err := b.OpenRing(l.Maps()[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.OpenRing(l.Maps()[0]); err == nil {
		t.Error("a ring has two readers")
	}
	done := make(chan error)
	go func() { done <- r.Wait(context.Background()) }()
	if err := b.Step(); err != nil { // which the record ends
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	n, err := r.Drain(func(rec []byte) bool {
		if size := binary.LittleEndian.Uint32(rec[4:]) - binary.LittleEndian.Uint32(rec); size != 60 {
			t.Errorf("the packet has %d bytes", size)
		}
		return true
	})
	if n != 1 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := steps(b); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Drain(func([]byte) bool { return true }); n != 0 || err != nil {
		t.Errorf("%d records after the program was detached, %v", n, err)
	}
	go func() { done <- r.Wait(context.Background()) }()
	r.Close()
	if err := <-done; err == nil {
		t.Error("a ring that was closed is waited for")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if again, err := b.OpenRing(l.Maps()[0]); err != nil {
		t.Error(err)
	} else if err := again.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting ends with %v", err)
	}
}
