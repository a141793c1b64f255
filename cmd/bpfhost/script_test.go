package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bpfhost/bpfhost/host"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

var update = flag.Bool("update", false, "write the output of commands into the scripts")

// TestMain makes the command, and helpers of the scripts, separate processes.
func TestMain(m *testing.M) {
	host.ChildMain()
	os.Setenv(testenv.RaceEnv, testenv.RaceOptions())
	hearHangup()
	testscript.Main(m, map[string]func(){
		"bpfhost":  inMode,
		"nobody":   asNobody,
		"withcaps": withCapabilities,
		"withpins": withPins,
		"masked":   masked,
	})
}

// hearHangup undoes what nohup did to the tests, for programs that they start: a signal that is
// handled here has its default effect there. The commands of scripts keep what they got.
func hearHangup() {
	if strings.HasSuffix(os.Args[0], ".test") && signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
}

// TestScript runs the scripts of testdata/script. Besides what testscript has, they know:
//
//	[bpf]                 this process may load and attach; BPFHOST_REQUIRE=kernel makes its lack a
//	                      failure; $NOBPF says why not
//	exits N PROGRAM …     runs a program that must end with exit code N
//	exec nobody …         runs bpfhost without privileges
//	exec withcaps C,D P … runs program P with those capabilities only that are named, "net_admin"
//	exec withpins P …     runs program P where /sys/fs/bpf is a bpf file system that nobody else sees
//	exec masked           copies its input without hashes of plugins and numbers of packets
//	await FILE [N]        waits until the file exists, and has N lines; with ! until that is over;
//	                      fails when the background commands end before
//	testnet                makes a network: $NETNS, $IFACE
//	traffic udp=N …       sends packets to it: udp=, tcp=, icmp=, from=2|3 (last byte of the source)
//	remember, gone        keep the ids of what background processes hold in the kernel; all must be gone
//	free                  nothing is attached to the network's near interface
//	truncate FILE N       cuts a file to N bytes
//	bytes FILE HEX        makes a file of bytes
//	mkelf TEXT FILE       makes an object of what elftest.Assemble reads; \e is the escape character
//	isjson FILE           the file, or stdout, is one JSON document and nothing else
//	readenv NAME FILE     sets a variable to the trimmed content of a file
//
// $GUESTS has the plugins: c/NAME.wasm, go/NAME.wasm, bad/NAME.wasm, and the objects NAME.bpf.o.
// $HOSTELF is a program of this machine, $REPO the repository.
func TestScript(t *testing.T) { runScripts(t, "*", "") }

// TestScriptInProcess runs the scripts of plugins once more, with the plugins in the process of
// bpfhost: what they say is the same.
func TestScriptInProcess(t *testing.T) {
	if testing.Short() || testenv.Race { // with the race detector the tests of host run plugins in process
		t.Skip("needs time: it takes as long as the scripts do")
	}
	for _, kind := range []string{"guest", "plan", "run"} {
		t.Run(kind, func(t *testing.T) { runScripts(t, kind+"_*", "false") })
	}
}

// isolateEnv is what the flag --isolate of bpfhost is in scripts that do not set it.
const isolateEnv = "BPFHOST_TEST_ISOLATE"

// inMode is bpfhost with the flag that isolateEnv says.
func inMode() {
	if how := os.Getenv(isolateEnv); how != "" && len(os.Args) > 1 && slices.Contains([]string{"run", "plan", "apply"}, os.Args[1]) {
		os.Args = slices.Insert(os.Args, 2, "--isolate="+how)
	}
	main()
}

// runScripts runs the scripts of a pattern.
func runScripts(t *testing.T, pattern, isolate string) {
	t.Helper()
	files, err := filepath.Glob("../../testdata/script/" + pattern + ".txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts %s (%v)", pattern, err)
	}
	shared := sharedDir(t)
	guests := gatherGuests(t, shared)
	cache := makeCaches(t, shared)
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	hostELF, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("GUESTS", guests)
			e.Setenv("REPO", repo)
			if err := kernelUsable(); err != nil {
				e.Setenv("NOBPF", err.Error())
			}
			e.Setenv("HOSTELF", hostELF)
			e.Setenv(testenv.RaceEnv, testenv.RaceOptions())
			e.Setenv(isolateEnv, isolate)
			e.Setenv("XDG_CACHE_HOME", cache)
			e.Setenv("NOBODY_CACHE", cache+"-nobody")
			e.Values[labKey{}] = new(*testnet.Net)
			e.Values[heldKey{}] = new([]kernelID)
			return nil
		},
		Condition: condition,
		Cmds:      maps.Clone(scriptCommands),
	})
}

// condition knows the conditions of the scripts. Where BPFHOST_REQUIRE names what is missing, it is
// an error, so that nothing is skipped.
func condition(name string) (bool, error) {
	if name != "bpf" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	err := kernelUsable()
	if err != nil && testenv.Required(testenv.Kernel) {
		return false, fmt.Errorf("kernel is required by BPFHOST_REQUIRE but missing: %w", err)
	}
	return err == nil, nil
}

// sharedDir makes a folder that every user can read.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bpfhost-script")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
