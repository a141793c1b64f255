package guest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// output is where a plugin writes: two streams and the operator's log. What it writes is held until
// the hook is over, so that a slow reader cannot make a call of the guest wait, and then written
// line by line with everything escaped that a terminal would take for a command. In a run, nobody
// waits for a reader that does not read: what is too much is dropped and counted.
//
// Until there is a run, standard output is the host's alone: it prints documents there, which no
// plugin may forge. What a plugin writes to it before is diagnostics.
type output struct {
	name    string // of the plugin, before each line of diagnostics
	streams [2]stream
	json    bool // each line of results is a JSON object
	logger  *slog.Logger
	held    []heldLine
	size    int  // bytes held, all of which are counted in memory
	live    bool // there is a run: results are results, and the quotas fill up with time
	bytes   bucket
	lines   bucket
	dropped uint64 // log lines
	err     error  // the first write that failed

	wait    time.Duration // for a reader that takes nothing, at the end
	queues  [2]*queue     // of standard output, and of diagnostics with the log
	refused uint64        // bytes over a limit
	memory  *budget.Account
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
	attrs  []any // of a line of the log
}

// Bounds of output.
const (
	maxHeld    = 8 << 20  // bytes held in one hook
	maxLine    = 64 << 10 // bytes of a line; a longer one is broken
	logBurst   = 1000     // log lines at once
	maxLogLine = 8 << 10  // bytes of a log line; the rest is cut off
)

func newOutput(from Options) *output {
	stdout, stderr, logger, l := from.Stdout, from.Stderr, from.Log, from.Limits
	if stdout == nil {
		stdout = io.Discard
	}
	if stderr == nil {
		stderr = io.Discard
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	o := &output{
		name: from.Name, logger: logger, json: from.JSONLines, streams: [2]stream{{w: stdout}, {w: stderr}}, wait: l.OutputWait,
		memory: from.Memory,
		bytes:  newBucket(l.OutputBytesPerSec, l.OutputBytesPerSec),
		lines:  newBucket(l.LogLinesPerSec, max(logBurst, l.LogLinesPerSec)),
	}
	for i := range o.queues {
		o.queues[i] = newQueue(o.pass, o.memory)
	}
	return o
}

// pass hands a line to its writer.
func (o *output) pass(l heldLine) error {
	if l.stream == 0 {
		o.logger.Log(context.Background(), slogLevels[l.level], string(l.data), l.attrs...)
		return nil
	}
	_, err := o.streams[l.stream-1].w.Write(l.data)
	return err
}

// write takes output of the guest. All or nothing is taken.
func (o *output) write(s abi.Stream, data []byte) error {
	if s != abi.StreamOut && s != abi.StreamErr {
		return failf(abi.ErrInval, "stream %d is not known", s)
	}
	if o.err != nil {
		return failf(abi.ErrIO, "%s", o.err.Error())
	}
	if err := o.admit(len(data)); err != nil {
		o.refused += uint64(len(data))
		return err
	}
	lines := len(o.held)
	defer func() {
		if len(o.held) == lines { // it became part of another line
			o.memory.Return(lineOverhead)
			o.size -= lineOverhead
		}
	}()
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

// admit counts bytes that are about to be held, unless they are too many.
func (o *output) admit(n int) error {
	if o.size+n+lineOverhead > maxHeld {
		return budget.TooLarge("output of one hook", o.size+n+lineOverhead, maxHeld, "")
	}
	if err := o.memory.Take(n + lineOverhead); err != nil {
		return err
	}
	if !o.bytes.take(uint64(n), o.live) {
		o.memory.Return(n + lineOverhead)
		return &budget.LimitError{What: "output of one second", Used: o.bytes.rate - o.bytes.level + uint64(n), Max: o.bytes.rate, Unit: budget.Bytes}
	}
	o.size += n + lineOverhead
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

// hold keeps a line until the hook is over. Short ones of a stream are kept as one.
func (o *output) hold(l heldLine) {
	if n := len(o.held); n > 0 && l.stream != 0 {
		if last := &o.held[n-1]; last.stream == l.stream && len(last.data)+len(l.data) <= maxWrite {
			last.data = append(last.data, l.data...)
			return
		}
	}
	o.held = append(o.held, l)
}

// log takes a line for the operator's log.
func (o *output) log(level abi.LogLevel, text string) error {
	if !o.logEnabled(level) {
		return nil
	}
	text = text[:min(len(text), maxLogLine)]
	err := o.admitLog(len(text))
	if err != nil {
		o.dropped++
		return err
	}
	o.hold(heldLine{level: level, data: []byte(text)})
	return nil
}

// admitLog is admit for a line of the log.
func (o *output) admitLog(n int) error {
	if o.size+n+lineOverhead > maxHeld {
		return budget.TooLarge("output of one hook", o.size+n+lineOverhead, maxHeld, "")
	}
	if !o.lines.take(1, o.live) {
		most := int(o.lines.rate)
		return budget.TooMany("log lines of one second", most+1, most, "")
	}
	if err := o.memory.Take(n + lineOverhead); err != nil {
		return err
	}
	o.size += n + lineOverhead
	return nil
}

// slogLevels are the levels of the operator's log by those of the ABI.
var slogLevels = [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

func (o *output) logEnabled(level abi.LogLevel) bool {
	return o.logger.Enabled(context.Background(), slogLevels[level])
}

// flush passes on what is held, and waits for it to be written: before a run as long as ctx lasts,
// in a run for a moment. It returns the first error that a writer ever returned.
func (o *output) flush(ctx context.Context) error {
	held := o.held
	o.memory.Return(o.size)
	o.held, o.size = nil, 0
	for _, l := range held {
		if l.stream == 0 {
			o.note(l.level, quote.Text(string(l.data)))
			continue
		}
		o.emit(ctx, l.stream, l.data)
	}
	for _, q := range o.queues {
		o.settle(ctx, q)
	}
	return o.failure()
}

// note puts a line about the plugin into the log.
func (o *output) note(level abi.LogLevel, text string, attrs ...any) {
	attrs = append([]any{"plugin", quote.Text(o.name)}, attrs...)
	o.queues[abi.StreamErr-1].put(heldLine{level: level, data: []byte(text), attrs: attrs})
}

// settle waits for what is in a queue.
func (o *output) settle(ctx context.Context, q *queue) {
	if o.live || !q.settle(ctx, 0) {
		q.pause()
	}
}

// failure returns the first error that a writer ever returned.
func (o *output) failure() error {
	for _, q := range o.queues {
		if _, err := q.state(); err != nil && o.err == nil {
			o.err = fmt.Errorf("write output of plugin %s: %w", quote.Text(o.name), err)
		}
	}
	return o.err
}

// emit passes on complete lines of a stream. Lines for people say which plugin speaks, so that none
// can pass for one of the host's.
func (o *output) emit(ctx context.Context, s abi.Stream, data []byte) {
	q := o.queues[s-1]
	var b []byte
	pass := func() {
		if q.crowded() {
			o.settle(ctx, q)
		}
		q.put(heldLine{stream: s, data: b})
		b = nil
	}
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
		if len(b) >= maxWrite {
			pass()
		}
	}
	if len(b) > 0 {
		pass()
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

// finish writes everything, incomplete lines too, and says what was dropped. What a reader leaves
// for too long is dropped.
func (o *output) finish() error {
	o.endLines()
	if o.dropped > 0 {
		o.note(abi.LogWarn, "log lines of the plugin were dropped", "lines", o.dropped)
		o.dropped = 0
	}
	o.flush(context.Background())
	for _, q := range o.queues {
		if !q.settle(context.Background(), o.wait) {
			q.end()
		}
	}
	return o.failure()
}

// account returns how many bytes were refused because they were over a limit, and how many nobody
// read in time.
func (o *output) account() (refused, unread uint64) {
	refused = o.refused
	for _, q := range o.queues {
		n, _ := q.state()
		unread += n
	}
	return refused, unread
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
