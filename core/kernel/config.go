package kernel

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	release, _, err := sys.Uname()
	if err != nil {
		return nil, fmt.Errorf("read kernel configuration: %w", err)
	}
	return readConfigOf("/proc/config.gz", "/boot/config-"+release)
}

// readConfigOf reads the first of the files that exists. If there is none, the error wraps
// ErrNotSupported; a file that may not be read is another matter.
func readConfigOf(files ...string) (map[string]string, error) {
	for _, file := range files {
		c, err := readConfigFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read kernel configuration: %w", err)
		}
		return c, nil
	}
	return nil, fmt.Errorf("read kernel configuration: there is none of %s: %w", strings.Join(files, ", "), ErrNotSupported)
}

func readConfigFile(file string) (map[string]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !strings.HasSuffix(file, ".gz") {
		return parseConfig(f)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	return parseConfig(z)
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
	return c, s.Err()
}
