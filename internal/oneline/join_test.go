package oneline

import (
	"errors"
	"io"
	"io/fs"
	"testing"
)

func TestJoin(t *testing.T) {
	if err := Join(nil, nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
	if err := Join(nil, io.EOF, nil); err != io.EOF {
		t.Errorf("one: %v", err)
	}
	err := Join(io.EOF, nil, fs.ErrClosed)
	err = Join(err, fs.ErrExist)
	if !errors.Is(err, io.EOF) || !errors.Is(err, fs.ErrClosed) || !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v does not wrap all", err)
	}
	if want := "EOF; also: file already closed; also: file already exists"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
