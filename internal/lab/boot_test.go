package lab

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/google/go-cmp/cmp"
)

func TestCollector(t *testing.T) {
	jobs := []Job{{Name: "a"}, {Name: "b"}}
	for _, c := range []struct {
		name, in string
		want     []Result
		done     bool
	}{
		{"whole", "@@lab ready 6.1\r\n@@lab start 0\r\nhello\r\n@@lab exit 0 0\r\n@@lab start 1\r\n@@lab exit 1 3\r\n@@lab done\r\n",
			[]Result{{Job: jobs[0], Output: "hello\n"}, {Job: jobs[1], Exit: 3}}, true},
		{"died", "@@lab start 0\r\nhel", []Result{{Job: jobs[0], Exit: -1, Output: "hel\n"}}, false},
		{"forged number", "@@lab start 7\r\n@@lab exit 7 0\r\n", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			col := collector{jobs: jobs, booted: time.Now()}
			col.read(strings.NewReader(c.in))
			for i := range col.results {
				if col.results[i].Start < 0 {
					t.Errorf("started after %v", col.results[i].Start)
				}
				col.results[i].Start, col.results[i].Time = 0, 0
			}
			if d := cmp.Diff(c.want, col.results); d != "" || col.done != c.done {
				t.Errorf("done %v\n%s", col.done, d)
			}
		})
	}
}

func TestJobScript(t *testing.T) {
	if kernelEnv != testenv.InLab {
		t.Errorf("%s is not %s", kernelEnv, testenv.InLab)
	}
	m := Machine{Image: &Image{Kernel: Kernels[0]}, Jobs: []Job{{Dir: "/src/a b", Args: []string{"-run=X|'Y'"}, Env: []string{"A=1 2"}}}}
	want := `export BPFHOST_LAB='5.10'
echo '@@lab start 0'
mkdir -p '/src/a b' && cd '/src/a b'
A='1 2' /lab/job0 '-run=X|'\''Y'\''' </dev/null
echo "@@lab exit 0 $?"
`
	if d := cmp.Diff(want, m.jobScript()); d != "" {
		t.Error(d)
	}
}

func TestTail(t *testing.T) {
	l := &tail{max: 2}
	for _, s := range []string{"a\nb", "c\nd\n", "e"} {
		if _, err := l.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.String(); got != "bc\nd\ne" {
		t.Errorf("got %q", got)
	}
	l = &tail{max: 2, mark: "panic"}
	for _, s := range []string{"a\npanic 1\n", "b\n", "c\npanic 2\n", "d\ne\nf"} {
		if _, err := l.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.String(); got != "panic 1\n[…]\nd\ne\nf" {
		t.Errorf("with a mark: got %q", got)
	}
}

// need returns a kernel's image, or skips where virtual machines cannot run.
func need(t *testing.T, name string) *Image {
	t.Helper()
	if !testenv.Required(testenv.Lab) {
		t.Skip("needs lab: set BPFHOST_REQUIRE=lab to boot virtual machines")
	}
	for _, tool := range []string{"qemu-system-x86_64", "busybox", "dpkg-deb", "apt-get", "xz"} {
		if _, err := exec.LookPath(tool); err != nil {
			testenv.Skip(t, testenv.Lab, tool+" is not installed")
		}
	}
	k, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := Store{Log: t.Output()}.Image(t.Context(), k)
	if err != nil {
		testenv.Skip(t, testenv.Lab, err.Error())
	}
	return img
}

// script makes a job of a shell script.
func script(t *testing.T, name, text string) Job {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return Job{Name: name, Binary: file, Dir: "/tmp"}
}

// TestMachineFails boots machines that end badly. Each must say how, in time, and show its console.
func TestMachineFails(t *testing.T) {
	img := need(t, "6.12")
	for _, c := range []struct {
		name, text, want string
		silence          time.Duration
	}{
		{"panic", "echo c >/proc/sysrq-trigger; sleep 60", "kernel panic", time.Minute},
		{"hang", "echo before; sleep 600", "hang: no output for 12s", 12 * time.Second},
		{"early end", "poweroff -f; sleep 60", "stopped before the tests ended", time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Machine{Image: img, Jobs: []Job{script(t, c.name, c.text)}, Silence: c.silence}
			res, err := m.Run(t.Context())
			if !errors.Is(err, ErrMachine) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if len(res) != 1 || res[0].Exit != -1 {
				t.Errorf("got results %+v, want one that did not end", res)
			}
		})
	}
}

func TestMachineMissingKernel(t *testing.T) {
	img := need(t, "6.12")
	_, err := Machine{Image: img, Vmlinuz: filepath.Join(t.TempDir(), "vmlinuz")}.Run(t.Context())
	if !errors.Is(err, ErrMachine) || !strings.Contains(err.Error(), "vmlinuz") {
		t.Errorf("got %v", err)
	}
}

func TestMachineCanceled(t *testing.T) {
	img := need(t, "6.12")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Machine{Image: img}).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("before it starts: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	running := writerFunc(func(b []byte) (int, error) { // the job is running
		cancel()
		return len(b), nil
	})
	m := Machine{Image: img, Jobs: []Job{script(t, "hang", "echo up; sleep 600")}, Output: running, Silence: time.Minute}
	if res, err := m.Run(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, ErrMachine) || len(res) != 1 || res[0].Exit != -1 {
		t.Errorf("while it runs: %v, %v", err, res)
	}
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestMachineFiles brings files into a machine and others back.
func TestMachineFiles(t *testing.T) {
	img := need(t, "6.12")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	j := script(t, "copy", "cp /lab/given/in "+CollectDir+"/out; grep -c CONFIG_BPF=y /boot/config-$(uname -r); echo kernel $BPFHOST_LAB")
	j.Files = map[string]string{"/lab/given": dir}
	out := filepath.Join(dir, "collected")
	res, err := Machine{Image: img, Jobs: []Job{j}, Collect: out}.Run(t.Context())
	if err != nil || res[0].Output != "1\nkernel 6.12\n" {
		t.Fatalf("%v, %+v", err, res)
	}
	if b, err := os.ReadFile(filepath.Join(out, "out")); string(b) != "hello" {
		t.Errorf("got %q, %v", b, err)
	}
}
