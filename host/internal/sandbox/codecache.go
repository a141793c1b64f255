package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"

	"github.com/bpfhost/bpfhost/internal/oneline"
)

// codeCache keeps native code, in memory or in a directory. The runtime executes what it finds in a
// file, so each module has a folder, with a list of the digests of its files, and a file that is
// not as it was written is removed before the runtime can read it.
type codeCache struct {
	dir     string            // empty is memory
	damaged func(file string) // told of each file that is damaged; may be nil
	trusted bool              // files are as they were written
	max     int64             // bytes of the directory
	maxIdle int               // bytes of modules in idle

	mu      sync.Mutex // guards what follows
	shared  wazero.CompilationCache
	open    map[[sha256.Size]byte]wazero.CompilationCache // by the digest of the module
	retired []wazero.CompilationCache                     // of folders that were removed
	idle    []idleCode                                    // kept in memory for nobody, the one used last at the end
}

// sumsFile is the list of digests in a folder, a line "DIGEST  FILE" for each.
const sumsFile = "sha256sums"

func newCodeCache(dir string, damaged func(string)) *codeCache {
	c := &codeCache{dir: dir, damaged: damaged, max: defaultCacheBytes, maxIdle: defaultIdleBytes, open: map[[sha256.Size]byte]wazero.CompilationCache{}}
	if dir == "" {
		c.shared = wazero.NewCompilationCache()
	}
	return c
}

// of returns the cache of a module, nil if its folder cannot be used.
func (c *codeCache) of(module [sha256.Size]byte) wazero.CompilationCache {
	if c.dir == "" {
		return c.shared
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.open[module]; have != nil {
		if _, err := os.Stat(c.folder(module)); err == nil {
			return have
		}
		c.retired = append(c.retired, have) // guests may still run what it holds
		delete(c.open, module)
	}
	made, err := wazero.NewCompilationCacheWithDir(c.folder(module))
	if err != nil {
		return nil
	}
	c.open[module] = made
	return made
}

// folder is where the code of a module is.
func (c *codeCache) folder(module [sha256.Size]byte) string {
	return filepath.Join(c.dir, hex.EncodeToString(module[:]))
}

// files lists the files of code of a module, relative to its folder.
func (c *codeCache) files(module [sha256.Size]byte) ([]string, error) {
	var names []string
	root := c.folder(module)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if rel := strings.TrimPrefix(p, root+string(filepath.Separator)); rel != sumsFile {
			names = append(names, rel)
		}
		return nil
	})
	return names, err
}

// verify removes every file of a module that is not as it was written. The files that are left are
// in the map, with their digests; the error says that one that must not be read stays.
func (c *codeCache) verify(module [sha256.Size]byte) (map[string]string, error) {
	return c.verifyBy(module, fileSum)
}

// verifyBy is verify with another function that returns the digest of a file.
func (c *codeCache) verifyBy(module [sha256.Size]byte, fileSum func(path string) (string, error)) (map[string]string, error) {
	if c.dir == "" || c.trusted {
		return nil, nil
	}
	names, err := c.files(module)
	if err != nil {
		return nil, err
	}
	listed := c.sums(module)
	c.used(module)
	good := map[string]string{}
	for _, name := range names {
		path := filepath.Join(c.folder(module), name)
		sum, err := fileSum(path)
		if err == nil && sum == listed[name] {
			good[name] = sum
			continue
		}
		if c.damaged != nil && listed[name] != "" { // what is in no list was being written when its process ended
			c.damaged(path)
		}
		if err := os.RemoveAll(path); err != nil {
			return nil, err
		}
	}
	return good, nil
}

// sums reads the list of a module. What cannot be read is not in it.
func (c *codeCache) sums(module [sha256.Size]byte) map[string]string {
	listed := map[string]string{}
	b, err := os.ReadFile(filepath.Join(c.folder(module), sumsFile))
	if err != nil {
		return listed
	}
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		if sum, name, ok := strings.Cut(lines.Text(), "  "); ok {
			listed[name] = sum
		}
	}
	return listed
}

// seal puts the files that came since verify into the list. What it cannot list is compiled again
// next time.
func (c *codeCache) seal(module [sha256.Size]byte, good map[string]string) {
	if c.dir == "" || c.trusted {
		return
	}
	names, err := c.files(module)
	if err != nil {
		return
	}
	var list strings.Builder
	fresh := false
	for _, name := range names {
		sum := good[name]
		if sum == "" {
			if sum, err = fileSum(filepath.Join(c.folder(module), name)); err != nil {
				continue
			}
			fresh = true
		}
		fmt.Fprintf(&list, "%s  %s\n", sum, name)
	}
	if fresh {
		replace(filepath.Join(c.folder(module), sumsFile), list.String())
		c.trim(module)
	}
}

// replace writes a file whole or not at all.
func replace(path, text string) {
	f, err := os.CreateTemp(filepath.Dir(filepath.Dir(path)), "sums")
	if err != nil {
		return
	}
	_, err = f.WriteString(text)
	err = oneline.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
}

// fileSum returns the digest of a plain file in hexadecimal.
func fileSum(path string) (string, error) {
	f, err := openPlain(path)
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

// openPlain opens what must be a plain file.
func openPlain(path string) (*os.File, error) {
	if st, err := os.Lstat(path); err != nil || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a plain file", printable(path))
	}
	return os.Open(path)
}

// close drops the compiled code.
func (c *codeCache) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.shared != nil {
		err = c.shared.Close(context.Background())
	}
	for _, cache := range c.open {
		c.retired = append(c.retired, cache)
	}
	for _, cache := range c.retired {
		err = oneline.Join(err, cache.Close(context.Background()))
	}
	return err
}
