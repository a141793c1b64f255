//go:build linux && (amd64 || arm64)

package loader

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

var failures = flag.Int("failures", 500, "how many loads TestManyFailures has fail")

// TestManyFailures has many loads fail, each at another step, and looks for what they leave.
func TestManyFailures(t *testing.T) {
	needKernel(t)
	k := NewKernel()
	defer k.Close()
	dir := bpffs(t) + "/pins"
	tree, fds := listing(t, dir), files(t, "/proc/self/fd")
	bad := program("bad", asm.LoadMem(asm.R0, asm.R1, 2000, asm.Word), asm.Exit())
	for i := range *failures {
		c := shared("a", "b")
		o := Options{Kernel: k, PinDir: dir}
		switch i % 4 {
		case 0:
			c.Programs = []*spec.Program{bad}
		case 1:
			c.Maps = append(c.Maps, &spec.Map{Name: "huge", Type: spec.MapArray, KeySize: 4, ValueSize: 1 << 30, MaxEntries: 1 << 20})
		case 2:
			o.Pins = map[string]string{"b": dir + "/b.dot"}
		case 3:
			c.Maps[1].KeySize = 0
		}
		if _, err := Load(c, o); err == nil {
			t.Fatalf("load %d did not fail", i)
		}
	}
	if now := files(t, "/proc/self/fd"); now != fds {
		t.Errorf("descriptors %s, before %s", now, fds)
	}
	if now := listing(t, dir); now != tree {
		t.Errorf("pins %s, before %s", now, tree)
	}
}

// inChild runs the rest of the test in a process, where it is true, with a bpf file system at childFS,
// which has to be empty at the end.
func inChild(t *testing.T) bool {
	t.Helper()
	if os.Getenv(childEnv) != "" {
		return true
	}
	needKernel(t)
	root := bpffs(t)
	before := listing(t, root)
	out, err := child(t, t.Name(), root).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	if now := listing(t, root); now != before {
		t.Errorf("left: %s", now)
	}
	return false
}

// TestDescriptorLimit loads with 1, 2, … descriptors to be had until that is enough.
func TestDescriptorLimit(t *testing.T) {
	if !inChild(t) {
		return
	}
	c, dir := shared("a", "b", "c"), childFS+"/pins"
	c.Programs = []*spec.Program{program("main", asm.Mov64Imm(asm.R0, 0), asm.Exit())}
	k := NewKernel()
	defer k.Close()
	if got, err := Load(shared("x"), Options{Kernel: k, PinDir: childFS + "/warm"}); err != nil { // what the runtime opens once
		t.Fatal(err)
	} else {
		got.Close()
	}
	os.RemoveAll(childFS + "/warm")
	fds := files(t, "/proc/self/fd")
	top := len(strings.Fields(fds)) // one of which is of the directory that was read
	for limit := top; ; limit++ {
		if limit == top+100 {
			t.Fatal("100 descriptors are not enough")
		}
		setLimit(t, uint64(limit))
		got, err := Load(c, Options{Kernel: k, PinDir: dir})
		setLimit(t, 1024)
		if err == nil {
			got.Close()
			if limit < top+3 {
				t.Errorf("loaded with %d descriptors", limit-top)
			}
			break
		}
		if !errors.Is(err, sys.EMFILE) || !strings.Contains(err.Error(), "ulimit -n") {
			t.Errorf("%d descriptors: %v", limit-top, err)
		}
		if now := files(t, "/proc/self/fd"); now != fds {
			t.Errorf("%d descriptors: open are %s, before %s", limit-top, now, fds)
		}
		if names := files(t, childFS); strings.Contains(names, "pins") {
			t.Errorf("%d descriptors: left: %s", limit-top, names)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

func setLimit(t *testing.T, n uint64) {
	t.Helper()
	var l syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l)
	l.Cur = n
	if err = errors.Join(err, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)); err != nil {
		t.Fatal(err)
	}
}

// TestSignals loads and publishes while the process gets as many signals as can be sent.
func TestSignals(t *testing.T) {
	if !inChild(t) {
		return
	}
	end := time.Now().Add(300 * time.Millisecond)
	var g sync.WaitGroup
	for i := range 4 {
		g.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			me, done := syscall.Gettid(), make(chan bool)
			defer close(done)
			go func() {
				for {
					select {
					case <-done:
						return
					default:
						_ = syscall.Tgkill(os.Getpid(), me, syscall.SIGURG)
					}
				}
			}()
			for n := 0; n == 0 || time.Now().Before(end); n++ {
				dir := fmt.Sprintf("%s/dir%d", childFS, i)
				got, err := Load(shared("a", "b"), Options{PinDir: dir})
				if err != nil {
					t.Error(err)
					return
				}
				got.Close()
				if err := os.RemoveAll(dir); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	g.Wait()
}

// TestFilteredCommands lets a filter of system calls deny one command of bpf(2) after the other.
func TestFilteredCommands(t *testing.T) {
	commands := map[string]uint32{ // enum bpf_cmd
		"BPF_MAP_CREATE": 0, "BPF_MAP_UPDATE_ELEM": 2, "BPF_PROG_LOAD": 5, "BPF_OBJ_PIN": 6, "BPF_OBJ_GET": 7, "BPF_MAP_FREEZE": 22,
	}
	if what := os.Getenv(childEnv); what != "" {
		if _, err := os.ReadFile("/proc/self/status"); err != nil { // with the first file the runtime opens what it polls with
			t.Fatal(err)
		}
		c := counter()
		c.Maps[0].Pinning = spec.PinByName
		if err := sys.DenyBPF(commands[what]); err != nil {
			t.Fatal(err)
		}
		fds := files(t, "/proc/self/fd")
		_, err := Load(c, Options{PinDir: childFS + "/pins"})
		if !errors.Is(err, ErrPermission) || !strings.Contains(err.Error(), "seccomp") {
			t.Errorf("%s: %v", what, err)
		}
		if now := files(t, "/proc/self/fd"); now != fds {
			t.Errorf("%s: descriptors %s, before %s", what, now, fds)
		}
		return
	}
	needKernel(t)
	for name := range commands {
		root := bpffs(t)
		before := listing(t, root)
		out, err := child(t, name, root).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if now := listing(t, root); now != before {
			t.Errorf("%s: left: %s", name, now)
		}
	}
}

// TestMemoryLimit loads a map that is larger than the memory that the process may have.
func TestMemoryLimit(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		c := shared("a")
		c.Maps = append(c.Maps, &spec.Map{Name: "large", Type: spec.MapArray, KeySize: 4, ValueSize: 1 << 20, MaxEntries: 512})
		got, err := Load(c, Options{PinDir: childFS + "/pins"})
		if err == nil {
			got.Close()
			t.Fatal("loaded")
		}
		if !errors.Is(err, sys.ENOMEM) || !strings.HasPrefix(err.Error(), `create map "large"`) {
			t.Error(err)
		}
		return
	}
	needKernel(t)
	k := NewKernel()
	defer k.Close()
	if k.ChargesMemlock() {
		t.Skip("needs kernel 5.11, which charges maps to groups of processes")
	}
	group := memoryGroup(t, 128<<20)
	root := bpffs(t)
	before := listing(t, root)
	cmd := child(t, "load", root)
	cmd.Env = append(cmd.Env, "GOMEMLIMIT=64MiB")
	dir, err := os.Open(group)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cmd.Args = append([]string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, group, "/proc/self/exe"}, cmd.Args[1:]...)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args[4], cmd.Path = exe, "/bin/sh"
	out, err := cmd.CombinedOutput()
	killed := cmd.ProcessState != nil && strings.Contains(cmd.ProcessState.String(), "killed") // by the kernel, for want of memory
	if !killed && (err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name())) {
		t.Errorf("%v\n%s", err, out)
	}
	if !killed && listing(t, root) != before {
		t.Errorf("left: %s", listing(t, root))
	}
}

// memoryGroup makes a group of processes with a limit of memory, or skips.
func memoryGroup(t *testing.T, limit int) string {
	t.Helper()
	name := fmt.Sprintf("bpfhost-test-%d", os.Getpid())
	for _, v := range []struct{ dir, file string }{{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"}} {
		group := filepath.Join(v.dir, name)
		if os.Mkdir(group, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(group) })
		if os.WriteFile(filepath.Join(group, v.file), fmt.Append(nil, limit), 0) == nil {
			return group
		}
	}
	t.Skip("needs CONFIG_MEMCG, and a group that limits memory")
	return ""
}
