package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Image is a kernel on disk, ready to boot.
type Image struct {
	Kernel  Kernel
	Release string // uname -r
	Dir     string // folder of the files below
	Vmlinuz string // boot image
	Config  string // kernel configuration; "" where that is not known
	Modules string // folder lib/modules/RELEASE/kernel; "" where there are none
}

// manifest is what the store remembers of an image.
type manifest struct {
	Release  string            `json:"release"`
	Packages []string          `json:"packages"`
	Vmlinuz  string            `json:"vmlinuz"`
	Config   string            `json:"config"`
	Modules  string            `json:"modules"`
	SHA256   map[string]string `json:"sha256"` // of boot image and configuration
}

// Store keeps images in a folder.
type Store struct {
	Dir string // "" is bpfhost/lab in the user's cache folder
	Log io.Writer
}

// folder is where the store keeps a kernel.
func (s Store) folder(k Kernel) (string, error) {
	dir := s.Dir
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find cache folder: %w", err)
		}
		dir = filepath.Join(cache, "bpfhost", "lab")
	}
	return filepath.Join(dir, k.Name), nil
}

// Image returns a kernel's image, fetching it when the store does not hold it whole.
func (s Store) Image(ctx context.Context, k Kernel) (*Image, error) {
	dir, err := s.folder(k)
	if err != nil {
		return nil, err
	}
	img, err := open(k, dir)
	if err == nil {
		return img, nil
	}
	if err := CheckTools(); err != nil {
		return nil, err
	}
	if s.Log != nil {
		fmt.Fprintf(s.Log, "lab: fetching kernel %s (%v)\n", k.Name, err)
	}
	if err := fetch(ctx, k, dir); err != nil {
		return nil, fmt.Errorf("fetch kernel %s: %w", k.Name, err)
	}
	return open(k, dir)
}

// open reads an image from its folder and checks it against its checksums.
func open(k Kernel, dir string) (*Image, error) {
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("not in the cache")
	}
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if err := checkSums(dir, m.SHA256); err != nil {
		return nil, err
	}
	return &Image{Kernel: k, Release: m.Release, Dir: dir, Vmlinuz: filepath.Join(dir, m.Vmlinuz),
		Config: filepath.Join(dir, m.Config), Modules: filepath.Join(dir, m.Modules)}, nil
}

// checkSums compares files of a folder with their checksums.
func checkSums(dir string, sums map[string]string) error {
	for name, want := range sums {
		got, err := fileSum(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("check %s: its checksum is not that of the manifest", name)
		}
	}
	return nil
}

// fetch downloads and unpacks beside the final folder, so that a folder in the store is always
// whole.
func fetch(ctx context.Context, k Kernel, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), k.Name+".part-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	a, err := newApt(filepath.Join(tmp, "apt"), k.Suite)
	if err != nil {
		return err
	}
	if err := a.update(ctx); err != nil {
		return err
	}
	names, err := a.closure(ctx, k.Meta)
	if err != nil {
		return err
	}
	debs, err := a.download(ctx, names)
	if err != nil {
		return err
	}
	root := filepath.Join(tmp, "root")
	for _, deb := range debs {
		if err := unpackDeb(ctx, deb, root); err != nil {
			return err
		}
	}
	if err := writeManifest(root, names); err != nil {
		return err
	}
	return replaceFolder(root, dir)
}

// writeManifest finds boot image, configuration and modules wherever the packages put them: below
// boot and lib in the older ones, below usr/lib/modules in the newer.
func writeManifest(root string, packages []string) error {
	m := manifest{Packages: packages, SHA256: map[string]string{}}
	for _, p := range []struct {
		to    *string
		globs []string
	}{
		{&m.Vmlinuz, []string{"boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz"}},
		{&m.Config, []string{"boot/config-*", "usr/lib/modules/*/config"}},
		{&m.Modules, []string{"lib/modules/*/kernel", "usr/lib/modules/*/kernel"}},
	} {
		for _, g := range p.globs {
			if found, _ := filepath.Glob(filepath.Join(root, g)); len(found) > 0 {
				rel, err := filepath.Rel(root, found[0])
				if err != nil {
					return err
				}
				*p.to = rel
			}
		}
		if *p.to == "" {
			return fmt.Errorf("search packages %s: no %s", strings.Join(packages, " "), p.globs[0])
		}
	}
	m.Release = filepath.Base(filepath.Dir(m.Modules))
	for _, name := range []string{m.Vmlinuz, m.Config} {
		sum, err := fileSum(filepath.Join(root, name))
		if err != nil {
			return err
		}
		m.SHA256[name] = sum
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "manifest.json"), append(b, '\n'), 0o644)
}

func fileSum(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
