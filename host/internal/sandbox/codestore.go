package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
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

// Load returns the files of a module, none if there are none or they cannot be read. Each is read once:
// what was checked is what is returned.
func (s *CodeStore) Load(module [sha256.Size]byte) []CodeFile {
	read := map[string][]byte{}
	good, err := s.cache.verifyBy(module, func(path string) (string, error) {
		f, err := openPlain(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		b, err := readWhole(f)
		sum := sha256.Sum256(b)
		read[path] = b
		return hex.EncodeToString(sum[:]), err
	})
	if err != nil {
		return nil
	}
	var files []CodeFile
	for name := range good {
		files = append(files, CodeFile{filepath.ToSlash(name), read[filepath.Join(s.cache.folder(module), name)]})
	}
	return files
}

// readWhole reads a file into memory of its size.
func readWhole(f *os.File) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, st.Size())
	n, err := io.ReadFull(f, b)
	return b[:n], err
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
