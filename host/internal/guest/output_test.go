package guest

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
)

// talker is an instance whose output is kept.
func talker(t *testing.T, l Limits) (x *fake, stdout, stderr, logged *bytes.Buffer) {
	x = newFake(t, abi.PhaseRun)
	stdout, stderr, logged = new(bytes.Buffer), new(bytes.Buffer), new(bytes.Buffer)
	log := slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	x.out = newOutput(Options{Name: "talker", Stdout: stdout, Stderr: stderr, Log: log, Limits: l})
	x.out.goLive()
	return x, stdout, stderr, logged
}

func TestOutputLines(t *testing.T) {
	x, stdout, stderr, _ := talker(t, testLimits)
	for _, s := range []string{"one\ntw", "o\nevil \x1b[2J\x1b]0;x\a", "\nlast"} {
		if n := x.OutWrite(abi.StreamOut, []byte(s)); int(n) != len(s) {
			t.Fatalf("out_write = %d: %v", n, x.last.err)
		}
	}
	x.ok(t, "out_write", x.OutWrite(abi.StreamErr, []byte("error: host is on fire\n")))
	if stdout.Len() != 0 {
		t.Error("output was written while the hook runs")
	}
	if err := x.out.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := stdout.String(), "one\ntwo\nevil \\x1b[2J\\x1b]0;x\\a\n"; got != want {
		t.Errorf("stdout %q, want %q", got, want)
	}
	if got, want := stderr.String(), "talker: error: host is on fire\n"; got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
	if err := x.out.finish(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(stdout.String(), "\nlast\n") {
		t.Errorf("stdout ends with %q", stdout.String())
	}
	errnoIn(t, "unknown stream", x.OutWrite(3, []byte("x")), abi.ErrInval)
	errnoIn(t, "stream 0", x.OutWrite(0, []byte("x")), abi.ErrInval)
}

// Before there is a run, standard output is the host's: whatever a guest writes is diagnostics, and
// a line that it began then does not go on as one of the run.
func TestOutputBeforeRun(t *testing.T) {
	x, stdout, stderr, _ := talker(t, testLimits)
	x.out.live = false
	if _, err := (wasi{x.out, abi.StreamOut}).Write([]byte("{\"forged\":1}\n{\"schema\":")); err != nil {
		t.Fatal(err)
	}
	if _, err := (wasi{x.out, abi.StreamErr}).Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	x.out.goLive()
	x.ok(t, "out_write", x.OutWrite(abi.StreamOut, []byte("result\nand a half")))
	if err := x.out.finish(); err != nil {
		t.Fatal(err)
	}
	if got, want := stdout.String(), "result\nand a half\n"; got != want {
		t.Errorf("stdout %q, want %q", got, want)
	}
	if got, want := stderr.String(), "talker: {\"forged\":1}\ntalker: {\"schema\":\ntalker: half\n"; got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
}

// A line without an end is broken, so that it cannot grow for ever.
func TestOutputLongLine(t *testing.T) {
	x, stdout, _, _ := talker(t, testLimits)
	x.ok(t, "out_write", x.OutWrite(abi.StreamOut, bytes.Repeat([]byte("x"), maxLine+1)))
	if err := x.out.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := stdout.Len(); n != maxLine+2 || len(x.out.streams[0].partial) != 0 {
		t.Errorf("%d bytes were written, %d are held", n, len(x.out.streams[0].partial))
	}
}

func TestOutputQuota(t *testing.T) {
	x, stdout, stderr, _ := talker(t, Limits{OutputBytesPerSec: 10, LogLinesPerSec: 100})
	now := time.Unix(1000, 0)
	x.out.bytes.now = func() time.Time { return now }
	x.out.live = false
	x.ok(t, "within the burst", x.OutWrite(abi.StreamOut, []byte("123456789\n")))
	errnoIn(t, "over it", x.OutWrite(abi.StreamOut, []byte("x")), abi.ErrLimit)
	now = now.Add(time.Minute)
	errnoIn(t, "before the run the quota does not fill up", x.OutWrite(abi.StreamOut, []byte("x")), abi.ErrLimit)
	x.out.live = true
	errnoIn(t, "the first look", x.OutWrite(abi.StreamOut, []byte("x")), abi.ErrLimit)
	now = now.Add(500 * time.Millisecond)
	x.ok(t, "half a second later", x.OutWrite(abi.StreamOut, []byte("1234\n")))
	errnoIn(t, "and not more", x.OutWrite(abi.StreamOut, []byte("x")), abi.ErrLimit)
	now = now.Add(2 * time.Hour)
	x.ok(t, "the burst again", x.OutWrite(abi.StreamOut, []byte("123456789\n")))
	if err := x.out.flush(t.Context()); err != nil || stdout.String() != "1234\n123456789\n" || stderr.String() != "talker: 123456789\n" {
		t.Errorf("stdout %q, stderr %q, %v", stdout.String(), stderr.String(), err)
	}
}

func TestOutputHeld(t *testing.T) {
	x, _, _, _ := talker(t, testLimits)
	big := bytes.Repeat([]byte("0123456789abcde\n"), (maxHeld-lineOverhead)/16)
	x.ok(t, "as much as is held", x.OutWrite(abi.StreamOut, big))
	errnoIn(t, "more in one hook", x.OutWrite(abi.StreamOut, []byte("x\n")), abi.ErrLimit)
	if err := x.out.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.ok(t, "the next hook", x.OutWrite(abi.StreamOut, []byte("x\n")))
}

func TestOutputFails(t *testing.T) {
	x, _, _, _ := talker(t, testLimits)
	x.out.streams[0].w = failingWriter{}
	x.ok(t, "out_write", x.OutWrite(abi.StreamOut, []byte("x\n")))
	if err := x.out.flush(t.Context()); err == nil || !strings.Contains(err.Error(), "write output of plugin talker: broken") {
		t.Errorf("flush: %v", err)
	}
	errnoIn(t, "afterwards", x.OutWrite(abi.StreamOut, []byte("x\n")), abi.ErrIO)
}

func TestLog(t *testing.T) {
	x, _, _, logged := talker(t, testLimits)
	start := time.Now()
	x.out.lines.now = func() time.Time { return start } // no quota fills up on a slow machine
	x.ok(t, "log", x.Log(abi.LogWarn, []byte("two\nlines \x1b[31m")))
	x.ok(t, "a level that is not shown", x.Log(abi.LogDebug, []byte("hidden")))
	if x.LogEnabled(abi.LogDebug) != 0 || x.LogEnabled(abi.LogError) != 1 || x.LogEnabled(99) != 0 {
		t.Error("log_enabled is wrong")
	}
	errnoIn(t, "unknown level", x.Log(4, []byte("x")), abi.ErrRange)
	if err := x.out.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := logged.String(), `level=WARN msg="two\\nlines \\x1b[31m" plugin=talker`+"\n"; got != want {
		t.Errorf("log %q, want %q", got, want)
	}
	for range logBurst - 1 {
		x.Log(abi.LogInfo, []byte("x"))
	}
	errnoIn(t, "too many", x.Log(abi.LogInfo, []byte("x")), abi.ErrLimit)
	if err := x.out.finish(); err != nil {
		t.Fatal(err)
	}
	if got := logged.String(); !strings.Contains(got, "log lines of the plugin were dropped") || !strings.Contains(got, "lines=1") {
		t.Errorf("the end of the log says nothing of what was dropped: %q", got[len(got)-200:])
	}
}

// hanging is a writer that nobody reads until it is let go.
type hanging struct{ let chan struct{} }

func (h hanging) Write(p []byte) (int, error) {
	<-h.let
	return len(p), nil
}

// In a run, a reader that does not read holds nothing up: not the hooks, not the diagnostics, not the
// end. What it does not get is counted, with what was over a limit.
func TestOutputUnread(t *testing.T) {
	x, _, stderr, _ := talker(t, Limits{OutputBytesPerSec: 256 << 10, LogLinesPerSec: 100, OutputWait: time.Millisecond})
	x.out.bytes.now = func() time.Time { return time.Unix(1000, 0) }
	x.out.queues[0].max = 100 << 10
	stuck := hanging{make(chan struct{})}
	t.Cleanup(func() { close(stuck.let) })
	x.out.streams[0].w = stuck
	x.out.live = true
	line := append(bytes.Repeat([]byte("x"), 1023), '\n')
	var written, over uint64
	for range 4 {
		x.ok(t, "out_write", x.OutWrite(abi.StreamErr, []byte("x\n"))-2)
		for range 63 {
			x.ok(t, "out_write", x.OutWrite(abi.StreamOut, line)-1024)
			written += 1024
		}
		if err := x.out.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if x.OutWrite(abi.StreamOut, line) < 0 {
			over += 1024
		} else {
			written += 1024
		}
	}
	if err := x.out.finish(); err != nil {
		t.Fatal(err)
	}
	refused, unread := x.out.account()
	if over == 0 || refused != over || unread != written {
		t.Errorf("%d bytes refused and %d unread of %d", refused, unread, written)
	}
	if q := x.out.queues[0]; len(q.lines) != 0 {
		t.Errorf("%d lines are held after the end", len(q.lines))
	}
	if got := strings.Count(stderr.String(), "talker: x\n"); got != 4 {
		t.Errorf("%d lines of diagnostics, want 4", got)
	}
}

// Writes of a byte cost what they are, not what it takes to keep each.
func TestOutputBytewise(t *testing.T) {
	x, stdout, _, _ := talker(t, testLimits)
	const n = 2 * maxWrite
	for range n {
		x.ok(t, "out_write", x.OutWrite(abi.StreamOut, []byte("\n"))-1)
	}
	if most := 1 + n/maxWrite; len(x.out.held) > most {
		t.Errorf("%d lines are held one by one, want at most %d", len(x.out.held), most)
	}
	if err := x.out.flush(t.Context()); err != nil || stdout.Len() != n {
		t.Errorf("%d bytes of %d were written: %v", stdout.Len(), n, err)
	}
}

// Before a run there is nothing to be held up: output waits for its reader until it is interrupted.
func TestOutputInterrupted(t *testing.T) {
	x, _, _, _ := talker(t, testLimits)
	stuck := hanging{make(chan struct{})}
	x.out.streams[1].w = stuck
	x.out.live = false
	ctx, cancel := context.WithCancel(t.Context())
	x.ok(t, "out_write", x.OutWrite(abi.StreamOut, []byte("x\n"))-2)
	done := make(chan error)
	go func() { done <- x.out.flush(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if x.out.queues[1].idle() {
		t.Error("what nobody reads is written")
	}
	close(stuck.let)
	if err := x.out.finish(); err != nil || !x.out.queues[1].idle() {
		t.Errorf("the reader came back: %v", err)
	}
}
