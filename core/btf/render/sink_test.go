package render

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
)

// pieces counts what is written, and fails after some of it.
type pieces struct {
	bytes.Buffer
	n, fail int
	largest int
}

var errFull = errors.New("disk full")

func (p *pieces) Write(b []byte) (int, error) {
	if p.n++; p.n == p.fail {
		return 0, errFull
	}
	p.largest = max(p.largest, len(b))
	return p.Buffer.Write(b)
}

// formats are what can be appended and written.
var formats = map[string]struct {
	append func([]byte, *btf.Types) ([]byte, error)
	write  func(io.Writer, *btf.Types) error
}{
	"c": {
		func(b []byte, t *btf.Types) ([]byte, error) { return Header(b, t, HeaderOptions{Asserts: true}) },
		func(w io.Writer, t *btf.Types) error { return WriteHeader(w, t, HeaderOptions{Asserts: true}) },
	},
	"go": {
		func(b []byte, t *btf.Types) ([]byte, error) { return Go(b, t, GoOptions{}) },
		func(w io.Writer, t *btf.Types) error { return WriteGo(w, t, GoOptions{}) },
	},
	"json": {
		func(b []byte, t *btf.Types) ([]byte, error) { return JSON(b, t, nil) },
		func(w io.Writer, t *btf.Types) error { return WriteJSON(w, t, nil) },
	},
}

// large makes types of which every format takes many pieces.
func large(t *testing.T) *btf.Types {
	var b btf.Builder
	i := b.Add(&btf.Int{Name: "int", Size: 4})
	for n := range 3000 {
		s := &btf.Struct{Name: "s" + string(rune('a'+n%26)), Size: 80}
		for m := range 20 {
			s.Members = append(s.Members, btf.Member{Name: "member_" + string(rune('a'+m)), Type: i, Offset: uint32(32 * m)})
		}
		b.Add(s)
	}
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// TestWrite writes in pieces what is appended as a whole.
func TestWrite(t *testing.T) {
	types := large(t)
	for name, f := range formats {
		want, err := f.append([]byte("before "), types)
		if err != nil {
			t.Fatal(err)
		}
		var got pieces
		if err := f.write(&got, types); err != nil {
			t.Fatal(err)
		}
		if string(want) != "before "+got.String() {
			t.Errorf("%s: what is written is not what is appended", name)
		}
		if got.n < 3 || got.largest > 3*chunkBytes {
			t.Errorf("%s: %d bytes in %d pieces, the largest of %d", name, got.Len(), got.n, got.largest)
		}
		failing := pieces{fail: 2}
		if err := f.write(&failing, types); !errors.Is(err, errFull) || failing.n != 2 {
			t.Errorf("%s: %v after %d pieces", name, err, failing.n)
		}
	}
}

// TestLimit writes as many bytes as are allowed, and one more.
func TestLimit(t *testing.T) {
	types := large(t)
	for name, write := range map[string]func(w io.Writer, limit int) error{
		"c":  func(w io.Writer, n int) error { return WriteHeader(w, types, HeaderOptions{MaxBytes: n}) },
		"go": func(w io.Writer, n int) error { return WriteGo(w, types, GoOptions{MaxBytes: n}) },
	} {
		var whole, part pieces
		if err := write(&whole, 0); err != nil {
			t.Fatal(err)
		}
		if err := write(io.Discard, whole.Len()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := write(&part, whole.Len()-1); !errors.Is(err, ErrLimit) || part.Len() >= whole.Len() {
			t.Errorf("%s: %v after %d of %d bytes", name, err, part.Len(), whole.Len())
		}
		if err := write(&part, 1000); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWriteEnds sees that what an error cut off does not look whole.
func TestWriteEnds(t *testing.T) {
	var b btf.Builder
	i := b.Add(&btf.Int{Name: "int", Size: 4})
	for range 100 {
		i = b.Add(&btf.Struct{Size: 4, Members: []btf.Member{{Type: i}}})
	}
	b.Add(&btf.Struct{Name: "first", Size: 4, Members: []btf.Member{{Name: "a", Type: 1}}})
	b.Add(&btf.Typedef{Name: "deep", Type: i})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	var got pieces
	if err := WriteHeader(&got, types, HeaderOptions{}); !errors.Is(err, ErrLimit) || bytes.Contains(got.Bytes(), []byte(headerEnd)) {
		t.Errorf("%v after\n%s", err, got.String())
	}
}
