package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bpfhost/bpfhost/internal/oneline"
)

// maxFile bounds what is read of one file, in bytes, unless --max-data raises it.
const maxFile = 64 << 20

// inputError says that a file could not be read or is not what it should be.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// outputError says that a file could not be written, which has nothing to do with the kernel.
type outputError struct{ err error }

func (e *outputError) Error() string { return e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// readFile reads a whole file; "-" is standard input. Errors are *inputError, or errInterrupted: a
// pipe or a terminal may never end.
func (a app) readFile(name string) ([]byte, error) {
	b, err := interruptibly(a.stop, func() ([]byte, error) { return a.readAll(name) })
	if err != nil && err != errInterrupted {
		err = &inputError{fmt.Errorf("read %s: %w", name, bare(err))}
	}
	return b, err
}

// interruptibly returns what read returns, or errInterrupted as soon as stop is closed.
func interruptibly[T any](stop <-chan struct{}, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case <-stop:
		var none T
		return none, errInterrupted
	case r := <-done:
		return r.value, r.err
	}
}

// readAnswer reads a line of standard input; its end is an empty one. Errors are *inputError, or
// errInterrupted.
func (a app) readAnswer() (string, error) {
	line, err := interruptibly(a.stop, func() (string, error) { return bufio.NewReader(a.in).ReadString('\n') })
	switch {
	case err == nil, errors.Is(err, errInterrupted):
		return line, err
	case errors.Is(err, io.EOF):
		return line, nil
	}
	return "", &inputError{fmt.Errorf("read answer: %w", bare(err))}
}

// bare is an error of package os without the name of the file, which is said already.
func bare(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
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
	limit := a.fileLimit()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("it is larger than %d MiB", limit>>20)
		if a.maxData != nil {
			err = fmt.Errorf("%w; for an object with so much data --%s raises that", err, maxDataFlag)
		}
	}
	return b, err
}

// writeFile writes a whole file; "-" is standard output. A file comes to its place whole or not at
// all. What is there and is not a plain file, such as a device, a pipe or a symbolic link, stays
// and is written to.
func (a app) writeFile(name string, b []byte) error {
	if name == "-" {
		_, err := a.out.Write(b)
		return err
	}
	mode := fs.FileMode(0o666)
	var err error
	if st, missing := os.Lstat(name); missing == nil && !st.Mode().IsRegular() {
		err = os.WriteFile(name, b, mode)
	} else {
		if missing == nil {
			mode = st.Mode().Perm()
		}
		release := a.signals.hold() // nothing half-written stays
		err = replaceFile(name, b, mode)
		release()
	}
	if err != nil {
		return &outputError{fmt.Errorf("write %s: %w", name, bare(err))}
	}
	return nil
}

// partFile is a file that is being written: it comes to its place whole, by keep, or not at all. What is
// there and is not a plain file is written to as it is, as by writeFile.
type partFile struct {
	io.Writer
	name   string
	file   *os.File // nil is standard output
	beside string   // where it is until it is kept; empty is its place
}

// beginFile begins to write a file; "-" is standard output.
func (a app) beginFile(name string) (*partFile, error) {
	if name == "-" {
		return &partFile{Writer: a.out, name: name}, nil
	}
	p := &partFile{name: name}
	mode := fs.FileMode(0o666)
	st, err := os.Lstat(name)
	if err == nil && !st.Mode().IsRegular() {
		p.file, err = os.OpenFile(name, os.O_WRONLY, 0)
	} else {
		if err == nil {
			mode = st.Mode().Perm()
		}
		p.beside = filepath.Join(filepath.Dir(name), ".bpfhost-"+rand.Text())
		p.file, err = os.OpenFile(p.beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	}
	if err != nil {
		return nil, &outputError{fmt.Errorf("write %s: %w", name, bare(err))}
	}
	p.Writer = p.file
	return p, nil
}

// keep brings the file to its place.
func (p *partFile) keep() error {
	if p.file == nil {
		return nil
	}
	err := p.file.Close()
	if err == nil && p.beside != "" {
		err = os.Rename(p.beside, p.name)
	}
	if err != nil {
		return &outputError{fmt.Errorf("write %s: %w", p.name, bare(err))}
	}
	p.file = nil
	return nil
}

// drop removes the file unless it was kept.
func (p *partFile) drop() {
	if p.file == nil {
		return
	}
	p.file.Close()
	if p.beside != "" {
		os.Remove(p.beside)
	}
	p.file = nil
}

// replaceFile writes a file beside name and renames it to name.
func replaceFile(name string, b []byte, mode fs.FileMode) error {
	beside := filepath.Join(filepath.Dir(name), ".bpfhost-"+rand.Text())
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = oneline.Join(err, f.Close())
	if err == nil {
		err = os.Rename(beside, name)
	}
	if err != nil {
		os.Remove(beside)
	}
	return err
}
