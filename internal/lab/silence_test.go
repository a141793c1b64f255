package lab

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWatch writes for far longer than the limit, with shorter pauses, and then no more.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		out, in := io.Pipe()
		w := newWatch(out, time.Minute, cancel)
		defer w.stop()
		go func() {
			for range 10 {
				time.Sleep(59 * time.Second)
				in.Write([]byte("."))
			}
			<-ctx.Done()
			in.Close()
		}()
		begun := time.Now()
		if b, err := io.ReadAll(w); len(b) != 10 || err != nil {
			t.Errorf("read %q, %v", b, err)
		}
		if took := time.Since(begun); took != 10*59*time.Second+time.Minute || !errors.Is(context.Cause(ctx), errSilent) {
			t.Errorf("ended after %v with %v", took, context.Cause(ctx))
		}
	})
}

func TestWatchStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		w := newWatch(strings.NewReader("x"), time.Minute, cancel)
		if _, err := io.Copy(io.Discard, w); err != nil {
			t.Error(err)
		}
		w.stop()
		time.Sleep(time.Hour)
		if ctx.Err() != nil {
			t.Error("it watches what has ended")
		}
	})
}

// fakeMachine is a machine whose QEMU is a shell script. Descriptor 3 is the port that jobs write
// to.
func fakeMachine(t *testing.T, script string) Machine {
	t.Helper()
	dir := t.TempDir()
	for _, tool := range tools {
		program(t, dir, tool.name, elfFile(elf.PT_LOAD))
	}
	program(t, dir, "qemu-system-x86_64", []byte("#!/bin/sh\n"+script+"\n"))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	img, err := Store{Dir: t.TempDir()}.fake(t, Kernels[0])
	if err != nil {
		t.Fatal(err)
	}
	return Machine{Image: img, Jobs: []Job{{Name: "core/a", Binary: "/dev/null"}, {Name: "core/b", Binary: "/dev/null"}}}
}

func (s Store) fake(t *testing.T, k Kernel) (*Image, error) {
	t.Helper()
	fakeImage(t, s, k)
	return s.Image(t.Context(), k)
}

// TestMachineSilent has machines that stop writing: before the first job, in the second one, and
// after the last.
func TestMachineSilent(t *testing.T) {
	for name, c := range map[string]struct {
		script, want string
		results      int
	}{
		"boot":   {"exec sleep 60", "the virtual machine failed: no output for 400ms", 0},
		"job":    {"echo '@@lab start 0\n@@lab exit 0 0\n@@lab start 1\n=== RUN TestX' >&3; exec sleep 60", "core/b: no output for 400ms", 1 + 1},
		"noise":  {"echo '@@lab start 0' >&3; for i in 1 2 3 4 5 6 7 8; do echo stall; sleep 0.1; done; exec sleep 60", "core/a: no output for 400ms", 1},
		"ending": {"echo '@@lab start 0\n@@lab exit 0 0\n@@lab start 1\n@@lab exit 1 0\n@@lab done' >&3; exec 3>&-; exec sleep 60", "no output for 400ms", 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := fakeMachine(t, c.script)
			m.Silence = 400 * time.Millisecond
			res, err := m.Run(t.Context())
			if !errors.Is(err, ErrMachine) || !strings.Contains(err.Error(), c.want) || len(res) != c.results {
				t.Errorf("%d results, %v", len(res), err)
			}
		})
	}
}

// TestMachineFake has a machine that ends well, and one whose caller has no more time.
func TestMachineFake(t *testing.T) {
	var live bytes.Buffer
	m := fakeMachine(t, "echo '@@lab start 0\nhello\n@@lab exit 0 0\n@@lab start 1\n@@lab exit 1 0\n@@lab done' >&3")
	m.Output = &live
	if res, err := m.Run(t.Context()); err != nil || len(res) != 2 || res[0].Output != "hello\n" || live.String() != "hello\n" {
		t.Errorf("%+v, %v", res, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	m = fakeMachine(t, "exec sleep 60")
	if _, err := m.Run(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrMachine) {
		t.Errorf("got %v", err)
	}
}
