package sim

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// What a Recorder writes is read again.
func TestRecorder(t *testing.T) {
	var b bytes.Buffer
	r := NewRecorder(&b)
	r.Record(Outcome{Packet: Packet{Time: 5, Data: frame(60), Length: 99, Interface: "veth0"}, Verdict: Redirected, Reason: "XDP_REDIRECT of p", To: "eth1"})
	r.Record(Outcome{Packet: Packet{Time: 6, Data: frame(61), Direction: Outbound}, Verdict: Dropped, Reason: "TCX_DROP of q"})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b.Bytes(), []byte("XDP_REDIRECT of p to eth1")) {
		t.Error("the comment is not there")
	}
	p, err := Capture(bytes.NewReader(b.Bytes()), "out.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Packet{
		{Time: 5, Data: frame(60), Length: 99, Interface: "veth0 redirected", Direction: Inbound},
		{Time: 6, Data: frame(61), Length: 61, Interface: "dropped", Direction: Outbound},
	} {
		got, err := p.Next()
		if err != nil || !bytes.Equal(got.Data, want.Data) {
			t.Fatalf("% x, %v", got.Data, err)
		}
		got.Data, want.Data = nil, nil
		if got.Time != want.Time || got.Length != want.Length || got.Interface != want.Interface || got.Direction != want.Direction {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if _, err := p.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	short, _ := Capture(bytes.NewReader(b.Bytes()[:b.Len()-5]), "short")
	_, _ = short.Next()
	_, err = short.Next()
	var bad *InputError
	if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), "read short after 1 packets: offset") {
		t.Errorf("cut off: %v", err)
	}
}
