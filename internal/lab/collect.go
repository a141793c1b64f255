package lab

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// unpack writes the files of a compressed tar archive, as the machine sends it, into a folder. No
// archive means no files.
func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		err = unpackAll(tar.NewReader(z), dir)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, z) // the checksum is at the end
	}
	if err != nil {
		return fmt.Errorf("unpack what the machine left: %w", err)
	}
	return nil
}

func unpackAll(r *tar.Reader, dir string) error {
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && h.Typeflag == tar.TypeReg {
			err = unpackFile(r, dir, h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(r io.Reader, dir, name string) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("file %q is outside", name)
	}
	to := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
