package kernel

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/sys"
)

func TestExplainPin(t *testing.T) {
	fd, err := sys.Mount("bpf")
	kerneltest.Check(t, err)
	defer fd.Close()
	raw, err := fd.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Release()
	dir, outside := fmt.Sprintf("/proc/self/fd/%d", raw), t.TempDir()
	none := outside + " is not in a bpf file system, which is usually mounted at /sys/fs/bpf: bpf is not mounted at " + outside +
		"; run: mount -t bpf bpf " + outside
	k := fake(6<<16 | 12<<8)
	for _, tt := range []struct {
		path string
		err  sys.Errno
		is   error // nil is none but err
		text string
	}{
		{outside + "/x", sys.EPERM, ErrNotMounted, none},
		{outside + "/x", sys.EACCES, ErrNotMounted, none}, // a file that is no pin
		{outside + "/x", sys.ENOENT, ErrNotMounted, none},
		{outside + "/x", sys.EEXIST, nil, sys.EEXIST.Error()},
		{dir + "/a.b", sys.EPERM, nil, "names in a bpf file system have no dots"},
		{dir + "/none/x", sys.ENOENT, os.ErrNotExist, "there is no " + dir + "/none/x: make the directory first"},
	} {
		err := k.ExplainPin(tt.path, tt.err)
		if err.Error() != tt.text || errors.Is(err, ErrPermission) || errors.Is(err, ErrNotSupported) || !errors.Is(err, tt.err) ||
			tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s, %v: %v, want %s", tt.path, tt.err, err, tt.text)
		}
	}
	if err := k.ExplainPin(dir+"/x", sys.EPERM); !errors.Is(err, ErrPermission) {
		t.Errorf("a right that is missing: %v", err)
	}
	if kerneltest.Hide(t, "/sys") {
		const want = "bpf is not mounted at /sys/fs/bpf; run: mount -t bpf bpf /sys/fs/bpf"
		if err := k.ExplainPin("/sys/fs/bpf/app/x", sys.ENOENT); !errors.Is(err, ErrNotMounted) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
