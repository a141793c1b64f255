package guest

import (
	"bytes"
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
	if err := x.out.flush(); err != nil {
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
	if err := x.out.flush(); err != nil {
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
	if err := x.out.flush(); err != nil || stdout.String() != "1234\n123456789\n" || stderr.String() != "talker: 123456789\n" {
		t.Errorf("stdout %q, stderr %q, %v", stdout.String(), stderr.String(), err)
	}
}

func TestOutputHeld(t *testing.T) {
	x, _, _, _ := talker(t, testLimits)
	big := bytes.Repeat([]byte("0123456789abcde\n"), maxHeld/16)
	x.ok(t, "as much as is held", x.OutWrite(abi.StreamOut, big))
	errnoIn(t, "more in one hook", x.OutWrite(abi.StreamOut, []byte("x\n")), abi.ErrLimit)
	if err := x.out.flush(); err != nil {
		t.Fatal(err)
	}
	x.ok(t, "the next hook", x.OutWrite(abi.StreamOut, []byte("x\n")))
}

func TestOutputFails(t *testing.T) {
	x, _, _, _ := talker(t, testLimits)
	x.out.streams[0].w = failingWriter{}
	x.ok(t, "out_write", x.OutWrite(abi.StreamOut, []byte("x\n")))
	if err := x.out.flush(); err == nil || !strings.Contains(err.Error(), "write output of plugin talker: broken") {
		t.Errorf("flush: %v", err)
	}
	errnoIn(t, "afterwards", x.OutWrite(abi.StreamOut, []byte("x\n")), abi.ErrIO)
}

func TestLog(t *testing.T) {
	x, _, _, logged := talker(t, testLimits)
	x.ok(t, "log", x.Log(abi.LogWarn, []byte("two\nlines \x1b[31m")))
	x.ok(t, "a level that is not shown", x.Log(abi.LogDebug, []byte("hidden")))
	if x.LogEnabled(abi.LogDebug) != 0 || x.LogEnabled(abi.LogError) != 1 || x.LogEnabled(99) != 0 {
		t.Error("log_enabled is wrong")
	}
	errnoIn(t, "unknown level", x.Log(4, []byte("x")), abi.ErrRange)
	if err := x.out.flush(); err != nil {
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
