package isolate

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bpfhost/bpfhost/host/internal/sandbox"
)

// An archive is files one after the other, each with the length of its name in four bytes, that of its
// content in four, and both.
const archiveHead = 8

var errArchive = errors.New("malformed archive of compiled code")

// appendFile adds a file to an archive.
func appendFile(archive []byte, name string, data []byte) []byte {
	archive = binary.LittleEndian.AppendUint32(archive, uint32(len(name)))
	archive = binary.LittleEndian.AppendUint32(archive, uint32(len(data)))
	return append(append(archive, name...), data...)
}

// files reads an archive.
func files(archive []byte) ([]sandbox.CodeFile, error) {
	var out []sandbox.CodeFile
	for b := archive; len(b) > 0; {
		if len(b) < archiveHead {
			return nil, errArchive
		}
		name, data := uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[4:]))
		b = b[archiveHead:]
		if name+data > uint64(len(b)) {
			return nil, errArchive
		}
		out = append(out, sandbox.CodeFile{Name: string(b[:name]), Data: b[name : name+data]})
		b = b[name+data:]
	}
	return out, nil
}

// unpack writes the files of an archive below a directory, and returns how many there are.
func unpack(dir string, archive []byte) (int, error) {
	list, err := files(archive)
	if err != nil {
		return 0, err
	}
	for _, f := range list {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return 0, err
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// pack makes an archive of the files below a directory.
func pack(dir string) ([]byte, error) {
	var archive []byte
	err := eachFile(dir, func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		archive = appendFile(archive, filepath.ToSlash(rel), data)
		return nil
	})
	return archive, err
}

// countFiles returns how many files there are below a directory.
func countFiles(dir string) (n int, err error) {
	err = eachFile(dir, func(string) error { n++; return nil })
	return n, err
}

// eachFile calls a function with the path of each file below a directory.
func eachFile(dir string, do func(path string) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return do(path)
	})
}
