package plan

import (
	"errors"
	"io"
	"testing"
)

// A plan that cannot be written says so.
func TestWriteTextFails(t *testing.T) {
	broken := errors.New("broken")
	r, w := io.Pipe()
	r.CloseWithError(broken)
	if err := new(Plan).WriteText(w, TextOptions{}); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of the writer", err)
	}
}
