package isolate

import (
	"slices"
	"testing"
)

func TestMessage(t *testing.T) {
	m := message{kind: kindHost, number: 7, n: 3, text: []byte("text")}
	copy(m.args[:], []uint64{1, 1 << 63, 3})
	b := m.encode(make([]byte, maxMessage))
	var got message
	if err := got.decode(b); err != nil || got.kind != m.kind || got.number != 7 || got.n != 3 ||
		!slices.Equal(got.args[:3], m.args[:3]) || string(got.text) != "text" {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range headSize + 3*8 {
		if err := got.decode(b[:n]); err == nil {
			t.Errorf("the first %d bytes are a message", n)
		}
	}
	b[1] = maxArgs + 1
	if err := got.decode(b); err == nil {
		t.Error("it has too many arguments")
	}
}

// FuzzMessage has any bytes for a message: what is read is within bounds.
func FuzzMessage(f *testing.F) {
	m := message{kind: kindOutput, number: 1, n: 3, text: []byte("x")}
	f.Add(slices.Clone(m.encode(make([]byte, maxMessage))))
	f.Add([]byte{byte(kindHost), 16})
	f.Fuzz(func(t *testing.T, b []byte) {
		var m message
		if m.decode(b) == nil && (m.n > maxArgs || len(m.text) > len(b)) {
			t.Errorf("%d arguments, %d bytes of text of %d", m.n, len(m.text), len(b))
		}
	})
}
