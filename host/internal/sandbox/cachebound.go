package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
)

// Bounds of a cache of code.
const (
	defaultCacheBytes = 512 << 20
	defaultIdleBytes  = 64 << 20  // of modules whose code is kept in memory for nobody
	idleOverhead      = 16 << 10  // bytes that one takes besides
	strayTime         = time.Hour // after which a file that belongs to no module is left over
)

// stored is the folder of a module in the directory.
type stored struct {
	path  string
	bytes int64
	used  time.Time
}

// used notes that the code of a module was used now.
func (c *codeCache) used(module [sha256.Size]byte) {
	now := time.Now()
	_ = os.Chtimes(filepath.Join(c.folder(module), sumsFile), now, now) // not there before it is first sealed
}

// trim removes the code of modules that was used longest ago, until the directory is within its
// bound. That of one module stays. Other processes may do the same, or use what is removed: they
// find it gone and compile again.
func (c *codeCache) trim(keep [sha256.Size]byte) {
	all := c.stored()
	slices.SortFunc(all, func(a, b stored) int { return a.used.Compare(b.used) })
	total := int64(0)
	for i := range all {
		total += all[i].bytes
	}
	for i := range all {
		if total <= c.max {
			return
		}
		if all[i].path == c.folder(keep) {
			continue
		}
		removeWhole(all[i].path)
		total -= all[i].bytes
	}
}

// stored lists the folders of modules, and removes what is left of processes that ended.
func (c *codeCache) stored() []stored {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil
	}
	var all []stored
	for _, e := range entries {
		path := filepath.Join(c.dir, e.Name())
		if digest, err := hex.DecodeString(e.Name()); err == nil && len(digest) == sha256.Size && e.IsDir() {
			all = append(all, stored{path, size(path), lastUse(path)})
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > strayTime {
			os.RemoveAll(path)
		}
	}
	return all
}

// size returns how many bytes the files below a folder have.
func size(root string) (n int64) {
	filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// lastUse returns when the code in a folder was used.
func lastUse(folder string) time.Time {
	for _, path := range []string{filepath.Join(folder, sumsFile), folder} {
		if info, err := os.Stat(path); err == nil {
			return info.ModTime()
		}
	}
	return time.Time{}
}

// removeWhole takes a folder away at once, so that nobody finds a part of it.
func removeWhole(folder string) {
	away, err := os.MkdirTemp(filepath.Dir(folder), "removed")
	if err != nil {
		return
	}
	_ = os.Rename(folder, filepath.Join(away, "code")) // another process may have done it
	os.RemoveAll(away)
}

// idleCode is code in memory that no guest runs.
type idleCode struct {
	digest [sha256.Size]byte
	code   wazero.CompiledModule
	bytes  int // of the module
}

// rest keeps code in memory that no guest runs any more, instead of what was used longest ago.
func (c *codeCache) rest(code idleCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = slices.DeleteFunc(c.idle, func(i idleCode) bool {
		if i.digest == code.digest {
			i.code.Close(context.Background())
		}
		return i.digest == code.digest
	})
	c.idle = append(c.idle, code)
	total := 0
	for i := range c.idle {
		total += c.idle[i].bytes + idleOverhead
	}
	for total > c.maxIdle {
		total -= c.idle[0].bytes + idleOverhead
		c.idle[0].code.Close(context.Background())
		c.idle = slices.Delete(c.idle, 0, 1)
	}
}
