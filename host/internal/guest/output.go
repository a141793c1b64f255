package guest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// output is where a plugin writes: two streams and the operator's log. What it writes is held until
// the hook is over, so that a slow reader cannot make a call of the guest wait, and then written
// line by line with everything escaped that a terminal would take for a command.
//
// Until there is a run, standard output is the host's alone: it prints documents there, which no
// plugin may forge. What a plugin writes to it before is diagnostics.
type output struct {
	name    string // of the plugin, before each line of diagnostics
	streams [2]stream
	json    bool // each line of results is a JSON object
	logger  *slog.Logger
	held    []heldLine
	size    int  // bytes held
	live    bool // there is a run: results are results, and the quotas fill up with time
	bytes   bucket
	lines   bucket
	dropped uint64 // log lines
	err     error  // the first write that failed
}

// stream is one of the two, with the line that is not complete yet.
type stream struct {
	w       io.Writer
	partial []byte
}

// heldLine is one line of the log, or bytes of a stream that end with a line feed.
type heldLine struct {
	stream abi.Stream // 0 is the log
	level  abi.LogLevel
	data   []byte
}

// Bounds of output.
const (
	maxHeld    = 8 << 20  // bytes held in one hook
	maxLine    = 64 << 10 // bytes of a line; a longer one is broken
	logBurst   = 1000     // log lines at once
	maxLogLine = 8 << 10  // bytes of a log line; the rest is cut off
)

func newOutput(o Options) *output {
	stdout, stderr, logger, l := o.Stdout, o.Stderr, o.Log, o.Limits
	if stdout == nil {
		stdout = io.Discard
	}
	if stderr == nil {
		stderr = io.Discard
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &output{
		name: o.Name, logger: logger, json: o.JSONLines, streams: [2]stream{{w: stdout}, {w: stderr}},
		bytes: newBucket(l.OutputBytesPerSec, l.OutputBytesPerSec),
		lines: newBucket(l.LogLinesPerSec, max(logBurst, l.LogLinesPerSec)),
	}
}

// write takes output of the guest. All or nothing is taken.
func (o *output) write(s abi.Stream, data []byte) error {
	if s != abi.StreamOut && s != abi.StreamErr {
		return failf(abi.ErrInval, "stream %d is not known", s)
	}
	if o.err != nil {
		return failf(abi.ErrIO, "%s", o.err.Error())
	}
	if o.size+len(data) > maxHeld {
		return failf(abi.ErrLimit, "more than %d bytes of output in one hook", maxHeld)
	}
	if !o.bytes.take(uint64(len(data)), o.live) {
		return failf(abi.ErrLimit, "more than %d bytes of output in a second", o.bytes.rate)
	}
	st := &o.streams[s-1]
	st.partial = append(st.partial, data...)
	end := bytes.LastIndexByte(st.partial, '\n') + 1
	if len(st.partial)-end > maxLine {
		st.partial = append(st.partial, '\n')
		end = len(st.partial)
	}
	if end > 0 {
		o.hold(heldLine{stream: o.target(s), data: bytes.Clone(st.partial[:end])})
		st.partial = append(st.partial[:0], st.partial[end:]...)
	}
	return nil
}

// target returns the stream that what is written to s now comes out of.
func (o *output) target(s abi.Stream) abi.Stream {
	if !o.live {
		return abi.StreamErr
	}
	return s
}

// goLive says that there is a run. A line that was begun before ends here.
func (o *output) goLive() {
	o.endLines()
	o.live = true
}

func (o *output) hold(l heldLine) {
	o.held = append(o.held, l)
	o.size += len(l.data)
}

// log takes a line for the operator's log.
func (o *output) log(level abi.LogLevel, text string) error {
	if !o.logEnabled(level) {
		return nil
	}
	if o.size+len(text) > maxHeld || !o.lines.take(1, o.live) {
		o.dropped++
		return failf(abi.ErrLimit, "more than %d log lines in a second", o.lines.rate)
	}
	o.hold(heldLine{level: level, data: []byte(text[:min(len(text), maxLogLine)])})
	return nil
}

// slogLevels are the levels of the operator's log by those of the ABI.
var slogLevels = [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

func (o *output) logEnabled(level abi.LogLevel) bool {
	return o.logger.Enabled(context.Background(), slogLevels[level])
}

// flush writes what is held. It returns the first error that a writer ever returned.
func (o *output) flush() error {
	held := o.held
	o.held, o.size = nil, 0
	for _, l := range held {
		if l.stream == 0 {
			o.logger.Log(context.Background(), slogLevels[l.level], quote.Text(string(l.data)), "plugin", quote.Text(o.name))
			continue
		}
		o.emit(l.stream, l.data)
	}
	return o.err
}

// emit writes complete lines to a stream. Lines for people say which plugin speaks, so that none
// can pass for one of the host's.
func (o *output) emit(s abi.Stream, data []byte) {
	if o.err != nil {
		return
	}
	var b []byte
	for line := range bytes.Lines(data) {
		line = line[:len(line)-1]
		switch {
		case s == abi.StreamErr:
			b = append(append(b, quote.Text(o.name)...), ": "...)
			b = quote.AppendLines(b, string(line))
		case o.json:
			b = appendJSONLine(b, o.name, line)
		default:
			b = quote.AppendLines(b, string(line))
		}
		b = append(b, '\n')
	}
	if _, err := o.streams[s-1].w.Write(b); err != nil {
		o.err = fmt.Errorf("write output of plugin %s: %w", quote.Text(o.name), err)
	}
}

// endLines ends the lines that are not complete.
func (o *output) endLines() {
	for i := range o.streams {
		if st := &o.streams[i]; len(st.partial) > 0 {
			o.hold(heldLine{stream: o.target(abi.Stream(i + 1)), data: append(st.partial, '\n')})
			st.partial = nil
		}
	}
}

// finish writes everything, incomplete lines too, and says what was dropped.
func (o *output) finish() error {
	o.endLines()
	if o.dropped > 0 {
		o.logger.Warn("log lines of the plugin were dropped", "plugin", quote.Text(o.name), "lines", o.dropped)
		o.dropped = 0
	}
	return o.flush()
}

// wasi is a stream as the guest's own runtime writes it, a panic message say.
type wasi struct {
	o *output
	s abi.Stream
}

// Write takes all or nothing, as out_write does.
func (w wasi) Write(p []byte) (int, error) {
	if err := w.o.write(w.s, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// bucket is a quota that fills up at a rate, up to a burst.
type bucket struct {
	rate, burst uint64
	level       uint64
	last        time.Time
	now         func() time.Time
}

func newBucket(rate, burst uint64) bucket {
	return bucket{rate: rate, burst: burst, level: burst, now: time.Now}
}

// take takes n out of the bucket, if they are there.
func (b *bucket) take(n uint64, live bool) bool {
	if live {
		b.fill()
	}
	if n > b.level {
		return false
	}
	b.level -= n
	return true
}

func (b *bucket) fill() {
	now := b.now()
	if b.last.IsZero() {
		b.last = now
		return
	}
	passed := now.Sub(b.last)
	if passed >= time.Hour {
		b.level, b.last = b.burst, now
		return
	}
	add := uint64(passed.Seconds() * float64(b.rate))
	if add == 0 {
		return
	}
	b.last = now
	b.level = min(b.burst, b.level+add)
}
