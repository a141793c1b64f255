//go:build linux

package loader

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

var kills = flag.Int("kills", 40, "how many processes TestKilledPublisher kills")

// childEnv tells a process that a test starts what it is for.
const childEnv = "BPFHOST_TEST_CHILD"

// child starts the test again in a process that sees a bpf file system as childFS.
func child(t *testing.T, what, root string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	f, err := os.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	cmd.ExtraFiles = []*os.File{f}
	return cmd
}

// childFS is the root of the bpf file system in a child.
const childFS = "/proc/self/fd/3"

// publishers are what processes do until they are killed. Each makes pins in the directory of its
// name, all or none.
var publishers = map[string]func(n uint32){
	"new": func(n uint32) {
		must(Load(shared("a", "b", "c"), Options{PinDir: fmt.Sprintf("%s/new%d", childFS, n)}))
	},
	"full": func(n uint32) {
		dir := fmt.Sprintf("%s/full%d", childFS, n)
		must(Load(shared("x"), Options{PinDir: dir}))
		must(Load(shared("a", "b", "c"), Options{PinDir: dir}))
	},
	"two": func(n uint32) {
		at := fmt.Sprintf("%s/two%d", childFS, n)
		must(Load(shared("a", "b", "c"), Options{Pins: map[string]string{"a": at + "/a", "b": at + "/b", "c": at + "x/c"}}))
	},
	"replace": func(n uint32) {
		c, err := Load(version(n+1), Options{})
		must(c, err)
		r, err := c.Replace(childFS + "/replace")
		must(c, err)
		if n%3 == 1 {
			err = r.Rollback()
		} else {
			err = r.Close()
		}
		must(c, err)
		c.Close()
	},
}

func must(_ *Collection, err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// TestKilledPublisher kills processes that make pins, at any moment: directories that they published
// are whole or absent, and the next process removes what else they left.
func TestKilledPublisher(t *testing.T) {
	if what := os.Getenv(childEnv); what != "" {
		for n := uint32(0); ; n++ {
			publishers[what](n)
			if n == 0 {
				fmt.Println("ready")
			}
		}
	}
	needKernel(t)
	exchange := exchanges(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	found := 0
	for i := range *kills {
		kind := []string{"new", "full", "two", "replace"}[i%4]
		root := bpffs(t)
		err := killed(t, child(t, kind, root), time.Duration(random.IntN(3000))*time.Microsecond)
		if err == nil && (exchange || kind == "new" || kind == "two") {
			err = whole(t, root, kind)
		}
		if err == nil {
			var left []Leftover
			left, err = RemoveLeftovers(root)
			found += len(left)
		}
		if err == nil {
			err = whole(t, root, kind)
		}
		if names := files(t, root); err == nil && strings.Contains(names, spec.PinStaging) {
			err = fmt.Errorf("left: %s", names)
		}
		if err != nil {
			t.Fatalf("kill %d of %s (seed %d): %v", i, kind, seed, err)
		}
	}
	t.Logf("%d of %d left something", found, *kills)
}

// killed starts a process and kills it some time after it is ready.
func killed(t *testing.T, cmd *exec.Cmd, after time.Duration) error {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait()
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if line == "ready\n" {
			time.Sleep(after)
			return cmd.Process.Kill()
		}
		if err != nil || strings.HasPrefix(line, "failed") {
			cmd.Process.Kill()
			rest, _ := io.ReadAll(lines)
			return fmt.Errorf("the process says %s%s(%v)", line, rest, err)
		}
	}
}

// exchanges reports whether two directories can change places.
func exchanges(t *testing.T) bool {
	t.Helper()
	dir := bpffs(t)
	if err := errors.Join(os.Mkdir(dir+"/a", 0o700), os.Mkdir(dir+"/b", 0o700)); err != nil {
		t.Fatal(err)
	}
	root, err := sys.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	return sys.RenameAt(root, "a", root, "b", sys.RenameExchange) == nil
}

// whole reports directories that are neither whole nor absent.
func whole(t *testing.T, root, kind string) error {
	t.Helper()
	dirs, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if !strings.HasPrefix(d.Name(), kind) {
			continue
		}
		dir := root + "/" + d.Name()
		switch got := files(t, dir); {
		case kind == "replace":
			versionAt(t, dir)
		case got == "a b c " && kind == "new", got == "x " || got == "a b c x ":
		case kind == "two" && (got == "a b " || got == "c "):
		default:
			return fmt.Errorf("%s has %s", d.Name(), got)
		}
	}
	return nil
}
