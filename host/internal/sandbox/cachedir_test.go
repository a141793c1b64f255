//go:build unix

package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestCacheDir(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		make func(dir string)
		want string // "" is fine
	}{
		{"missing", func(string) {}, ""},
		{"private", func(d string) { must(os.Mkdir(d, 0o700)) }, ""},
		{"group can list", func(d string) { must(os.Mkdir(d, 0o750)) }, "can be reached by others (mode 0750, wants 0700)"},
		{"others can pass", func(d string) { must(os.Mkdir(d, 0o701)) }, "can be reached by others (mode 0701, wants 0700)"},
		{"symbolic link", func(d string) { must(os.Symlink(t.TempDir(), d)) }, "is a symbolic link"},
		{"dangling link", func(d string) { must(os.Symlink(d+"/none", d)) }, "is a symbolic link"},
		{"file", func(d string) { must(os.WriteFile(d, nil, 0o600)) }, "is not a directory"},
		{"parent open to all", func(d string) { must(os.Chmod(filepath.Dir(d), 0o777)) }, "can be written by others (mode 0777)"},
		{"sticky parent", func(d string) { must(os.Chmod(filepath.Dir(d), 0o777|os.ModeSticky)) }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			tt.make(dir)
			e, err := NewEngine(EngineOptions{CacheDir: dir})
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				e.Close()
				if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
					t.Errorf("directory has mode %v, %v", info.Mode(), err)
				}
				return
			}
			if !errors.Is(err, ErrCacheDir) || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("error %v, want ErrCacheDir and %q", err, tt.want)
			}
		})
	}
}

func TestCacheDirOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Skip(t, testenv.Kernel, "only root can give a directory away")
	}
	for _, below := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "cache")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		want := "belongs to another user"
		if below {
			dir = filepath.Join(dir, "own")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := NewEngine(EngineOptions{CacheDir: dir}); !errors.Is(err, ErrCacheDir) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("below %v: %v, want %q", below, err, want)
		}
	}
}
