package sandbox

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// CodeStore keeps compiled code of other processes in a directory. It is not executed here, only
// handed on, and checked like that of an Engine.
type CodeStore struct{ cache *codeCache }

// CodeFile is one file of the code of a module.
type CodeFile struct {
	Name string // path with slashes, relative
	Data []byte
}

// maxCodeFiles bounds how many files a module has.
const maxCodeFiles = 16

// NewCodeStore returns the store in the directory of options, which must name one. Its errors are those
// of NewEngine.
func NewCodeStore(o EngineOptions) (*CodeStore, error) {
	cache, err := o.cache()
	return &CodeStore{cache}, err
}

// Load returns the files of a module, none if there are none or they cannot be read.
func (s *CodeStore) Load(module [sha256.Size]byte) []CodeFile {
	good, err := s.cache.verify(module)
	if err != nil {
		return nil
	}
	var files []CodeFile
	for name := range good {
		b, err := os.ReadFile(filepath.Join(s.cache.folder(module), name))
		if err != nil {
			return nil
		}
		files = append(files, CodeFile{filepath.ToSlash(name), b})
	}
	return files
}

// Save keeps the files of a module, beside those that it has.
func (s *CodeStore) Save(module [sha256.Size]byte, files []CodeFile) error {
	err := os.MkdirAll(s.cache.folder(module), 0o700)
	var good map[string]string
	if err == nil {
		good, err = s.cache.verify(module)
	}
	if err != nil {
		return fmt.Errorf("save compiled code: %w", err)
	}
	if len(files)+len(good) > maxCodeFiles {
		return fmt.Errorf("save compiled code: %d files are too many", len(files)+len(good))
	}
	for _, f := range files {
		name := filepath.FromSlash(f.Name)
		if !filepath.IsLocal(name) || filepath.Clean(name) != name || name == sumsFile {
			return fmt.Errorf("save compiled code: %s is not a name of a file", printable(f.Name))
		}
		path := filepath.Join(s.cache.folder(module), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("save compiled code: %w", err)
		}
		delete(good, name)
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			return fmt.Errorf("save compiled code: %w", err)
		}
	}
	s.cache.seal(module, good)
	return nil
}
