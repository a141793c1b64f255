package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxFile bounds what is read of one file, in bytes.
const maxFile = 64 << 20

// inputError says that a file could not be read or is not what it should be.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// readFile reads a whole file; "-" is standard input. Errors are *inputError.
func (a app) readFile(name string) ([]byte, error) {
	b, err := a.readAll(name)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err // the name is said already
		}
		return nil, &inputError{fmt.Errorf("read %s: %w", name, err)}
	}
	return b, nil
}

func (a app) readAll(name string) ([]byte, error) {
	r := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if st, err := f.Stat(); err == nil && st.IsDir() {
			return nil, errors.New("this is a directory, not a file")
		}
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return b, err
}
