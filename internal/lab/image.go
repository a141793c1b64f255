package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The files of a kernel, by the layouts that folders have: what a package unpacks to or the root of
// a system, /boot alone, a folder that holds the files themselves, and one that a kernel was built
// in. %s is its release.
var (
	vmlinuzFiles = []string{"boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz", "lib/modules/*/vmlinuz", "vmlinuz-*", "vmlinuz", "bzImage", builtVmlinuz}
	configFiles  = []string{"boot/config-%s", "usr/lib/modules/%s/config", "lib/modules/%s/config", "config-%s", ".config"}
	moduleDirs   = []string{"usr/lib/modules/%s/kernel", "lib/modules/%s/kernel"}
)

const (
	builtVmlinuz = "arch/x86/boot/bzImage"         // which has no release in its name
	builtRelease = "include/config/kernel.release" // beside it
)

// OpenImage returns the kernel that is in a folder, in a Debian package or in a folder of packages,
// which it unpacks below dir. Configuration and modules are left empty where there are none;
// several kernels are an error. The files are used where they are, and have no checksums.
func OpenImage(ctx context.Context, path, dir string) (*Image, error) {
	debs := []string{path}
	if filepath.Ext(path) != ".deb" {
		var err error
		if debs, err = filepath.Glob(filepath.Join(path, "*.deb")); err != nil {
			return nil, fmt.Errorf("find packages in %s: %w", path, err)
		}
	}
	for _, deb := range debs {
		path = filepath.Join(dir, "image")
		if err := unpackDeb(ctx, deb, path); err != nil {
			return nil, err
		}
	}
	img, err := searchImage(path)
	if err != nil {
		return nil, fmt.Errorf("find a kernel in %s: %w", path, err)
	}
	return img, nil
}

func unpackDeb(ctx context.Context, deb, to string) error {
	if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", deb, to).CombinedOutput(); err != nil {
		return fmt.Errorf("unpack %s: %w: %s", filepath.Base(deb), err, lastLine(string(out)))
	}
	return nil
}

// searchImage finds the kernel of a folder.
func searchImage(root string) (*Image, error) {
	if _, err := os.ReadDir(root); err != nil {
		return nil, err
	}
	img := &Image{Dir: root}
	for _, pattern := range vmlinuzFiles {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		if len(found) > 1 {
			return nil, fmt.Errorf("there are %d: %s", len(found), strings.Join(found, ", "))
		}
		if len(found) == 1 {
			img.Vmlinuz = found[0]
			break
		}
	}
	if img.Vmlinuz == "" {
		return nil, fmt.Errorf("no %s: %w", strings.Join(vmlinuzFiles, ", "), fs.ErrNotExist)
	}
	built := img.Vmlinuz == filepath.Join(root, builtVmlinuz)
	var err error
	if img.Release, err = releaseOf(root, img.Vmlinuz, built); err != nil {
		return nil, err
	}
	img.Config, img.Modules = existing(root, configFiles, img.Release), existing(root, moduleDirs, img.Release)
	if built {
		img.Modules = root
	}
	img.Kernel = Kernel{Name: img.Release, CPU: cpuOf(img.Release)}
	return img, nil
}

// releaseOf reads a kernel's release in the names of its files. Where they have none, the file's
// name stands for it.
func releaseOf(root, vmlinuz string, built bool) (string, error) {
	if built {
		b, err := os.ReadFile(filepath.Join(root, builtRelease))
		return strings.TrimSpace(string(b)), err
	}
	base := filepath.Base(vmlinuz)
	if release, ok := strings.CutPrefix(base, "vmlinuz-"); ok {
		return release, nil
	}
	if above := filepath.Dir(vmlinuz); above != filepath.Clean(root) {
		return filepath.Base(above), nil
	}
	found, err := filepath.Glob(filepath.Join(root, "lib/modules/*/kernel"))
	if err == nil && len(found) == 1 {
		base = filepath.Base(filepath.Dir(found[0]))
	}
	return base, err
}

// existing returns the first file that there is, or "".
func existing(root string, patterns []string, release string) string {
	for _, p := range patterns {
		name := filepath.Join(root, strings.ReplaceAll(p, "%s", release))
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
	return ""
}

// cpuOf returns what Kernel.CPU is for a release; the reason is in Kernels.
func cpuOf(release string) string {
	var major int
	if scan(release, "%d.", &major) && major >= 7 {
		return "max"
	}
	return ""
}
