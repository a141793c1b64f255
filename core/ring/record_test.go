package ring

import (
	"encoding/binary"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// fake makes a reader of a ring of 64 bytes with these records in it.
func fake(t *testing.T, producer uint64, heads ...uint32) *Reader {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs linux: rings are shared memory")
	}
	shared := &sys.Ring{Consumer: new(atomic.Uint64), Producer: new(atomic.Uint64), Data: make([]byte, 128)}
	shared.Producer.Store(producer)
	at := 0
	for _, h := range heads {
		binary.NativeEndian.PutUint32(shared.Data[at&63:], h)
		binary.NativeEndian.PutUint32(shared.Data[at&63+64:], h)
		at += int(h&^(busy|discarded)+15) &^ 7
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	r, err := newReader("fake", shared, file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHostileRing(t *testing.T) {
	for name, c := range map[string]struct {
		producer uint64
		heads    []uint32
		records  int
		err      string
	}{
		"longer than the ring":       {64, []uint32{1 << 20}, 0, "ends after"},
		"longest there is":           {64, []uint32{1<<30 - 1}, 0, "ends after"},
		"longer than what was sent":  {16, []uint32{9}, 0, "ends after"},
		"good one first":             {32, []uint32{8, 100}, 1, "ends after"},
		"discarded and too long":     {16, []uint32{discarded | 50}, 0, "ends after"},
		"more than the ring holds":   {72, []uint32{8}, 0, "inconsistent"},
		"empty record":               {8, []uint32{0}, 1, ""},
		"unfinished":                 {32, []uint32{8, busy | 8}, 1, ""},
		"unfinished with bad length": {32, []uint32{8, busy | 1<<29}, 1, ""},
		"full":                       {64, []uint32{56}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := fake(t, c.producer, c.heads...)
			n, err := r.Drain(func(rec []byte) bool { return len(rec) == cap(rec) })
			if n != c.records {
				t.Errorf("delivered %d, want %d", n, c.records)
			}
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}

func TestPositionsMovedByOthers(t *testing.T) {
	r := fake(t, 16, 8)
	r.ring.Consumer.Store(3)
	if _, err := r.Drain(func([]byte) bool { return true }); err == nil {
		t.Error("a position that is not the reader's own was accepted")
	}
	r = fake(t, 16, 8)
	r.next = 24
	r.ring.Consumer.Store(24)
	if _, err := r.Drain(func([]byte) bool { return true }); err == nil {
		t.Error("a producer behind the consumer was accepted")
	}
}

func TestPanicIsAccounted(t *testing.T) {
	r := fake(t, 32, 8, 8)
	func() {
		defer func() { recover() }()
		r.Drain(func([]byte) bool { panic("callback") })
	}()
	if got := r.Stats().Records; got != 1 {
		t.Errorf("counted %d", got)
	}
	if n, err := r.Drain(func([]byte) bool { return true }); n != 1 || err != nil {
		t.Errorf("drained %d after the panic, %v", n, err)
	}
}
