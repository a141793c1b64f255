package lab

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenImage(t *testing.T) {
	const lib = "lib/modules/6.8.1-x/"
	for _, c := range []struct {
		name, files              string
		release, config, modules string
		cpu, err                 string
	}{
		{"package", "boot/vmlinuz-6.8.1-x boot/config-6.8.1-x boot/config-5 " + lib + "kernel/a.ko", "6.8.1-x", "boot/config-6.8.1-x", lib + "kernel", "", ""},
		{"newer package", "usr/lib/modules/7.1/vmlinuz usr/lib/modules/7.1/config usr/lib/modules/7.1/kernel/a.ko", "7.1",
			"usr/lib/modules/7.1/config", "usr/lib/modules/7.1/kernel", "max", ""},
		{"both", "boot/vmlinuz-10.0 usr/lib/modules/10.0/vmlinuz", "10.0", "", "", "max", ""},
		{"boot alone", "vmlinuz-6.8 config-6.8", "6.8", "config-6.8", "", "", ""},
		{"files", "vmlinuz " + lib + "kernel/a.ko", "6.8.1-x", "", lib + "kernel", "", ""},
		{"one file", "bzImage", "bzImage", "", "", "", ""},
		{"built", "arch/x86/boot/bzImage include/config/kernel.release .config net/a.ko", "include/config/kernel.release", ".config", ".", "", ""},
		{"several", "boot/vmlinuz-5.1 boot/vmlinuz-6.1", "", "", "", "", "there are 2: "},
		{"none", "readme", "", "", "", "", "no boot/vmlinuz-*, "},
		{"missing", "", "", "", "", "", "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			for name := range strings.FieldsSeq(c.files) {
				write(t, filepath.Join(dir, name), name+"\n")
			}
			img, err := OpenImage(t.Context(), dir, t.TempDir())
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), "find a kernel in "+dir+": "+c.err) && !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			at := func(rel string) string {
				if rel == "" {
					return ""
				}
				return filepath.Join(dir, rel)
			}
			if img.Release != c.release || img.Kernel.Name != c.release || img.Config != at(c.config) || img.Modules != at(c.modules) || img.Kernel.CPU != c.cpu {
				t.Errorf("got %+v", img)
			}
			checkInitrd(t, img, c.config != "")
		})
	}
}

// checkInitrd packs the initial RAM disk of an image.
func checkInitrd(t *testing.T, img *Image, config bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "initrd")
	if err := (Machine{Image: img}).writeInitrd(file); errors.Is(err, exec.ErrNotFound) {
		return // no busybox
	} else if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil || bytes.Contains(b, []byte("boot/config-"+img.Release+"\x00")) != config {
		t.Errorf("configuration is in the disk: %v, %v", !config, err)
	}
}

// TestOpenPackage has a dpkg-deb that makes the file which the package holds the name of.
func TestOpenPackage(t *testing.T) {
	bin := t.TempDir()
	program(t, bin, "dpkg-deb", []byte("#!/bin/sh\nread name <$2 && mkdir -p $3/boot && echo >$3/boot/$name || { echo bad package; exit 1; }\n"))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.deb"), "vmlinuz-7.2\n")
	write(t, filepath.Join(dir, "b.deb"), "config-7.2\n")
	write(t, filepath.Join(dir, "empty.deb.part"), "")
	if img, err := OpenImage(t.Context(), filepath.Join(dir, "a.deb"), t.TempDir()); err != nil || img.Release != "7.2" || img.Config != "" {
		t.Errorf("one package: %+v, %v", img, err)
	}
	if img, err := OpenImage(t.Context(), dir, t.TempDir()); err != nil || filepath.Base(img.Config) != "config-7.2" {
		t.Errorf("a folder of packages: %+v, %v", img, err)
	}
	write(t, filepath.Join(dir, "c.deb"), "")
	if _, err := OpenImage(t.Context(), filepath.Join(dir, "c.deb"), t.TempDir()); err == nil || !strings.Contains(err.Error(), "unpack c.deb: exit status 1: bad package") {
		t.Errorf("a broken package: %v", err)
	}
}

// TestImageBoots makes a package of a kernel and boots that.
func TestImageBoots(t *testing.T) {
	img := need(t, "6.1")
	dir := t.TempDir()
	name := filepath.Base(img.Vmlinuz)
	if err := os.MkdirAll(filepath.Join(dir, "root/boot"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(img.Vmlinuz, filepath.Join(dir, "root/boot", name)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "root/DEBIAN/control"), "Package: linux-image-own\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\nDescription: test\n")
	deb := filepath.Join(dir, "own.deb")
	if out, err := exec.CommandContext(t.Context(), "dpkg-deb", "--root-owner-group", "-Znone", "-b", filepath.Join(dir, "root"), deb).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	own, err := OpenImage(t.Context(), deb, dir)
	if err != nil {
		t.Fatal(err)
	}
	checkBoot(t.Context(), t, Machine{Image: own}, "uname -r; echo $BPFHOST_LAB", img.Release+"\n"+img.Release+"\n")
}

// checkBoot runs a script in a machine and compares what it writes.
func checkBoot(ctx context.Context, t *testing.T, m Machine, text, want string) {
	t.Helper()
	m.Jobs = []Job{script(t, "script", text)}
	res, err := m.Run(ctx)
	if err != nil || res[0].Output != want {
		t.Fatalf("%v, %+v", err, res)
	}
}
