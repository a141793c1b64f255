package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// auditFile is where an audit log is appended to.
type auditFile struct {
	*os.File
	regular bool // it is on a disk, rather than a pipe or a terminal
}

// errBlocks says why something cannot be an audit log: who reads it must not keep programs attached.
var errBlocks = errors.New("it is a pipe, a socket or a terminal, which may block; name a file")

// openAudit opens a file for an audit log, and makes one that its owner alone may read. The error is
// an *inputError.
func openAudit(name string) (*auditFile, error) {
	if st, err := os.Stat(name); err == nil && st.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0 {
		return nil, &inputError{fmt.Errorf("open audit log %s: %w", name, errBlocks)}
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil && sys.IsTerminal(f) {
		f.Close()
		err = errBlocks
	}
	if err != nil {
		return nil, &inputError{fmt.Errorf("open audit log %s: %w", name, bare(err))}
	}
	st, err := f.Stat()
	return &auditFile{f, err == nil && st.Mode().IsRegular()}, nil
}

// Sync brings what was written to the disk, if there is one.
func (f *auditFile) Sync() error {
	if !f.regular {
		return nil
	}
	return f.File.Sync()
}
