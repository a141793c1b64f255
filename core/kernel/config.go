package kernel

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// Config returns the value of a build option of the kernel, "CONFIG_HZ", as its configuration file
// has it ("y", "m", "250", "\"text\""); ok is false when the option is not set.
func (k *Kernel) Config(name string) (value string, ok bool, err error) {
	c, err := k.config()
	if err != nil {
		return "", false, err
	}
	value, ok = c[name]
	return value, ok, nil
}

// readConfig reads the kernel's configuration where the kernel or the distribution keeps it.
func readConfig() (map[string]string, error) {
	if f, err := os.Open("/proc/config.gz"); err == nil {
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("read /proc/config.gz: %w", err)
		}
		return parseConfig(z)
	}
	release, _, err := sys.Uname()
	if err != nil {
		return nil, fmt.Errorf("read kernel configuration: %w", err)
	}
	f, err := os.Open("/boot/config-" + release)
	if err != nil {
		return nil, fmt.Errorf("read kernel configuration: neither /proc/config.gz nor /boot/config-%s can be read: %w", release, ErrNotSupported)
	}
	defer f.Close()
	return parseConfig(f)
}

func parseConfig(r io.Reader) (map[string]string, error) {
	c := make(map[string]string)
	s := bufio.NewScanner(r)
	for s.Scan() {
		line := s.Text()
		if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, "CONFIG_") {
			c[name] = value
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read kernel configuration: %w", err)
	}
	return c, nil
}
