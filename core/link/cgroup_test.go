package link

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestCgroup lets a process in a cgroup of the test make a socket.
func TestCgroup(t *testing.T) {
	for name, attach := range map[string]spec.AttachType{"named": spec.AttachTypeCgroupInetSockCreate, "plain": 0} {
		t.Run(name, func(t *testing.T) {
			dir := newCgroup(t)
			c := load(t, counting(spec.Program{Type: spec.ProgramCgroupSock, AttachType: attach}, false, 1))
			l, err := Cgroup(c.Program("count"), CgroupOptions{Path: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			checkInfo(t, l, c.Program("count"))
			if i, err := l.Info(); err != nil || i.AttachType != spec.AttachTypeCgroupInetSockCreate || i.Cgroup == 0 {
				t.Errorf("info %+v, %v", i, err)
			}
			inCgroup(t, dir)
			if got := count(t, c); got == 0 {
				t.Error("counted no socket")
			}
			l.Close()
			before := count(t, c)
			inCgroup(t, dir)
			if got := count(t, c); got != before {
				t.Errorf("counted %d after Close, %d before", got, before)
			}
		})
	}
}

// socketChild tells this test binary to be the process that inCgroup starts; it holds the cgroup.
const socketChild = "BPFHOST_TEST_SOCKET_IN"

// inCgroup runs this test binary in the cgroup, where it makes a socket and ends.
func inCgroup(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), socketChild+"="+dir, testenv.RaceEnv+"="+testenv.RaceOptions())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// runSocketChild is the process that inCgroup starts.
func runSocketChild(dir string) error {
	if err := os.WriteFile(dir+"/cgroup.procs", []byte("0"), 0); err != nil {
		return err
	}
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	return c.Close()
}

func TestCgroupErrors(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramCgroupSock}, false, 1))
	for path, want := range map[string]string{
		t.TempDir():             "not a directory of a cgroup2 file system",
		"/sys/fs/cgroup/nosuch": "there is no such cgroup",
	} {
		if _, err := Cgroup(c.Program("count"), CgroupOptions{Path: path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// TestCgroupExclusive attaches to a cgroup that has a program which allows no others, and below it.
func TestCgroupExclusive(t *testing.T) {
	above := newCgroup(t)
	below := filepath.Join(above, "below")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(below)
	c := load(t, counting(spec.Program{Type: spec.ProgramCgroupSock, AttachType: spec.AttachTypeCgroupInetSockCreate}, false, 1))
	p := c.Program("count")
	for flags, refused := range map[uint32][]string{
		0:             {above, below},
		allowOverride: {above}, // below, others may stand in for it
		allowMulti:    nil,
	} {
		use := func(fn func(dir, prog int) error) error {
			return atFile(above, func(dir int) error { return p.WithFD(func(prog int) error { return fn(dir, prog) }) })
		}
		attach := uint32(p.AttachType())
		if err := use(func(dir, prog int) error { return sys.AttachProg(dir, prog, attach, flags) }); err != nil {
			t.Fatalf("flags %d: %v", flags, err)
		}
		for _, dir := range []string{above, below} {
			l, err := Cgroup(p, CgroupOptions{Path: dir})
			if !slices.Contains(refused, dir) {
				if err != nil && !errors.Is(err, sys.EEXIST) { // the same program is there
					t.Errorf("flags %d, %s: %v", flags, dir, err)
				}
				if err == nil {
					l.Close()
				}
				continue
			}
			want := "a program at cgroup " + above + " was attached without allowing others (BPF_F_ALLOW_MULTI): detach it first"
			if !errors.Is(err, sys.EPERM) || errors.Is(err, loader.ErrPermission) || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("flags %d, %s: %v", flags, dir, err)
			}
		}
		if err := use(func(dir, prog int) error { return sys.DetachProg(dir, prog, attach) }); err != nil {
			t.Fatal(err)
		}
	}
	if dir := exclusive(t.TempDir(), p.AttachType()); dir != "" {
		t.Errorf("no cgroup at all: %s", dir)
	}
}
