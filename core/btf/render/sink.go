package render

import (
	"fmt"
	"io"
	"strconv"
)

// chunkBytes is how much is gathered before it is handed to a writer.
const chunkBytes = 64 << 10

// sink takes text. With a writer it flushes now and then, so that memory never
// holds the whole.
type sink struct {
	out   []byte
	limit int // of len(out)
	w     io.Writer
	err   error // the first one
}

// newSink makes a sink that appends to dst, and takes at most n bytes.
func newSink(dst []byte, n int) sink { return sink{out: dst, limit: len(dst) + n} }

// writing makes a sink that hands on at most n bytes.
func writing(w io.Writer, n int) sink { return sink{w: w, limit: n} }

func (s *sink) text(t string) { s.out = append(s.out, t...) }

func (s *sink) texts(parts ...string) {
	for _, p := range parts {
		s.out = append(s.out, p...)
	}
}

func (s *sink) uint(n uint64) { s.out = strconv.AppendUint(s.out, n, 10) }

func (s *sink) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// full reports whether the limit is reached. It is asked after each line, so the limit is exceeded
// by one line at most.
func (s *sink) full() bool {
	if len(s.out) > s.limit {
		s.fail(fmt.Errorf("%w: the output exceeds the limit by %d bytes or more", ErrLimit, len(s.out)-s.limit))
	}
	return s.err != nil
}

// flush hands on what there is, if it is enough to be worth it.
func (s *sink) flush(enough int) {
	if s.w == nil || len(s.out) < enough || s.full() {
		return
	}
	_, err := s.w.Write(s.out)
	if err != nil {
		s.fail(err)
	}
	s.limit -= len(s.out)
	s.out = s.out[:0]
}
