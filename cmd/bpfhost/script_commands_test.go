package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

type command = func(ts *testscript.TestScript, neg bool, args []string)

// scriptCommands are the commands that TestScript documents.
var scriptCommands = map[string]command{
	"exits":    exits,
	"await":    await,
	"testnet":  makeLab,
	"traffic":  traffic,
	"remember": remember,
	"gone":     gone,
	"truncate": truncate,
	"bytes":    writeBytes,
	"mkelf":    mkelf,
	"free":     free,
	"readenv":  readenv,
	"isjson":   isJSON,
}

// exits runs a program and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// patience bounds every wait of the scripts. It is never reached when all is well, not even on an
// emulated machine that compiles a plugin for the first time.
const patience = 2 * time.Minute

// poll asks until the answer is yes.
func poll(ts *testscript.TestScript, what string, done func() bool) {
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("waited %s for %s", patience, what)
		}
	}
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: [!] await FILE [LINES]")
	}
	lines := 0
	if len(args) == 2 {
		var err error
		lines, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	done := func() bool {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		return (err == nil && bytes.Count(b, []byte{'\n'}) >= lines) != neg
	}
	what := strings.Join(args, " ")
	poll(ts, what, func() bool {
		over := ended(ts)
		if done() {
			return true
		}
		if over {
			ts.Fatalf("await %s: every background command has ended", what)
		}
		return false
	})
}

// ended says whether the script has background commands, and none of them runs.
func ended(ts *testscript.TestScript) bool {
	commands := ts.BackgroundCmds()
	for _, c := range commands {
		if !errors.Is(c.Process.Signal(syscall.Signal(0)), os.ErrProcessDone) {
			return false
		}
	}
	return len(commands) != 0
}

// labKey is the key of a script's network, a **testnet.Net.
type labKey struct{}

func makeLab(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: testnet")
	}
	lab, err := testnet.New()
	ts.Check(err)
	ts.Defer(func() { ts.Check(lab.Close()) })
	ts.Setenv("NETNS", lab.Path())
	ts.Setenv("IFACE", lab.Iface())
	*ts.Value(labKey{}).(**testnet.Net) = lab
}

func traffic(ts *testscript.TestScript, neg bool, args []string) {
	lab := *ts.Value(labKey{}).(**testnet.Net)
	if neg || len(args) == 0 || lab == nil {
		ts.Fatalf("usage: traffic [udp=N] [tcp=N] [icmp=N] [from=2|3], after testnet")
	}
	var f testnet.Flow
	from := 2
	fields := map[string]*int{"udp": &f.UDP, "tcp": &f.TCP, "icmp": &f.ICMP, "from": &from, "size": &f.Size}
	for _, a := range args {
		k, v, _ := strings.Cut(a, "=")
		n, err := strconv.Atoi(v)
		ts.Check(err)
		if fields[k] == nil {
			ts.Fatalf("traffic: unknown %s", k)
		}
		*fields[k] = n
	}
	f.From = netip.AddrFrom4([4]byte{10, 99, 0, byte(from)})
	sent, err := lab.Traffic(context.Background(), f)
	ts.Check(err)
	if sent.Total() != f.Total() {
		ts.Fatalf("sent %d of %d packets", sent.Total(), f.Total())
	}
}

func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE N")
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

func writeBytes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bytes FILE HEX")
	}
	b, err := hex.DecodeString(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o644))
}

func mkelf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mkelf TEXT FILE")
	}
	f, err := elftest.Assemble(strings.ReplaceAll(ts.ReadFile(args[0]), `\e`, "\x1b"))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), f.Bytes(), 0o644))
}

func readenv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: readenv NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: isjson FILE")
	}
	var doc any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc); err != nil {
		ts.Fatalf("%s is not one JSON document: %v", args[0], err)
	}
}

// varying matches what depends on the compiler that built a plugin, and the CPUs and numbers that
// quickstart reports packets.
var varying = regexp.MustCompile(`((?:sha256:?|module) |/(?:sha256|signed)-|(?:packet|cpu)(?:":| ))[0-9a-f]+`)

// masked is a process that copies its input without what varies.
func masked() {
	b, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "masked:", err)
		os.Exit(1)
	}
	os.Stdout.Write(varying.ReplaceAll(b, []byte("$1(masked)")))
}
