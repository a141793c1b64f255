package sim

import (
	"fmt"
	"io"

	"github.com/bpfhost/bpfhost/internal/pcap"
)

// capture is the packets of a pcap or pcapng.
type capture struct {
	name string
	n    int
	r    *pcap.Reader
}

// Capture reads packets from a capture in the format pcap or pcapng. Its errors begin with the name and
// are *InputError.
func Capture(r io.Reader, name string) (Packets, error) {
	p, err := pcap.NewReader(r)
	if err != nil {
		return nil, &InputError{fmt.Errorf("read %s: %w", name, err)}
	}
	return &capture{name: name, r: p}, nil
}

// Next returns the next packet.
func (c *capture) Next() (Packet, error) {
	p, err := c.r.Next()
	switch {
	case err == io.EOF:
		return Packet{}, err
	case err != nil:
		return Packet{}, &InputError{fmt.Errorf("read %s after %d packets: %w", c.name, c.n, err)}
	}
	c.n++
	out := Packet{Time: p.Time, Data: p.Data, Length: p.Length, Interface: p.Interface}
	switch p.Direction {
	case pcap.Inbound:
		out.Direction = Inbound
	case pcap.Outbound:
		out.Direction = Outbound
	}
	return out, nil
}

// InputError says that packets or events are not what they should be.
type InputError struct{ Err error }

// Error returns what is wrong, and where.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// Recorder writes what became of packets to a capture in the format pcapng: each verdict at an interface
// is an interface of the capture, "veth0 dropped", and a comment says which program returned what.
type Recorder struct{ w *pcap.Writer }

// NewRecorder begins a capture.
func NewRecorder(w io.Writer) *Recorder { return &Recorder{pcap.NewWriter(w)} }

// Record writes a packet. It can be Options.Outcome.
func (r *Recorder) Record(o Outcome) {
	comment := o.Reason
	if o.Verdict == Redirected {
		comment += " to " + o.To
	}
	name := o.Verdict.String()
	if o.Packet.Interface != "" {
		name = o.Packet.Interface + " " + name
	}
	p := pcap.Packet{
		Time: o.Packet.Time, Data: o.Packet.Data, Length: max(o.Packet.Length, len(o.Packet.Data)),
		Interface: name, Comment: comment, Direction: pcap.Inbound,
	}
	if o.Packet.Direction == Outbound || o.Verdict == Transmitted {
		p.Direction = pcap.Outbound
	}
	r.w.Write(p)
}

// Close writes the rest. It returns the first error of all writes.
func (r *Recorder) Close() error { return r.w.Flush() }
