package host

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
)

// SourceAccount says what became of the records of one event source: Sent = Delivered + Lost +
// Dropped + Missing. Missing is zero unless the program's own counts contradict what arrived.
type SourceAccount struct {
	Source     string `json:"source"`    // name of the ring buffer
	Sent       uint64 `json:"sent"`      // records that programs meant to send
	Delivered  uint64 `json:"delivered"` // records that the plugin consumed
	Lost       uint64 `json:"lost"`      // records that did not fit into the ring
	Dropped    uint64 `json:"dropped"`   // records that the host took from the ring and the plugin did not consume
	Missing    int64  `json:"missing"`
	SentKnown  bool   `json:"sent_known"` // the program counts Sent; otherwise it is the sum of the others
	LostKnown  bool   `json:"lost_known"` // the program counts Lost; otherwise it is what is left of Sent
	Batches    uint64 `json:"batches"`    // calls of the plugin
	Incomplete bool   `json:"incomplete"` // the program's counts could not be read to the end
}

// balance fills in what follows from the rest.
func (a *SourceAccount) balance() {
	arrived := a.Delivered + a.Dropped
	switch {
	case a.SentKnown && a.LostKnown:
		a.Missing = int64(a.Sent - arrived - a.Lost)
	case a.LostKnown:
		a.Sent = arrived + a.Lost
	case a.SentKnown && a.Sent >= arrived:
		a.Lost = a.Sent - arrived
	case a.SentKnown:
		a.Missing = int64(a.Sent - arrived)
	default:
		a.Sent = arrived
	}
}

// String is one line: "1,204,118 sent by kernel = 1,203,990 delivered + 128 lost in ring (0.01%) + 0
// dropped by host".
func (a SourceAccount) String() string {
	s := fmt.Sprintf("%s sent by kernel = %s delivered + ", thousands(a.Sent), thousands(a.Delivered))
	if !a.SentKnown && !a.LostKnown {
		s = fmt.Sprintf("%s taken from ring = %s delivered + ", thousands(a.Sent), thousands(a.Delivered))
	} else {
		s += fmt.Sprintf("%s lost in ring (%s) + ", thousands(a.Lost), percent(a.Lost, a.Sent))
	}
	s += thousands(a.Dropped) + " dropped by host"
	if a.Missing != 0 {
		s += fmt.Sprintf(" + %d not accounted for", a.Missing)
	}
	if !a.SentKnown && !a.LostKnown {
		s += "; the program does not count what it loses"
	}
	if a.Incomplete {
		s += "; its counts could not be read at the end"
	}
	return s
}

// thousands writes a number with a comma before every three digits.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent never rounds a loss to nothing.
func percent(part, whole uint64) string {
	switch {
	case part == 0 || whole == 0:
		return "0%"
	case float64(part)/float64(whole) < 0.0001:
		return "<0.01%"
	}
	return fmt.Sprintf("%.2f%%", 100*float64(part)/float64(whole))
}

// Account says what became of the events of every source, in the order in which they were opened. It
// is exact once the run is closed.
func (r *Run) Account() []SourceAccount {
	r.state.Lock()
	defer r.state.Unlock()
	if r.final != nil {
		return append([]SourceAccount(nil), r.final...)
	}
	return append([]SourceAccount(nil), r.latest...)
}

// WriteAccount writes the account for people, a line for each source.
func (r *Run) WriteAccount(w io.Writer) error {
	accounts := r.Account()
	for _, a := range accounts {
		name := "events"
		if len(accounts) > 1 {
			name += " " + SafeText(a.Source)
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", name, a); err != nil {
			return fmt.Errorf("write account: %w", err)
		}
	}
	return nil
}

// counter is a u64 in an array map, in which a program counts.
type counter struct {
	m     backend.Map
	key   [4]byte
	value []byte
}

// openCounter checks that a map can be read as a counter.
func (r *Run) openCounter(name string, key uint32) (*counter, error) {
	found, err := r.findMap(name)
	if err != nil {
		return nil, err
	}
	m := found.m
	switch {
	case m.Type() != spec.MapArray && m.Type() != spec.MapPerCPUArray:
		return nil, failf(abi.ErrInval, "counts are kept in an array; map %q is a %s", name, m.Type())
	case m.ValueSize() != 8 || m.KeySize() != 4:
		return nil, failf(abi.ErrInval, "a count has 8 bytes; the values of map %q have %d", name, m.ValueSize())
	case uint64(key) >= uint64(m.MaxEntries()):
		return nil, failf(abi.ErrRange, "map %q has %d entries; there is none at %d", name, m.MaxEntries(), key)
	}
	c := &counter{m: m, value: make([]byte, m.BufferSize())}
	binary.NativeEndian.PutUint32(c.key[:], key)
	return c, nil
}

// read gives the count, of all CPUs together.
func (c *counter) read() (uint64, error) {
	if err := c.m.Lookup(c.key[:], c.value); err != nil {
		return 0, err
	}
	sum := uint64(0)
	for b := c.value; len(b) >= 8; b = b[8:] {
		sum += binary.NativeEndian.Uint64(b)
	}
	return sum, nil
}
