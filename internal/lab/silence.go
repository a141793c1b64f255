package lab

import (
	"context"
	"errors"
	"io"
	"time"
)

// DefaultSilence is how long a machine and its tests may write nothing. It is long for a machine
// that shares its processors with many others: tests tell their names as they begin, so a whole one
// has to last so long.
const DefaultSilence = 5 * time.Minute

// errSilent is the cause with which a machine ends that wrote nothing for too long.
var errSilent = errors.New("no output")

// watch reads on from r, and cancels with errSilent when nothing came for the limit. The caller
// stops it.
type watch struct {
	r     io.Reader
	limit time.Duration
	timer *time.Timer
}

func newWatch(r io.Reader, limit time.Duration, cancel context.CancelCauseFunc) *watch {
	return &watch{r: r, limit: limit, timer: time.AfterFunc(limit, func() { cancel(errSilent) })}
}

// Read counts every byte as progress, that of an unfinished line too.
func (w *watch) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	if n > 0 {
		w.timer.Reset(w.limit)
	}
	return n, err
}

func (w *watch) stop() { w.timer.Stop() }
