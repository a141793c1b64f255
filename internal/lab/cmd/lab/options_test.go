package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/internal/lab"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		args     string
		kernels  int
		packages string
		run      string
	}{
		{"", 1, strings.Join(lab.Packages, " "), ""},
		{"-kernel all", len(lab.Kernels), strings.Join(lab.Packages, " "), ""},
		{"-kernel 5.10,7.x -short core/link", 2, "core/link", ""},
		{"./core/link -run XDP", 1, "core/link", "XDP"},
		{"-run XDP core/link/ -kernel 5.10 ./host", 1, "core/link host", "XDP"},
		{"core/link -kernel=all -silence 7s core/ring -run=A|B", len(lab.Kernels), "core/link core/ring", "A|B"},
	} {
		var stderr bytes.Buffer
		o, err := parse(strings.Fields(c.args), &stderr)
		if err != nil || stderr.Len() > 0 {
			t.Errorf("%q: %v: %s", c.args, err, &stderr)
		}
		if len(o.kernels) != c.kernels || strings.Join(o.packages, " ") != c.packages || o.run != c.run {
			t.Errorf("%q: got %+v", c.args, o)
		}
	}
	o, err := parse([]string{"x", "-silence", "7s", "-require", "kernel,clang", "-modules", "a,b", "-modules=c", "-without", "sys,btf", "-coverprofile", "c.out"}, new(bytes.Buffer))
	if err != nil || o.silence != 7*time.Second || o.require != "kernel,clang" || o.cover != "c.out" || len(o.without) != 2 || !slices.Equal(o.modules, []string{"a", "b", "c"}) {
		t.Errorf("got %+v, %v", o, err)
	}
	if i := slices.IndexFunc(lab.Kernels, func(k lab.Kernel) bool { return k.Name == o.kernels[0].Name }); i < 0 {
		t.Errorf("the default kernel is %v", o.kernels)
	}
}

func TestParseRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"-kernel 2.6":                   `lab: find kernel "2.6": there are 5.10, 6.1, 6.12, 7.x`,
		"core/link -nosuch":             "flag provided but not defined: -nosuch",
		"-silence soon":                 `invalid value "soon"`,
		"-shell -kernel all":            "-shell is for one kernel",
		"-vmlinuz x -kernel all":        "-vmlinuz replaces one kernel",
		"-image x -kernel 6.1":          "-image is a kernel of its own",
		"-image x -vmlinuz x":           "-image is a kernel of its own",
		"-without x":                    `find feature "x": there are bpf-lsm, sys, btf`,
		"-without sys -facts":           "-facts is for whole machines",
		"-image x -facts":               "-facts is for kernels of the lab",
		"-facts -vmlinuz x":             "-facts is for kernels of the lab",
		"-h":                            "usage: lab [flags] [packages]",
		"core/link core/ring -kernel x": `find kernel "x"`,
	} {
		var stderr bytes.Buffer
		// run is given the same, so that no wrong line starts a machine.
		code, err := run(context.Background(), strings.Fields(args), new(bytes.Buffer), &stderr)
		if code != 2 || err != nil || !strings.Contains(stderr.String(), want) {
			t.Errorf("%q: exit code %d, %v: %s", args, code, err, &stderr)
		}
	}
}

// TestImages opens the kernel that -image names; nothing is fetched.
func TestImages(t *testing.T) {
	dir := t.TempDir()
	o, err := parse([]string{"core/link", "-image", dir}, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := images(t.Context(), lab.Store{}, o, t.TempDir()); err == nil || !strings.Contains(err.Error(), "find a kernel in "+dir) {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "vmlinuz-6.8"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := images(t.Context(), lab.Store{}, o, t.TempDir()); err != nil || len(got) != 1 || got[0].Kernel.Name != "6.8" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestMissingTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	code, err := run(context.Background(), []string{"core/link"}, new(bytes.Buffer), new(bytes.Buffer))
	if code == 0 || err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "apt-get install qemu-system-x86") {
		t.Errorf("exit code %d, %v", code, err)
	}
}
