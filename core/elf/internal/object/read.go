package object

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
)

// ErrTooLarge says that there is more than ReadAll is to return.
var ErrTooLarge = errors.New("larger than the limit")

// ReadAll returns everything that r has, without trusting it to end. The error wraps ErrNotObject when
// the start is that of something else, and ErrTooLarge when there are more than limit bytes.
func ReadAll(r io.ReaderAt, limit uint64) ([]byte, error) {
	head := make([]byte, identifySize)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if err := identify(head[:n]); err != nil {
		return nil, err
	}
	if s, ok := r.(interface{ Size() int64 }); ok && s.Size() >= 0 && uint64(s.Size()) <= limit {
		b := make([]byte, s.Size())
		n, err := r.ReadAt(b, 0)
		if n < len(b) {
			return nil, fmt.Errorf("file ends after %d of %d bytes: %w", n, len(b), err)
		}
		return b, nil
	}
	var buf bytes.Buffer
	m, err := buf.ReadFrom(io.NewSectionReader(r, 0, int64(min(limit, math.MaxInt64-1))+1))
	if err != nil {
		return nil, err
	}
	if uint64(m) > limit {
		return nil, fmt.Errorf("file is %w of %d bytes", ErrTooLarge, limit)
	}
	return buf.Bytes(), nil
}
