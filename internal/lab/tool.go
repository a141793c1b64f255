package lab

import (
	"debug/elf"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// tools are the programs that the lab runs, and the Debian packages that have them.
var tools = []struct{ name, pkg string }{
	{"qemu-system-x86_64", "qemu-system-x86"},
	{"busybox", "busybox-static"},
	{"xz", "xz-utils"},
	{"apt-get", "apt"},
	{"dpkg-deb", "dpkg"},
}

// ErrTool is wrapped by the error that a program which the lab runs is missing.
var ErrTool = errors.New("not installed")

// CheckTools reports in one line which programs are missing, and how to install them. The error
// wraps ErrTool.
func CheckTools() error {
	var names, pkgs []string
	for _, t := range tools {
		file, err := exec.LookPath(t.name)
		if err == nil && (t.name != "busybox" || isStatic(file)) {
			continue
		}
		if err == nil {
			t.name = "static busybox"
		}
		names, pkgs = append(names, t.name), append(pkgs, t.pkg)
	}
	if names == nil {
		return nil
	}
	return fmt.Errorf("find %s: %w (apt-get install %s)", strings.Join(names, ", "), ErrTool, strings.Join(pkgs, " "))
}

// isStatic reports whether a program needs no libraries, of which the machine has none.
func isStatic(file string) bool {
	f, err := elf.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return false
		}
	}
	return true
}
